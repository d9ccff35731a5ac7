"""Feast under one home: registered for the features in force, and opened only to register; rows are read without it."""

from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256

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
        wanted = {"columns": self.fingerprint, "online": self.rows.name, "format": FORMAT}
        with store_errors(*self.rows.errors):
            done, is_set_up = self._applied.read(), self.rows.is_set_up()
            if done == wanted and self._registry.exists() and is_set_up:
                return
            self.folder.mkdir(parents=True, exist_ok=True)
            if done.get("online") != self.rows.name or not is_set_up:
                # with a registry that knows the tables, Feast would not make them again
                for leftover in (self._registry, self.marks):
                    leftover.unlink(missing_ok=True)
                self.rows.clear()
            with feast_errors():
                feast = open_feast(self._home, self.rows.configuration)
                feast.apply(list(definitions(self.features, self.folder)))
            if self.rows is not self._file:
                self._file.clear()  # nobody would look there when a customer is erased
        self._applied.write(wanted)

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
        """How rows of the columns in force are packed.

        Raises
        ------
        StoreError
            When the online store is not set up, or holds nothing yet of what was materialized before rows were packed.
        """
        self.check(self._applied)
        done = self.materialized.read()
        if self._applied.read().get("format") != FORMAT or (done and done.get("format") != FORMAT):
            raise self._not_set_up()
        return Layout({column.name: column.dtype for column in self.columns})

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the columns."""
        return sha256(repr(self.columns).encode()).hexdigest()

    def _not_set_up(self) -> StoreError:
        return StoreError(f"{self.folder}: not set up for the catalogue in force; run `touchpoint materialize` first")
