"""Reads a catalogue file; an unknown key is an error that names file and key."""

import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from features.catalogue.model import Catalogue
from features.errors import ConfigurationError

Model = TypeVar("Model", bound=BaseModel)


def load_catalogue(path: Path) -> Catalogue:
    """Read and check the catalogue at `path`.

    Raises
    ------
    ConfigurationError
        When the file is missing, is not TOML, or has an unknown or invalid key.
    """
    return parse_toml(Catalogue, path)


def parse_catalogue(values: dict[str, Any], *, name: str = "catalogue") -> Catalogue:
    """Check a catalogue given as a dictionary; `name` stands for the file in messages."""
    return _validated(Catalogue, values, name)


def parse_toml(model: type[Model], path: Path) -> Model:
    """Read any TOML file into its checked model, with errors that name file and key."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: no such file; write it, or name another one") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: not readable as TOML: {error}") from None
    return _validated(model, values, str(path))


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
