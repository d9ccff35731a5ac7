"""Inserts what is new into the journal's tables, inside the transaction of the one writer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update

from features.instants import microseconds
from features.journal.records import Receipt, Status
from features.journal.rows import refused_row
from features.journal.schema import CONTACTS, DECISIONS, QUARANTINE

_CHUNK = 500  # bound parameters per statement stay below every database's limit


@dataclass(frozen=True, slots=True)
class _Known:
    digest: str
    position: int


def append_messages(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> list[Receipt]:
    """Insert the rows whose message_id is new; of rows with the same one the first counts."""
    first = {row["message_id"]: row for row in reversed(rows)}
    known = _known(connection, table, list(first))
    fresh = [row for row in rows if row["message_id"] not in known and first[row["message_id"]] is row]
    if fresh:
        returning = insert(table).returning(table.c.message_id, table.c.position, sort_by_parameter_order=True)
        inserted = {row.message_id: row.position for row in connection.execute(returning, fresh)}
        known |= {row["message_id"]: _Known(row["digest"], inserted[row["message_id"]]) for row in fresh}
    is_fresh = {id(row) for row in fresh}
    receipts = [_receipt(row, known[row["message_id"]], fresh=id(row) in is_fresh) for row in rows]
    append_quarantined(
        connection,
        [refused_row(row, receipt.reason) for row, receipt in zip(rows, receipts, strict=True) if receipt.reason],
    )
    return receipts


def _receipt(row: Mapping[str, Any], known: _Known, *, fresh: bool) -> Receipt:
    if fresh:
        return Receipt(row["message_id"], Status.ACCEPTED, known.position)
    if row["digest"] == known.digest:
        return Receipt(row["message_id"], Status.DUPLICATE, known.position)
    reason = f"message_id {row['message_id']!r} was used before for another record; that one is kept, send this with its own id"
    return Receipt(row["message_id"], Status.CONFLICT, known.position, reason)


def _known(connection: Connection, table: Table, ids: Sequence[str]) -> dict[str, _Known]:
    columns = select(table.c.message_id, table.c.digest, table.c.position)
    return {
        row.message_id: _Known(row.digest, row.position)
        for chunk in _chunks(ids)
        for row in connection.execute(columns.where(table.c.message_id.in_(chunk)))
    }


def mark_superseded(connection: Connection, table: Table, positions: Sequence[int]) -> None:
    """Mark rows as superseded; those that are already stay so."""
    for chunk in _chunks(positions):
        connection.execute(update(table).where(table.c.position.in_(chunk)).values(superseded=True))


def append_quarantined(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert refused records, each once."""
    _insert_new(connection, QUARANTINE, "record_id", rows)


def append_contacts(connection: Connection, contacts: Sequence[tuple[str, str, str, datetime]]) -> int:
    """Insert contacts, as (contact_id, customer_id, touchpoint, at), each id once; give how many were new."""
    rows = [
        {"contact_id": contact_id, "customer_id": customer_id, "touchpoint": touchpoint, "at": microseconds(at)}
        for contact_id, customer_id, touchpoint, at in contacts
    ]
    return _insert_new(connection, CONTACTS, "contact_id", rows)


def decided(connection: Connection, decision_ids: Sequence[str]) -> set[tuple[str | None, str, str]]:
    """Those of the decisions that are recorded here, as (decision_id, customer_id, touchpoint)."""
    columns = select(DECISIONS.c.decision_id, DECISIONS.c.customer_id, DECISIONS.c.touchpoint)
    return {
        (row.decision_id, row.customer_id, row.touchpoint)
        for chunk in _chunks(decision_ids)
        for row in connection.execute(columns.where(DECISIONS.c.decision_id.in_(chunk)))
    }


def _insert_new(connection: Connection, table: Table, key: str, rows: Sequence[dict[str, Any]]) -> int:
    first = {row[key]: row for row in reversed(rows)}
    column = table.c[key]
    for chunk in _chunks(list(first)):
        for known in connection.execute(select(column).where(column.in_(chunk))).scalars():
            del first[known]
    if first:
        connection.execute(insert(table), list(reversed(first.values())))
    return len(first)


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
