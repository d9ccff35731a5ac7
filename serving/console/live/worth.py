"""What the last look found out about one customer: segment, expected value, open cases."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from features.insights import Column, Section, Table, Unit
from features.insights.snapshot import Snapshot
from features.insights.table import Value

_TABLES: Mapping[str, str] = {"segments": "Value and segment", "cases": "Open cases"}
_MOST_NAMES = 8
_COLUMNS: Mapping[str, Column] = {
    each.name: each
    for each in (
        Column("segment", "Segment by value"),
        Column("journey_segment", "Segment by journey"),
        Column("alive", "Still a customer", Unit.SHARE, "P(they have not left for good)."),
        Column("expected_conversions", "Expected conversions", Unit.NUMBER),
        Column("expected_value", "Expected value", Unit.MONEY, "What they are expected to bring from now on."),
        Column("spent", "Spent so far", Unit.MONEY),
        Column("frequency", "Conversions again", Unit.COUNT, "Conversions after the first one."),
        Column("recency_days", "Last conversion", Unit.DAYS, "How long before the look."),
        Column("first_at", "First conversion", Unit.TIME),
        Column("at", "When", Unit.TIME),
        Column("words", "What"),
        Column("touchpoint", "Touchpoint"),
        Column("finding", "Finding"),
    )
}
"""How what is known by name is shown; any other column is shown as its values are."""


def worth_section(snapshot: Snapshot | None, identifiers: Sequence[str]) -> Section:
    """The rows that the snapshot has about a customer, under any of the identifiers."""
    tables = () if snapshot is None else tuple(_table(snapshot, name, identifiers) for name in _TABLES)
    shown = tuple(each for each in tables if each.rows)
    words = () if snapshot is None or not shown else (f"As of the look on {snapshot.at:%Y-%m-%d %H:%M} UTC.",)
    return Section(name="worth", title="Value, segment and open cases", words=words, tables=shown, empty=_empty(snapshot))


def segment_of(section: Section) -> tuple[str | None, float | None]:
    """Segment and expected value, where they are known."""
    record = next((each.records[0] for each in section.tables if each.name == "segments"), {})
    segment, value = record.get("segment"), record.get("expected_value")
    return None if segment is None else str(segment), float(value) if isinstance(value, int | float) else None


def _table(snapshot: Snapshot, name: str, identifiers: Sequence[str]) -> Table:
    rows = [row for identifier in identifiers[:_MOST_NAMES] for row in snapshot.of_customer(name, identifier)]
    there = [key for key in (rows[0] if rows else {}) if key != "customer_id"]
    names = [key for key in _COLUMNS if key in there] + [key for key in there if key not in _COLUMNS]
    columns = [_COLUMNS.get(key) or Column(key, key.replace("_", " ").capitalize(), _unit(rows[0][key])) for key in names]
    return Table.of(name, _TABLES[name], columns, ({key: _plain(row[key]) for key in names} for row in rows))


def _unit(value: Any) -> Unit:
    if isinstance(value, datetime):
        return Unit.TIME
    if isinstance(value, bool):
        return Unit.YES_NO
    return Unit.NUMBER if isinstance(value, int | float) else Unit.TEXT


def _plain(value: Any) -> Value:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)


def _empty(snapshot: Snapshot | None) -> str:
    if snapshot is None:
        return "History was not looked at yet: run 'touchpoint report', or leave it to 'touchpoint schedule'."
    return "The last look knew nothing of this customer, who may be new since, or have bought nothing."
