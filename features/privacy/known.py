"""Reads what is known of somebody: from the lake, and from the journal what is not there yet."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from features.journal import Journal
from features.lake import KEYS, ONLINE, Lake, duckdb_session, literal
from features.privacy.lake_rows import any_of
from features.privacy.naming import Naming

ALL = 2**31 - 1
"""A limit that nobody's records reach."""

_BATCH = 10_000
_QUOTED = re.compile("'([^']*)'")
Record = dict[str, Any]


def captured_under(table: str, identifiers: Iterable[str]) -> str:
    """The SQL condition that a row of `interactions`, `decisions`, `consents` or `links` is about one of the identifiers."""
    listed = list(identifiers)
    if table == "links":
        return f"{any_of('left', listed)} OR {any_of('right', listed)}"
    return any_of("customer_id", listed)


def naming(table: str, identifiers: Iterable[str]) -> str:
    """The SQL condition that a row names one of the identifiers at all, be it captured under another."""
    listed = sorted(identifiers)
    if table != "interactions":
        return captured_under(table, listed)
    named = "".join(f" OR array_has(identifiers, {literal(each)})" for each in listed)
    return f"{captured_under(table, listed)}{named}"


def lake_records(lake: Lake, table: str, condition: str) -> list[Record]:
    """The rows that fulfil the condition, as dicts, each key once."""
    with duckdb_session() as connection:
        rows = connection.sql(f"SELECT * FROM {lake.relation(table)} WHERE {condition}").to_arrow_table().to_pylist()
    return list({row[KEYS[table]]: row for row in rows}.values())


def journal_records(journal: Journal, table: str, identifiers: Sequence[str]) -> list[Record]:
    """What the journal has of the identifiers in `interactions`, `decisions`, `consents` or `links`."""
    if table == "interactions":
        return [{**asdict(each), "channel": each.channel} for each in journal.interactions_of(identifiers, ALL)]
    if table == "decisions":
        return [{**asdict(each), "source": ONLINE} for each in journal.decisions_of(identifiers, ALL)]
    if table == "consents":
        return [asdict(each) for each in journal.consents_of(identifiers)]
    return [asdict(each) for each in journal.links_of(identifiers)]


def outcomes_of(decision_ids: Iterable[str], lake: Lake, journal: Journal) -> list[Record]:
    """The outcomes of decisions: the lake's, and the journal's that are not there yet."""
    wanted = frozenset(decision_ids)
    rows = lake_records(lake, "outcomes", any_of("decision_id", wanted)) if wanted else []
    newer = [asdict(each) for each in _newer(journal, lake, "outcomes") if each.decision_id in wanted]
    return [*rows, *newer]


def refused_naming(who: Naming, lake: Lake, journal: Journal) -> list[Record]:
    """The quarantined records that name somebody; every one of them has to be looked at."""
    newer = (asdict(each) for each in _newer(journal, lake, "quarantine"))
    found = {each["record_id"]: each for rows in (_quarantine(lake), newer) for each in rows if _names(who, each)}
    return list(found.values())


def refused_in_lake(who: Naming, lake: Lake) -> list[str]:
    """The record_ids of the lake's quarantined records that name somebody."""
    return [each["record_id"] for each in _quarantine(lake) if _names(who, each)]


def refused_in_journal(who: Naming, journal: Journal) -> set[str]:
    """The texts of the journal's quarantined records that name somebody, those included that the lake has too."""
    records = (asdict(each) for each in _after(journal, "quarantine", 0))
    return {each["raw"] for each in records if _names(who, each)}


def _names(who: Naming, refused: Mapping[str, Any]) -> bool:
    # of a reason only what it quotes: its own words name nobody
    quoted = _QUOTED.findall(refused["reason"] or "")
    return who.names_one(refused["raw"] or "") or any(who.names_one(value) for value in quoted)


def _quarantine(lake: Lake) -> Iterator[Record]:
    with duckdb_session() as connection:
        for batch in connection.sql(f"SELECT * FROM {lake.relation('quarantine')}").to_arrow_reader(_BATCH):
            yield from batch.to_pylist()


def _newer(journal: Journal, lake: Lake, table: str) -> Iterator[Any]:
    """The journal's records that no compaction has brought to the lake."""
    return _after(journal, table, lake.last_position(table))


def _after(journal: Journal, table: str, position: int) -> Iterator[Any]:
    while records := journal.rows_after(table, position, _BATCH):
        position = records[-1][0]
        yield from (record for _, record in records)
