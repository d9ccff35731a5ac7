"""Reads a catalogue file; an unknown key is an error that names file and key."""

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from features.catalogue.checks import feature_errors, floor_errors
from features.catalogue.model import Catalogue
from features.errors import ConfigurationError

Model = TypeVar("Model", bound=BaseModel)

_PRESETS = Path(__file__).parents[1] / "capture" / "presets"


def load_catalogue(path: Path) -> Catalogue:
    """Read and check the catalogue at `path`.

    Raises
    ------
    ConfigurationError
        When the file is missing, is not TOML, or has an unknown or invalid key.
    """
    return parse_catalogue(_read_toml(path), name=str(path))


def parse_catalogue(values: dict[str, Any], *, name: str = "catalogue") -> Catalogue:
    """Check a catalogue given as a dictionary; `name` stands for the file in messages.

    The touchpoints of its presets come after its own; one that it lists itself is as it says.
    """
    catalogue = _validated(Catalogue, _with_touchpoints_of_presets(values, name), name)
    for error in floor_errors(catalogue):
        raise ConfigurationError(f"{name}: {error}")
    if catalogue.conditions:
        _check_features(catalogue, name)
    return catalogue


def parse_toml(model: type[Model], path: Path) -> Model:
    """Read any TOML file into its checked model, with errors that name file and key."""
    return _validated(model, _read_toml(path), str(path))


def _check_features(catalogue: Catalogue, name: str) -> None:
    from features.tables import feature_list  # which itself is made of a catalogue, and brings the engine of features along

    for error in feature_errors(catalogue, (feature.name for feature in feature_list(catalogue))):
        raise ConfigurationError(f"{name}: {error}")


def _with_touchpoints_of_presets(values: dict[str, Any], name: str) -> dict[str, Any]:
    presets, own = values.get("presets"), values.get("touchpoints", [])
    if not isinstance(presets, list) or not isinstance(own, list):
        return values  # the model says what is wrong with it
    listed = {each.get("name") for each in own if isinstance(each, dict)}
    brought = {each: stage for preset in presets for each, stage in _touchpoints_of(preset, name).items() if each not in listed}
    return {**values, "touchpoints": [*own, *({"name": each, "stage": brought[each]} for each in sorted(brought))]}


def _touchpoints_of(preset: str, name: str) -> dict[str, str]:
    paths = {path.stem: path for path in sorted(_PRESETS.glob("*.toml"))}
    if preset not in paths:
        raise ConfigurationError(f"{name}: presets: there is no preset {preset!r}; choose of {', '.join(paths)}")
    touchpoints: dict[str, str] = _read_toml(paths[preset]).get("touchpoints", {})
    return touchpoints


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: no such file; write it, or name another one") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: not readable as TOML: {error}") from None


def _validated(model: type[Model], values: dict[str, Any], name: str) -> Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        # a key that is not known explains another one that is missing, so it goes first
        first = min(error.errors(), key=lambda part: part["type"] != "extra_forbidden")
        key = ".".join(str(part) for part in first["loc"]) or "(whole file)"
        raise ConfigurationError(f"{name}: {key}: {_rule(first, model)}") from None


def _rule(part: Any, model: type[BaseModel]) -> str:
    if part["type"] != "extra_forbidden":
        message = str(part["msg"]).removeprefix("Value error, ")
        return message.replace("valid tuple", "list").replace("valid dictionary", "table, { key = ... }")
    near = get_close_matches(str(part["loc"][-1]), sorted(_keys(model.model_json_schema())), n=1)
    return f"unknown key; did you mean {near[0]!r}?" if near else "unknown key"


def _keys(schema: Any) -> set[str]:
    """Every key that a model or a part of it has."""
    if isinstance(schema, list):
        return set().union(*map(_keys, schema))
    if not isinstance(schema, dict):
        return set()
    return set(schema.get("properties", ())).union(*map(_keys, schema.values()))
