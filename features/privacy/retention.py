"""Removes what is older than the records of its source may be kept: `[sources.NAME] retention_days` in the catalogue.

A record's age counts from when it became visible, the later of when it happened and when it was received. Links stay, since
without them one person's history would fall apart, and so does every refusal of consent. The service's own decisions
have no source.

First the journal loses what the lake has too, then the feature store the states of who is left with nothing, then the lake its
rows, in one commit a table. Killed anywhere, the next run does the rest; and what the journal no longer has, no compaction
brings back.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from features.catalogue import Catalogue
from features.contacts import TOLD_BY_FILES
from features.domain import EARLIEST, ConsentStatus
from features.journal import Journal
from features.journal.contacts import OUTCOME
from features.lake import Lake, duckdb_session, literal
from features.privacy.lake_rows import before, delete_rows
from features.privacy.subscriptions import bring_consents
from features.store import FeatureStore

_TABLES = ("interactions", "decisions", "outcomes", "consents", "quarantine")
_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """What was too old.

    Attributes
    ----------
    before : by source, the time before which records were removed.
    removed : how many rows, by the place where they were; no rows, no place.
    """

    before: Mapping[str, datetime]
    removed: Mapping[str, int]


def apply_retention(
    lake: Lake,
    journal: Journal,
    store: FeatureStore,
    *,
    catalogue: Catalogue,
    now: datetime,
    on_progress: Callable[[str], None],
) -> RetentionReport:
    """Remove what is too old; safe to kill at any point and to repeat. The next materialization makes features of what is left.

    Raises
    ------
    StoreError
        When a place does not answer; repeat the call then.
    """
    days = {name: source.retention_days for name, source in catalogue.sources.items() if source.retention_days is not None}
    limits = {name: now - timedelta(days=kept) for name, kept in days.items()}
    removed: dict[str, int] = {}
    if limits:
        on_progress("retention: journal")
        # Unsubscribing is a refusal, and outlives the interaction that it was.
        bring_consents(lake, journal, since=EARLIEST, until=max(limits.values()))
        removed |= _in_journal(lake, journal, limits)
        on_progress("retention: features")
        removed["features"] = _in_store(lake, store, limits)
        on_progress("retention: lake")
        removed |= {f"lake.{table}": delete_rows(lake, table, expired(table, limits)) for table in _TABLES}
    return RetentionReport(limits, {place: count for place, count in removed.items() if count})


def expired(table: str, limits: Mapping[str, datetime]) -> str:
    """The SQL condition that a row became visible before the limit of its source.

    A refusal of consent never fulfils it: to forget it would allow what was forbidden.
    """
    times = ("received_at",) if table == "quarantine" else ("at", "received_at")
    granted = f" AND status = {literal(ConsentStatus.GRANTED)}" if table == "consents" else ""
    terms = [
        f"(source = {literal(source)} AND {' AND '.join(before(time, limit) for time in times)}{granted})"
        for source, limit in limits.items()
    ]
    return " OR ".join(terms) or "false"


def _in_journal(lake: Lake, journal: Journal, limits: Mapping[str, datetime]) -> dict[str, int]:
    positions = {table: lake.last_position(table) for table in _TABLES}
    told = f"({expired('interactions', limits)}) AND {TOLD_BY_FILES}"  # which has the same columns in both tables
    query = f"""SELECT message_id FROM {lake.relation("interactions")} WHERE {told}
                UNION ALL SELECT {literal(OUTCOME)} || message_id FROM {lake.relation("outcomes")} WHERE {told}"""
    removed = journal.expire(limits, positions=positions, contacts=list(_values(query)))
    return {f"journal.{table}": count for table, count in removed.items()}


def _in_store(lake: Lake, store: FeatureStore, limits: Mapping[str, datetime]) -> int:
    """Erase the states of who is left with no interaction: no materialization would find them again to write them anew."""
    relation, old = lake.relation("interactions"), expired("interactions", limits)
    kept = f"SELECT customer_id FROM {relation} WHERE NOT coalesce({old}, false)"
    gone = list(_values(f"SELECT customer_id FROM {relation} WHERE {old} EXCEPT {kept}"))
    return store.erase(gone) if gone else 0


def _values(query: str) -> Iterator[str]:
    with duckdb_session() as connection:
        found = connection.execute(query)
        for rows in iter(lambda: found.fetchmany(_BATCH), []):
            yield from (value for (value,) in rows)
