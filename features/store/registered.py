"""Feast under one home: registered for the features in force, and opened once."""

from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from features.errors import StoreError
from features.settings import Settings
from features.store.definitions import SERVICE, definitions, feast_errors, open_feast
from features.store.files import read_json, write_json
from features.store.online_redis import RedisRows
from features.store.online_sqlite import SqliteRows
from features.tables import Feature, all_columns


class Registered:
    """Feast, its folder, and the place of its online rows.

    Attributes
    ----------
    columns : of the states, for the catalogue in force.
    marks : the file of which states are online; without it all are written again.
    """

    def __init__(self, settings: Settings, features: Sequence[Feature]) -> None:
        self.features, self.columns = tuple(features), all_columns(features)
        self.folder = settings.feast_path
        url = settings.online_store
        self.rows: SqliteRows | RedisRows = SqliteRows(self.folder) if url is None else RedisRows(url, self.folder)
        self.marks = self.folder / "online_marks.parquet"
        self._home = settings.home
        self._registry, self._applied = self.folder / "registry.db", self.folder / "applied.json"

    def apply(self) -> None:
        """Register the definitions in Feast and make its online tables; does nothing when they are registered already.

        Raises
        ------
        StoreError
            When Feast or its online store does not answer.
        """
        wanted = {"columns": self.fingerprint, "online": self.rows.name}
        with feast_errors(*self.rows.errors):
            done, is_set_up = read_json(self._applied), self.rows.is_set_up()
            if done == wanted and self._registry.exists() and is_set_up:
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            if done.get("online") != self.rows.name or not is_set_up:
                # with a registry that knows the tables, Feast would not make them again
                for leftover in (self._registry, self.marks):
                    leftover.unlink(missing_ok=True)
                for opened in ("feast", "service"):
                    self.__dict__.pop(opened, None)
            self.feast.apply(list(definitions(self.features, self.folder)))
            self.feast.refresh_registry()
            self.rows.set_up()
        write_json(self._applied, wanted)

    def check(self, record: Path) -> None:
        """Refuse where a file of what was done says that it was for other columns.

        Raises
        ------
        StoreError
            Which says what to do.
        """
        if read_json(record).get("columns") != self.fingerprint:
            raise StoreError(f"{self.folder}: not set up for the catalogue in force; run `touchpoint materialize` first")

    @cached_property
    def feast(self) -> Any:
        """Feast's own store."""
        return open_feast(self._home, self.rows.configuration)

    @cached_property
    def service(self) -> Any:
        """Feast's feature service of all columns."""
        # by name it would be looked up again on every call, which costs more than the read itself
        self.check(self._applied)
        return self.feast.get_feature_service(SERVICE)

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the columns."""
        return sha256(repr(self.columns).encode()).hexdigest()
