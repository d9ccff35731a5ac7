"""The mappings that ship with the project, one TOML file in `presets/` to a vendor; to add one is to add a file."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from features.capture.mapping import Mapping as SourceMapping
from features.catalogue import parse_toml
from features.errors import ConfigurationError

PREFIX = "preset:"
"""Before the name of a preset, where a mapping's file could stand."""

_FOLDER = Path(__file__).parent / "presets"


def preset_names() -> tuple[str, ...]:
    """Every preset, in alphabetical order."""
    return tuple(sorted(_paths()))


def preset_path(name: str) -> Path:
    """The file of a preset, to be copied and changed.

    Raises
    ------
    ConfigurationError
        When there is no such preset.
    """
    if name not in _paths():
        raise ConfigurationError(
            f"there is no preset {name!r}; choose of {', '.join(preset_names())}, or give the path of a mapping"
        )
    return _paths()[name]


def load_source(source: str | Path) -> SourceMapping:
    """The mapping that `preset:segment` names, or the one in a file.

    Raises
    ------
    ConfigurationError
        When there is no such preset or file, or it is not a mapping.
    """
    is_preset = isinstance(source, str) and source.startswith(PREFIX)
    return parse_toml(SourceMapping, preset_path(str(source).removeprefix(PREFIX)) if is_preset else Path(source))


def _paths() -> Mapping[str, Path]:
    return MappingProxyType({path.stem: path for path in _FOLDER.glob("*.toml")})
