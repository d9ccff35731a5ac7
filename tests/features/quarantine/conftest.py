"""A shop whose exports go through the real capture, and whose quarantine is then worked on."""

import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.capture import Mapping, ingest
from features.catalogue import parse_catalogue
from features.identity import Names
from features.lake import Lake
from features.quarantine import Selection, list_refused, replay

NOW = datetime(2024, 6, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
CATALOGUE = parse_catalogue({"touchpoints": [{"name": "store.checkout", "stage": "purchase"}]})
NAMES = Names(b"k" * 32, CATALOGUE.identifier_types, region="US")
MAPPING = """
name = "shop"
[[interactions]]
customer_id = "client"
touchpoint = "where"
kind = {column = "what", map = {P = "purchase", R = "refund"}}
at = "at"
"""


class Shop:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lake = Lake(folder / "lake")
        self.posted: list[Any] = []

    def mapping(self, text: str = MAPPING) -> Mapping:
        return Mapping.model_validate(tomllib.loads(text))

    def write(self, content: str, name: str = "export.csv") -> Path:
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        return path

    def take_files(self, files: Sequence[Path], mapping: Mapping, *, lake: Lake | None = None) -> object:
        given = {"catalogue": CATALOGUE, "now": NOW, "clock_skew_seconds": 300, "on_progress": lambda message: None}
        return ingest(files, mapping, lake=lake or self.lake, names=NAMES, **given)

    def csv(self, *lines: str, mapping: str = MAPPING) -> object:
        return self.take_files([self.write("\n".join(["client,where,what,at", *lines]) + "\n")], self.mapping(mapping))

    def post(self, source: str, items: Sequence[Any]) -> list[str | None]:
        """A check like that of the service: what has a kind is taken."""
        self.posted += [item for item in items if "kind" in item]
        return [None if "kind" in item else "/kind: is required" for item in items]

    def replay(self, selection: Selection | None = None, *, mapping: str = MAPPING, **given: Any) -> Any:
        ways = {"mapping": self.mapping(mapping), "take_files": self.take_files, "post": self.post, "now": LATER}
        return replay(self.lake, selection or Selection(), **{**ways, **given})

    def pending(self, **given: Any) -> dict[str, str]:
        return {record.raw: record.reason for record in list_refused(self.lake, Selection(**given)).records}

    def customers(self) -> list[str]:
        return sorted(self.lake.read("interactions", ["customer_id"])["customer_id"].to_pylist())


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)
