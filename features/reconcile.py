"""Proves on a sample that the online states are what the history says, by making them again from scratch.

Of every identifier in the sample all interactions, from the lake and from what the journal has beyond it, are folded one by one.
That must equal what a decision would read now: the online row and what the journal has beyond its position.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isclose
from typing import Any

import numpy as np

from features.catalogue import Catalogue
from features.domain import Interaction
from features.errors import StoreError
from features.journal import Journal
from features.lake import Lake, duckdb_session
from features.lake_values import interaction_of
from features.store import FeatureStore, Materialized
from features.tables import POSITION, TOTAL, Feature, State, all_columns, empty_state, feature_list, fold

SUMS_WITHIN = 1e-9
"""Relative to the sum, or absolute where sentiments cancel out; everything else must be equal."""

_ATTEMPTS = 3  # what arrives or is materialized in between looks like a difference, but not every time
_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Difference:
    """One identifier, as it is stored, and the columns in which online and history differ."""

    identifier: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReconcileReport:
    """What the comparison found.

    Attributes
    ----------
    compared : identifiers in the sample: those that are equal, late and differing.
    late : of whom files brought interactions since the last materialization; the next one takes them in.
    quarantined : records in the quarantine, which are in neither.
    """

    compared: int
    equal: int
    late: int
    differing: tuple[Difference, ...]
    quarantined: int

    def in_words(self) -> str:
        """One line, and one for each that differs."""
        head = f"{self.compared:,} compared: {self.equal:,} equal, {self.late:,} late, {len(self.differing):,} differing"
        lines = [f"  {each.identifier}: {', '.join(each.columns)}" for each in self.differing]
        return "\n".join([f"{head}; {self.quarantined:,} records in quarantine", *lines])


def reconcile(
    lake: Lake,
    journal: Journal,
    store: FeatureStore,
    catalogue: Catalogue,
    *,
    sample: int,
    rng: np.random.Generator,
    now: datetime,
    on_progress: Callable[[str], None],
) -> ReconcileReport:
    """Compare a random sample of identifiers; safe while everything else runs.

    Parameters
    ----------
    sample : how many; all where there are fewer.

    Raises
    ------
    StoreError
        When nothing has been materialized yet, or journal, lake or store do not answer.
    """
    done = store.materialized()
    if done is None:
        raise StoreError("there is nothing online to compare with; run `touchpoint materialize` first")
    features = feature_list(catalogue)
    left = _sample(lake, journal, sample, rng)
    compared, late, differing = len(left), 0, []
    for attempt in range(1, _ATTEMPTS + 1):
        on_progress(f"reconcile: {len(left):,} identifiers, attempt {attempt}")
        rebuilt = _Rebuilt(features, lake, journal, done, left, now)
        online = _online(features, store, journal, left)
        found = {name: _differences(features, rebuilt.states[name], online[name]) for name in left}
        late = sum(bool(found[name]) and rebuilt.is_late(name, online[name]) for name in left)
        differing = [name for name in left if found[name] and not rebuilt.is_late(name, online[name])]
        left = [name for name in left if found[name]]
        if not differing:
            break
    differences = tuple(Difference(name, found[name]) for name in differing)
    return ReconcileReport(compared, compared - late - len(differing), late, differences, _quarantined(lake, journal))


class _Rebuilt:
    """States from scratch, of these identifiers as of `now`."""

    def __init__(
        self, features: Sequence[Feature], lake: Lake, journal: Journal, done: Materialized, names: Sequence[str], now: datetime
    ) -> None:
        last = lake.last_position("interactions")
        rows = [(row["position"], interaction_of(row)) for row in _lake_rows(lake, names)]
        in_lake = {each.message_id for _, each in rows}
        newer = journal.interactions_after_each(dict.fromkeys(names, last))
        posted = [pair for name in names for pair in newer.get(name, []) if pair[1].message_id not in in_lake]
        counted = [(at, each) for at, each in rows if (at is None and each.visible_at <= now) or (at is not None and at <= last)]
        self.states = {name: empty_state(features) for name in names}
        for position, each in [*counted, *posted]:
            self.states[each.customer_id] = fold(features, self.states[each.customer_id], each, position=position or 0)
        grown = lake.version("interactions") != done.lake_version
        self._filed = {each.customer_id for at, each in counted if at is None and (grown or each.visible_at > done.until)}
        # known by file, and posted as well: counted twice online until it is compacted
        self._twice = {each.customer_id for name in names for _, each in newer.get(name, []) if each.message_id in in_lake}

    def is_late(self, name: str, online: State) -> bool:
        """Whether what differs may be what files brought since the last materialization."""
        return name in self._twice or (name in self._filed and _total(online) < _total(self.states[name]))


def _online(features: Sequence[Feature], store: FeatureStore, journal: Journal, names: Sequence[str]) -> dict[str, State]:
    states = {name: state or empty_state(features) for name, state in zip(names, store.online_states(names), strict=True)}
    newer = journal.interactions_after_each({name: int(state[POSITION] or 0) for name, state in states.items()})
    for name, beyond in newer.items():
        for position, each in beyond:
            states[name] = fold(features, states[name], each, position=position)
    return states


def _differences(features: Sequence[Feature], rebuilt: State, online: State) -> tuple[str, ...]:
    columns = [column for column in all_columns(features) if column.name != POSITION]
    return tuple(column.name for column in columns if not _equal(rebuilt[column.name], online[column.name], column.initial))


def _equal(one: Any, other: Any, initial: float | None) -> bool:
    if isinstance(initial, float):  # a sum, added up in another order
        return isclose(one, other, rel_tol=SUMS_WITHIN, abs_tol=SUMS_WITHIN)
    return bool(one == other)


def _total(state: State) -> int:
    return int(state[TOTAL] or 0)


def _sample(lake: Lake, journal: Journal, size: int, rng: np.random.Generator) -> list[str]:
    with duckdb_session() as connection:
        query = f"SELECT DISTINCT customer_id FROM {lake.relation('interactions')}"
        names = {name for (name,) in connection.execute(query).fetchall()}
    names |= {each.customer_id for each in _after(journal, "interactions", lake) if isinstance(each, Interaction)}
    return sorted(rng.choice(np.array(sorted(names), dtype=object), min(size, len(names)), replace=False)) if names else []


def _lake_rows(lake: Lake, names: Sequence[str]) -> list[dict[str, Any]]:
    with duckdb_session() as connection:
        connection.execute("CREATE TEMP TABLE chosen AS SELECT unnest($1::VARCHAR[]) AS customer_id", [list(names)])
        query = f"SELECT * FROM {lake.relation('interactions')} SEMI JOIN chosen USING (customer_id)"
        rows: list[dict[str, Any]] = connection.sql(query).to_arrow_table().to_pylist()
    return rows


def _quarantined(lake: Lake, journal: Journal) -> int:
    with duckdb_session() as connection:
        count = connection.execute(f"SELECT count(*) FROM {lake.relation('quarantine')}").fetchall()[0][0]
    return int(count) + sum(1 for _ in _after(journal, "quarantine", lake))


def _after(journal: Journal, table: str, lake: Lake) -> Iterator[object]:
    """What the journal has of a table and the lake has not."""
    position = lake.last_position(table)
    while records := journal.rows_after(table, position, _ROWS):
        yield from (record for _, record in records)
        position = records[-1][0]
