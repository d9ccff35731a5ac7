"""The only door to Feast: states of customers, over history for training and online for decisions.

One view holds all state columns under their names, because one wide view reads faster than several narrow ones, and because the
columns are only true together: they share `state_at` and `position`.

- Training rows come from Feast's point-in-time join over the history file; online rows from Feast's online store.
- Materialization writes to the online store through `write_to_online_store`, for exactly the customers whose latest state has
  changed. Feast's own incremental materialization goes by time, newer than last time, and so would miss whoever has only late
  interactions; it remains usable, as the history file is its source.
- Feast's stores treat late pushes differently and none enforces a ttl online: `push` compares for itself, staleness is judged
  by who reads, from `watermark`.

A state online may lack what the journal has beyond its `position`; the reader folds that in. So a push that is lost, repeated or
overtaken by a materialization does no harm that the next materialization does not mend.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from features.catalogue.model import Catalogue
from features.errors import StoreError
from features.lake import Lake
from features.settings import Settings
from features.tables import POSITION, STATE_AT, Feature, State, all_columns, feature_list
from features.tables.batch import Batch, batch_connection, ignore_warnings_of_ibis
from features.tables.frames import arrays, frame, rows_frame

_VIEW, _SERVICE, _PUSH = "customer_state", "customer_state_service", "customer_state_push"
_CONFIGURATION = Path(__file__).parents[1] / "feature_repo" / "feature_store.yaml"
_ROWS_PER_JOIN = 10_000  # the join makes a pair of every decision and every earlier state before it picks the last
_ROWS_PER_WRITE = 1_000
_ROWS_PER_READ = 1_000
_LOCK_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class MaterializeReport:
    """What a materialization did.

    Attributes
    ----------
    history_rows : rows of the history file; None when the lake had not changed and it was left as it was.
    customers : how many customers' online rows were written.
    watermark : the files end there, so later windows are open, whatever the clock says; None where no file holds anything back.
    """

    history_rows: int | None
    customers: int
    watermark: datetime | None


class FeatureStore:
    """States of customers in Feast, under one home; keep one per process, Feast's caches are global."""

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        self.features: tuple[Feature, ...] = feature_list(catalogue)
        self._columns = all_columns(self.features)
        self._conversion = catalogue.objective.conversion
        self._settings = settings
        self._folder = settings.feast_path
        self._registry, self._online = self._folder / "registry.db", self._folder / "online.db"
        self._applied, self._record = self._folder / "applied.json", self._folder / "materialized.json"
        self._history, self._marks = history_path(self._folder), self._folder / "online_marks.parquet"

    def apply(self) -> None:
        """Register the definitions in Feast and make its online tables; does nothing when they are registered already."""
        if (
            self._read_json(self._applied).get("columns") == self._fingerprint
            and self._registry.exists()
            and self._online.exists()
        ):
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self._online.exists():
            # with a registry that knows the tables, Feast would not make them again
            for leftover in (self._registry, self._marks):
                leftover.unlink(missing_ok=True)
        with _feast_errors():
            self._feast.apply(list(definitions(self.features, self._folder)))
            self._feast.refresh_registry()
        with sqlite3.connect(self._online) as connection:
            connection.execute("PRAGMA journal_mode=wal")  # readers do not wait for writers; it stays so
        connection.close()
        _write_json(self._applied, {"columns": self._fingerprint})

    def materialize(self, lake: Lake, *, until: datetime, on_progress: Callable[[str], None]) -> MaterializeReport:
        """Bring the history file and the online store up to the lake, as of `until`.

        Safe to kill at any point and to run again: files are replaced whole, online rows are written again with the same content,
        and the record of having finished comes last.

        Raises
        ------
        StoreError
            When the lake cannot be read, Feast cannot write, or another process has been materializing for fifteen minutes.
        """
        self.apply()
        with self._lock(), _feast_errors(), batch_connection(self._folder) as connection:
            done, version = self._read_json(self._record), lake.version("interactions")
            same_columns = done.get("columns") == self._fingerprint
            batch = Batch(self.features, connection, lake.ibis_table(connection, "interactions"))
            history_rows = None
            if not (same_columns and done.get("lake_version") == version and self._history.exists()):
                on_progress("feature history: computing")
                history_rows = batch.write_history(self._history)
                on_progress(f"feature history: {history_rows:,} rows")
            changed = batch.changed(until=until, marks=self._marks if same_columns else None)
            customers = self._write_online(batch, changed, on_progress)
            batch.write_marks(self._marks)
            watermark = batch.complete_until(until, conversion=self._conversion)
            end = None if watermark is None else watermark.isoformat()
            done = {"columns": self._fingerprint, "lake_version": version, "watermark": end}
            _write_json(self._record, done)
        return MaterializeReport(history_rows, customers, watermark)

    def watermark(self) -> datetime | None:
        """Where the files that were materialized end; None where all is complete as of now, since nothing comes by file."""
        watermark = self._read_json(self._record).get("watermark")
        return None if watermark is None else datetime.fromisoformat(watermark)

    def training_states(self, customers: Sequence[str] | NDArray[Any], at: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """States as known at given times, by Feast's point-in-time join over the history file.

        Parameters
        ----------
        customers : n customer ids; a customer may occur many times.
        at : shape (n,), microseconds since 1970 or datetime64 in UTC. What became visible at exactly that time is in. A decision
            and the contact that it causes carry the same time: pass one microsecond less to leave the contact out.

        Returns
        -------
        Arrays of shape (n,) by column name, in the order given: floats with NaN for null, text as objects, and `known`, false
        where nothing was visible yet; there the columns are those of the empty state.

        Raises
        ------
        StoreError
            When nothing has been materialized for the catalogue in force, or the join loses or adds rows.
        """
        self._check_set_up(self._record)
        ids, times = np.asarray(customers, dtype=object), np.asarray(at).astype("datetime64[us]")
        starts = range(0, len(ids), _ROWS_PER_JOIN) or range(1)
        parts = [self._joined(ids[start : start + _ROWS_PER_JOIN], times[start : start + _ROWS_PER_JOIN]) for start in starts]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def online_states(self, customer_ids: Sequence[str]) -> list[State | None]:
        """The online states of the customers, in the order given; None for who has none.

        Raises
        ------
        StoreError
            When the store has not been set up for the catalogue in force, or cannot answer.
        """
        states: list[State | None] = []
        for start in range(0, len(customer_ids), _ROWS_PER_READ):
            ids = list(customer_ids[start : start + _ROWS_PER_READ])
            with _feast_errors():
                answer = self._feast.get_online_features(features=self._service, entity_rows={"customer_id": ids}).to_dict()
            # by value: what a missing customer's status says differs from store to store
            present = [value is not None for value in answer[STATE_AT]]
            states += [self._state(answer, index) if known else None for index, known in enumerate(present)]
        return states

    def push(self, customer_id: str, state: State) -> bool:
        """Put a state online unless a newer one is there, by position and then `state_at`; whether it was written."""
        there = self.online_states([customer_id])[0]
        if there is not None and _order(there) >= _order(state):
            return False
        with _feast_errors():
            self._feast.push(_PUSH, frame(self._columns, customer_id, state))
        return True

    @cached_property
    def _feast(self) -> Any:
        import feast
        import yaml  # type: ignore[import-untyped]

        text = Template(_CONFIGURATION.read_text(encoding="utf-8")).substitute(TOUCHPOINT_HOME=self._settings.home)
        return feast.FeatureStore(config=feast.RepoConfig(**yaml.safe_load(text)))

    @cached_property
    def _service(self) -> Any:
        # by name it would be looked up again on every call, which costs more than the read itself
        self._check_set_up(self._applied)
        return self._feast.get_feature_service(_SERVICE)

    @cached_property
    def _fingerprint(self) -> str:
        return sha256(repr(self._columns).encode()).hexdigest()

    def _check_set_up(self, record: Path) -> None:
        if self._read_json(record).get("columns") != self._fingerprint:
            raise StoreError(f"{self._folder}: not set up for the catalogue in force; run `touchpoint materialize` first")

    def _write_online(self, batch: Batch, states: Any, on_progress: Callable[[str], None]) -> int:
        total, written = int(states.count().execute()), 0
        for rows in batch.stream(states, _ROWS_PER_WRITE) if total else ():
            self._feast.write_to_online_store(_VIEW, rows_frame(rows))
            written += rows.num_rows
            on_progress(f"online states: {written:,} of {total:,}")
        return total

    def _joined(self, customers: NDArray[Any], at: NDArray[Any]) -> dict[str, NDArray[Any]]:
        asked = pd.DataFrame({"customer_id": customers, "row": np.arange(len(customers))})
        asked["event_timestamp"] = pd.Series(at).dt.tz_localize("UTC")
        with _feast_errors():
            ignore_warnings_of_ibis()
            table = self._feast.get_historical_features(entity_df=asked, features=self._service).to_arrow()
        if table.num_rows != len(customers):
            raise StoreError(f"{len(customers)} rows were asked of the feature store and {table.num_rows} came back; report it")
        table = table.sort_by("row")  # the join keeps no order, and column order differs from process to process
        return arrays(self._columns, table)

    def _state(self, answer: Mapping[str, Sequence[Any]], index: int) -> State:
        return {column.name: answer[column.name][index] for column in self._columns}

    @contextmanager
    def _lock(self) -> Iterator[None]:
        try:
            with FileLock(self._folder / ".lock", timeout=_LOCK_SECONDS):
                yield
        except Timeout:
            raise StoreError(f"{self._folder}: another process is materializing; wait for it, or end it, and repeat") from None

    @staticmethod
    def _read_json(path: Path) -> dict[str, Any]:
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def history_path(folder: Path) -> Path:
    """The file of all states that ever were, Feast's offline source."""
    return folder / "history.parquet"


def definitions(features: Sequence[Feature], folder: Path) -> tuple[Any, Any, Any, Any, Any]:
    """Entity, source, push source, view and service, made of the feature list."""
    from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource, ValueType
    from feast.types import Float64, Int64, String

    types = {"float": Float64, "int": Int64, "text": String}
    fields = [Field(name=column.name, dtype=types[column.dtype], description=column.meaning) for column in all_columns(features)]
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
    history = FileSource(name="customer_history", path=str(history_path(folder)), timestamp_field="visible_at")
    push = PushSource(name=_PUSH, batch_source=history)
    view = FeatureView(name=_VIEW, entities=[customer], schema=fields, source=push, ttl=timedelta(0), online=True)
    return customer, history, push, view, FeatureService(name=_SERVICE, features=[view])


def _order(state: State) -> tuple[int, int]:
    return int(state[POSITION] or 0), int(state[STATE_AT] or 0)


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_text(json.dumps(values), encoding="utf-8")
    os.replace(unfinished, path)


@contextmanager
def _feast_errors() -> Iterator[None]:
    from duckdb import Error as DuckDBError
    from feast.errors import FeastError

    try:
        yield
    except (FeastError, DuckDBError, sqlite3.Error, OSError, pa.ArrowException) as error:
        raise StoreError(f"the feature store could not answer: {error}") from error
