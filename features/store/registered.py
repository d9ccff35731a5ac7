"""Feast under one home: registered for the features in force, and opened only to register; rows are read without it."""

from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from typing import Any

from filelock import FileLock

from features.errors import StoreError
from features.settings import Settings
from features.store.definitions import definitions, feast_errors, open_feast, store_errors
from features.store.files import Record
from features.store.online_redis import RedisRows
from features.store.online_sqlite import SqliteRows
from features.store.packing import FORMAT, Layout
from features.tables import Feature, all_columns


class Registered:
    """Feast, its folder, and the place of its online rows.

    Attributes
    ----------
    columns : of the states, for the catalogue in force.
    marks : the file of which states are online; without it all are written again.
    materialized : what was materialized last.
    """

    def __init__(self, settings: Settings, features: Sequence[Feature]) -> None:
        self.features, self.columns = tuple(features), all_columns(features)
        self.folder = settings.feast_path
        url, self._file = settings.online_store, SqliteRows(self.folder / "online.db")
        self.rows: SqliteRows | RedisRows = self._file if url is None else RedisRows(url)
        self.marks = self.folder / "online_marks.parquet"
        self.materialized = Record(self.folder / "materialized.json")
        self._home = settings.home
        self._registry, self._applied = self.folder / "registry.db", Record(self.folder / "applied.json")

    def apply(self) -> None:
        """Register the definitions in Feast and make its online tables; does nothing when they are registered already.

        Raises
        ------
        StoreError
            When Feast or its online store does not answer.
        """
        with store_errors(*self.rows.errors):
            if self._is_applied():
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / ".apply.lock"):
                if not self._is_applied():  # by another process meanwhile, whose rows must stay
                    self._apply()

    def check(self, record: Record) -> None:
        """Refuse where a record of what was done says that it was for other columns.

        Raises
        ------
        StoreError
            Which says what to do.
        """
        if record.read().get("columns") != self.fingerprint:
            raise self._not_set_up()

    @cached_property
    def layout(self) -> Layout:
        """How rows of the columns in force are packed."""
        return Layout({column.name: column.dtype for column in self.columns})

    @cached_property
    def readable(self) -> Layout:
        """The layout, once there are rows to be read.

        Raises
        ------
        StoreError
            When the online store is not set up, or what was materialized was so by a version that kept rows in another way.
        """
        self.check(self._applied)
        done = self.materialized.read()
        if self._applied.read().get("format") != FORMAT or (done and done.get("format") != FORMAT):
            raise self._not_set_up()
        return self.layout

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the columns."""
        return sha256(repr(self.columns).encode()).hexdigest()

    @property
    def _wanted(self) -> dict[str, Any]:
        return {"columns": self.fingerprint, "online": self.rows.name, "format": FORMAT}

    def _is_applied(self) -> bool:
        return self._applied.read() == self._wanted and self._registry.exists() and self.rows.is_set_up()

    def _apply(self) -> None:
        if self._applied.read().get("online") != self.rows.name or not self.rows.is_set_up():
            # with a registry that knows the tables, Feast would not make them again
            for leftover in (self._registry, self.marks):
                leftover.unlink(missing_ok=True)
            self.rows.clear()
        with feast_errors():
            feast = open_feast(self._home, self.rows.configuration)
            feast.apply(list(definitions(self.features, self.folder)))
        self.rows.set_up()
        if self.rows is not self._file:
            self._file.clear()  # nobody would look there when a customer is erased
        self._applied.write(self._wanted)

    def _not_set_up(self) -> StoreError:
        return StoreError(f"{self.folder}: not set up for the catalogue in force; run `touchpoint materialize` first")
