"""The secret under which identifiers are hashed: from the settings, else a file in the home, made at first use."""

import os
import re
import secrets
from pathlib import Path
from tempfile import mkstemp

from pydantic import SecretStr

from features.errors import ConfigurationError
from features.settings import Settings

_FILE = "identifier.key"
_BYTES = 32
_SHORTEST = 16  # characters; shorter ones can be guessed, and with the key every address


def identifier_key(settings: Settings) -> bytes:
    """The key in force. Who loses it cannot recognise anybody again by an e-mail address or cookie: back it up.

    Raises
    ------
    ConfigurationError
        When the setting is too short, or the file holds no key.
    """
    given = _from_setting(settings.identifier_key, "identifier_key")
    return _from_file(settings.home / _FILE) if given is None else given


def identifier_key_before(settings: Settings) -> bytes | None:
    """The key before the last change of it; None when it was never changed.

    Raises
    ------
    ConfigurationError
        When the setting is too short.
    """
    return _from_setting(settings.identifier_key_before, "identifier_key_before")


def _from_setting(secret: SecretStr | None, name: str) -> bytes | None:
    if secret is None:
        return None
    text = secret.get_secret_value()
    if len(text) < _SHORTEST:
        raise ConfigurationError(f"settings: {name}: {len(text)} characters; give at least {_SHORTEST}, hard to guess")
    # A key that was copied out of the file means the same bytes as the file
    return bytes.fromhex(text) if _is_hexadecimal(text) else text.encode()


def _from_file(path: Path) -> bytes:
    if not path.exists():
        _make(path)
    text = path.read_text(encoding="ascii", errors="replace").strip()
    if not _is_hexadecimal(text):
        raise ConfigurationError(f"{path}: not an identifier key of {2 * _BYTES} hexadecimal digits; restore it from a backup")
    return bytes.fromhex(text)


def _is_hexadecimal(text: str) -> bool:
    return re.fullmatch(f"[0-9a-f]{{{2 * _BYTES}}}", text) is not None


def _make(path: Path) -> None:
    """Write a new key, readable by its owner alone; of several processes that do so at once one wins, and all use its key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = mkstemp(dir=path.parent, prefix=f".{path.name}-")  # its mode is 0600
    written = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(written, path)
    except FileExistsError:
        pass
    finally:
        written.unlink()
