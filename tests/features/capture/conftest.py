import tomllib
from datetime import UTC, datetime
from types import MappingProxyType

import pytest

from features.capture import Mapping, ingest
from features.catalogue import parse_catalogue
from features.identity import Names
from features.lake import SCHEMAS, Lake

NOW = datetime(2024, 6, 1, tzinfo=UTC)
CATALOGUE = parse_catalogue(
    {
        "currency": "USD",
        "rates": {"EUR": 1.5, "GBP": 2.0},
        "touchpoints": [
            {"name": "store.checkout", "stage": "purchase"},
            {"name": "web.page", "stage": "awareness"},
            {"name": "mail.a", "stage": "consideration", "recommendable": True},
            {"name": "mail.b", "stage": "retention", "recommendable": True},
        ],
    }
)
NAMES = Names(b"a key for tests", CATALOGUE.identifier_types, region="US")
PURCHASE = """
customer_id = "client"
touchpoint = {constant = "store.checkout"}
kind = {constant = "purchase"}
at = "at"
"""


class Shop:
    """A lake, and a folder to write exports into."""

    def __init__(self, folder):
        self.folder = folder
        self.lake = Lake(folder / "lake")
        self.messages = []
        self.catalogue, self.names = CATALOGUE, NAMES

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def ingest(self, mapping, *files, now=NOW, names=NAMES, tombstones=MappingProxyType({})):
        return ingest(
            files,
            Mapping.model_validate(tomllib.loads(mapping)),
            catalogue=CATALOGUE,
            lake=self.lake,
            now=now,
            clock_skew_seconds=300,
            on_progress=self.messages.append,
            names=names,
            tombstones=tombstones,
        )

    def csv(self, content, mapping=PURCHASE, *, head="", name="export.csv"):
        return self.ingest(f'name = "shop"\n{head}\n[[interactions]]\n{mapping}', self.write(name, content))

    def rows(self, table="interactions"):
        return sorted(self.lake.read(table).to_pylist(), key=repr)

    def column(self, name, table="interactions"):
        return sorted((row[name] for row in self.rows(table)), key=repr)

    def reasons(self):
        return {row["raw"]: row["reason"] for row in self.rows("quarantine")}

    def contents(self):
        return {table: sorted(map(repr, self.lake.read(table).to_pylist())) for table in SCHEMAS}


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)
