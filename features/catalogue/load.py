"""Reads a catalogue file; an unknown key is an error that names file and key."""

import tomllib
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
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "(whole file)"
        rule = "unknown key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"{name}: {key}: {rule}") from None
