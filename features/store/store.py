"""States of customers in Feast: over history for training and online for decisions.

One view holds all state columns under their names, because one wide view reads faster than several narrow ones, and because the
columns are only true together: they share `state_at` and `position`. A state belongs to the identifier under which its
interactions were captured, in the column `customer_id`; the state of a customer is combined from those of all identifiers.

- Training rows are made of the lake by the folds that also make the history file, Feast's offline source. Feast's own join over
  that file gives the same rows, tests hold it to that, but takes many times as long, and knows nothing of identities over time.
- Materialization writes to the online store for exactly the identifiers whose latest state has changed. Feast's own incremental
  materialization goes by time, newer than last time, and so would miss whoever has only late interactions; it remains usable,
  as the history file is its source.
- A row online is one packed value (`packing`). Feast reads and writes it through its own interface (`packed`); the service,
  which needs it in microseconds, reads and writes the same value without Feast (`online`), and need not even import it.
- Feast's stores treat late pushes differently and none enforces a ttl online: `push` compares for itself, staleness is judged
  by who reads, from `watermark`.

A state online may lack what the journal has beyond its `position`; the reader folds that in. A push adds only what the journal
has beyond the state that was online. So a push that is lost, repeated or overtaken by a materialization does no harm. One that
overtakes a materialization may lack what that brought from files, but it also has interactions in it which that did not
have: the next materialization finds the number of interactions changed and writes the row again.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from features.catalogue.model import Catalogue
from features.errors import StoreError
from features.identity.members import Members
from features.instants import moment
from features.lake import Lake
from features.settings import Settings
from features.store.definitions import history_path, store_errors
from features.store.files import erase_rows
from features.store.offline import states_as_of
from features.store.online import OnlineStates
from features.store.packing import FORMAT
from features.store.registered import Registered
from features.tables import FIRST_AT, Feature, State, feature_list
from features.tables.batch import Batch, batch_connection, remove_spilled

_ROWS_PER_WRITE = 1_000
_LOCK_SECONDS = 900.0
_TURN_SECONDS = 0.3  # for others that push


@dataclass(frozen=True, slots=True)
class MaterializeReport:
    """What a materialization did.

    Attributes
    ----------
    history_rows : rows of the history file; None when the lake had not changed and it was left as it was.
    customers : how many identifiers' online rows were written.
    watermark : the files end there, so later windows are open, whatever the clock says; None where no file holds anything back.
    """

    history_rows: int | None
    customers: int
    watermark: datetime | None


@dataclass(frozen=True, slots=True)
class Materialized:
    """As of when, and from which version of the lake's interactions, the online rows were made."""

    until: datetime
    lake_version: int | None


class FeatureStore:
    """States of customers in Feast, under one home; keep one per process, Feast's caches are global.

    Raises
    ------
    ConfigurationError
        When `online_store` in the settings is not the URL of a Redis.
    """

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        self.features: tuple[Feature, ...] = feature_list(catalogue)
        self._conversion = catalogue.objective.conversion
        self._registered = Registered(settings, self.features)
        self._online = OnlineStates(self._registered)
        self._identity, self._folder, self._lake = settings.identity_path, settings.feast_path, Lake(settings.lake_path)
        self._history, self._record = history_path(self._folder), self._registered.materialized

    def apply(self) -> None:
        """Register the definitions in Feast and make its online tables; does nothing when they are registered already.

        Raises
        ------
        StoreError
            When Feast or its online store does not answer.
        """
        self._registered.apply()

    def materialize(
        self,
        lake: Lake,
        *,
        until: datetime,
        on_progress: Callable[[str], None],
        again: Collection[str] = (),
        spark: Any = None,
    ) -> MaterializeReport:
        """Bring the history file and the online store up to the lake, as of `until`.

        Parameters
        ----------
        spark : a `SparkSession` that makes the states in place of DuckDB; they are the same.
        again : identifiers whose online rows may hold more than the lake: they are written again, although nothing of theirs is
            new.

        Safe to kill at any point and to run again: files are replaced whole, online rows are written again with the same content,
        and the record of having finished comes last.

        Raises
        ------
        StoreError
            When the lake cannot be read, Feast cannot write, or another process has been materializing for fifteen minutes.
        """
        self._registered.apply()
        with self._lock(), store_errors(*self._registered.rows.errors), batch_connection(self._folder) as connection:
            done, version = self._record.read(), lake.version("interactions")
            same_columns = done.get("columns") == self._registered.fingerprint
            batch = self._batch(connection, lake, spark)
            history_rows = None
            if not (same_columns and done.get("lake_version") == version and self._history.exists()):
                on_progress("feature history: computing")
                history_rows = batch.write_history(self._history)
                on_progress(f"feature history: {history_rows:,} rows")
            changed = batch.changed(until=until, marks=self._registered.marks if same_columns else None, again=again)
            customers = int(changed.count().execute())
            if customers:
                rows = batch.stream(changed, _ROWS_PER_WRITE)
                self._online.write(rows, on_written=lambda n: on_progress(f"online states: {n:,} of {customers:,}"))
            batch.write_marks(self._registered.marks)
            watermark = batch.complete_until(until, conversion=self._conversion)
            end = None if watermark is None else watermark.isoformat()
            made = {"columns": self._registered.fingerprint, "format": FORMAT, "lake_version": version}
            self._record.write({**made, "until": until.isoformat(), "watermark": end})
        return MaterializeReport(history_rows, customers, watermark)

    def _batch(self, connection: Any, lake: Lake, spark: Any) -> Batch:
        if spark is None:
            return Batch(self.features, connection, lake.ibis_table(connection, "interactions"))
        from features.spark import SparkBatch

        return SparkBatch(self.features, connection, lake, spark)

    def is_materializing(self) -> bool:
        """Whether a process of this machine is materializing or erasing; what is pushed meanwhile may be written over."""
        try:
            with FileLock(self._folder / ".lock", timeout=0) if self._folder.exists() else nullcontext():
                return False
        except Timeout:
            return True

    @contextmanager
    def pushing(self) -> Iterator[bool]:
        """Let nobody of this machine materialize or erase while states are read, folded and pushed; false while somebody does.

        Without it, a push may bring back what was erased after its states were read.
        """
        lock = FileLock(self._folder / ".lock", timeout=_TURN_SECONDS, poll_interval=0.01)
        try:
            if self._folder.exists():
                lock.acquire()
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def materialized(self) -> Materialized | None:
        """What the last materialization was made of; None before the first for the catalogue in force."""
        done = self._record.read()
        if done.get("columns") != self._registered.fingerprint or "until" not in done:
            return None
        return Materialized(datetime.fromisoformat(done["until"]), done["lake_version"])

    def watermark(self) -> datetime | None:
        """Where the files that were materialized end; None where all is complete as of now, since nothing comes by file."""
        watermark = self._record.read().get("watermark")
        return None if watermark is None else datetime.fromisoformat(watermark)

    def members(self) -> Members:
        """Which identifiers were whose, and when, as last found out; without it every identifier is its own customer."""
        return Members.load(self._identity)

    def training_states(self, identifiers: Sequence[str] | NDArray[Any], at: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """States as known at given times: of whoever an identifier was then, of all identifiers that were theirs, combined.

        Parameters
        ----------
        identifiers : n customer ids or other identifiers; each may occur many times.
        at : shape (n,), microseconds since 1970 or datetime64 in UTC. What became visible at exactly that time is in, except
            contacts: they may carry the time of the decision that they carry out.

        Returns
        -------
        Arrays of shape (n,) by column name, in the order given: floats with NaN for null, text as objects, and `known`, false
        where nothing was visible yet; there the columns are those of the empty state.

        Raises
        ------
        StoreError
            When nothing has been materialized for the catalogue in force, or the lake cannot be read.
        """
        self._registered.check(self._record)
        names, times = np.asarray(identifiers, dtype=object), np.asarray(at).astype("datetime64[us]").astype(np.int64)
        rows, theirs = self.members().expand(names, times)
        with store_errors():
            return states_as_of(self.features, self._lake, self._folder, rows=rows, identifiers=theirs, at=times)

    def online_states(self, identifiers: Sequence[str]) -> list[State | None]:
        """The online states of identifiers, in the order given; None for one that has none.

        Raises
        ------
        StoreError
            When the store has not been set up for the catalogue in force, or cannot answer.
        """
        return self._online.read(identifiers)

    def first_known(self, identifiers: Sequence[str]) -> dict[str, datetime]:
        """When each of the identifiers was first seen, of those that are online; of nobody when the store cannot answer."""
        try:
            states = dict(zip(identifiers, self.online_states(identifiers), strict=True)) if identifiers else {}
        except StoreError:
            return {}
        first = {name: state[FIRST_AT] for name, state in states.items() if state is not None}
        return {name: moment(int(at)) for name, at in first.items() if at is not None}

    def push(self, states: Mapping[str, State]) -> int:
        """Put states of identifiers online, except where one is there that is as new, by position and then `state_at`.

        Returns
        -------
        How many were written.

        Raises
        ------
        StoreError
            When the store has not been set up for the catalogue in force, or cannot answer.
        """
        return self._online.push(states)

    def erase(self, identifiers: Sequence[str]) -> int:
        """Remove the states of identifiers, online and over history, so that their bytes are in no file of the store any more.

        Erase them from the lake and the journal first: whatever is there still, the next materialization brings back.

        Returns
        -------
        How many rows were removed, of the history file and online.

        Raises
        ------
        StoreError
            When not all could be removed; erasing again is safe.
        """
        if not self._folder.exists():
            return 0
        with self._lock(), store_errors(*self._registered.rows.errors):
            remove_spilled(self._folder)
            for leftover in self._folder.glob("*.unfinished"):
                leftover.unlink()  # of a process that was killed
            removed = erase_rows(self._history, identifiers)
            erase_rows(self._registered.marks, identifiers)
            return removed + self._online.erase(identifiers)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        try:
            with FileLock(self._folder / ".lock", timeout=_LOCK_SECONDS):
                yield
        except Timeout:
            raise StoreError(f"{self._folder}: another process is materializing; wait for it, or end it, and repeat") from None
