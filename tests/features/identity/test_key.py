"""The key: given, or made once, whoever asks first."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from features.errors import ConfigurationError
from features.identity import identifier_key, identifier_key_before
from features.settings import load_settings


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home")
    key = identifier_key(settings)
    assert len(key) == 32 and identifier_key(settings) == key
    (file,) = (tmp_path / "home").iterdir()
    assert file.name == "identifier.key" and stat.S_IMODE(file.stat().st_mode) == 0o600


def test_all_who_make_it_at_once_have_the_same(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(lambda _: identifier_key(settings), range(64)))) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["identifier.key"]


def test_the_setting_wins_and_a_key_copied_from_the_file_is_the_same(tmp_path: Path) -> None:
    made = identifier_key(load_settings(home=tmp_path))
    copied = (tmp_path / "identifier.key").read_text().strip()
    assert identifier_key(load_settings(home=tmp_path / "other", identifier_key=copied)) == made
    assert identifier_key(load_settings(home=tmp_path, identifier_key="sixteen letters!")) == b"sixteen letters!"


def test_there_is_a_key_before_only_when_it_is_set(tmp_path: Path) -> None:
    assert identifier_key_before(load_settings(home=tmp_path)) is None
    assert identifier_key_before(load_settings(home=tmp_path, identifier_key_before="sixteen letters!")) == b"sixteen letters!"


def test_a_short_key_and_a_torn_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="identifier_key: 5 characters; give at least 16"):
        identifier_key(load_settings(home=tmp_path, identifier_key="short"))
    (tmp_path / "identifier.key").write_text("not a key")
    with pytest.raises(ConfigurationError, match="not an identifier key of 64 hexadecimal digits"):
        identifier_key(load_settings(home=tmp_path))
