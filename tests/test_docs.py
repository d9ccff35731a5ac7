"""The README and the pages it leads to are tested: what they name exists, and what exists is named."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from typer.main import get_command

from features.capture import Mapping
from features.catalogue import Catalogue, parse_toml
from features.domain import Channel, Kind, Metric, Stage
from features.settings import Settings
from serving.cli import app
from serving.http.problems import PROBLEM_TYPES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {path: path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
DOCS = "\n".join(PAGES.values())
TOP = get_command(app).commands  # type: ignore[attr-defined]
COMMANDS = sorted([*TOP, *(f"{name} {part}" for name, group in TOP.items() for part in getattr(group, "commands", ()))])
PRESETS = sorted(path.stem for path in (ROOT / "features" / "capture" / "presets").glob("*.toml"))


def keys_of(model: type[BaseModel]) -> Iterator[str]:
    """Every key of a TOML model, nested models included."""
    for name, field in model.model_fields.items():
        yield field.alias or name
        for part in _models_in(field.annotation):
            yield from keys_of(part)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def test_the_first_command_stands_by_line_20_and_a_decision_by_line_60() -> None:
    lines = README.splitlines()
    assert any("make demo" in line for line in lines[:20])
    assert any('"probability"' in line for line in lines[:60])


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    assert f"touchpoint {command}" in DOCS


@pytest.mark.parametrize("command", sorted(set(re.findall(r"(?:^|`)touchpoint ([a-z]+)", DOCS, flags=re.MULTILINE))))
def test_every_documented_command_exists(command: str) -> None:
    assert command in COMMANDS


@pytest.mark.parametrize("key", sorted(set(keys_of(Catalogue))))
def test_every_catalogue_key_is_documented(key: str) -> None:
    assert f"{key} =" in DOCS or f"[{key}]" in DOCS or f"[{key}." in DOCS


@pytest.mark.parametrize("key", sorted(set(keys_of(Mapping))))
def test_every_mapping_key_is_documented(key: str) -> None:
    assert f"`{key}`" in DOCS or f"{key} =" in DOCS


@pytest.mark.parametrize("key", sorted(Settings.model_fields))
def test_every_setting_is_documented(key: str) -> None:
    assert f"`{key}`" in DOCS


@pytest.mark.parametrize("name", sorted(PROBLEM_TYPES))
def test_every_problem_type_is_documented_with_its_status(name: str) -> None:
    assert f"| `/problems/{name}` | {PROBLEM_TYPES[name].status} |" in DOCS


@pytest.mark.parametrize("word", [*Channel, *Stage, *Kind, *Metric])
def test_every_word_of_the_domain_is_documented(word: str) -> None:
    assert f"`{word}`" in DOCS


LINKS = sorted({(page, link) for page, text in PAGES.items() for link in re.findall(r"\]\(([^)#:]+)\)", text)})


@pytest.mark.parametrize(("page", "link"), LINKS, ids=lambda part: str(getattr(part, "name", part)))
def test_every_link_leads_somewhere(page: Path, link: str) -> None:
    assert (page.parent / link).exists()


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "README.md"], ids=lambda page: page.name)
def test_the_readme_leads_to_every_page(page: Path) -> None:
    assert f"](docs/{page.name})" in README


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_documented(preset: str) -> None:
    assert f"`{preset}`" in DOCS


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:features|training|serving|tests|benchmarks)/[^`]*)`", README))))
def test_every_path_in_code_style_exists(name: str) -> None:
    assert (ROOT / name).exists()


def test_the_worked_mapping_and_catalogue_parse(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n# (\S+)\n(.*?)```", DOCS, flags=re.DOTALL)
    names = [name for name, _ in blocks]
    assert {"catalogue.toml", "orders.toml"} <= set(names)
    for name, text in blocks:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        parse_toml(Catalogue if name == "catalogue.toml" else Mapping, path)
