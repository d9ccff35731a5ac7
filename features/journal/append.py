"""Inserts what is new into the journal's tables, inside the transaction of the one writer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update

from features.instants import microseconds
from features.journal.records import Receipt, Status
from features.journal.rows import refused_row
from features.journal.schema import CONTACTS, DECISIONS, LINKS, QUARANTINE

_CHUNK = 500  # bound parameters per statement stay below every database's limit


@dataclass(frozen=True, slots=True)
class _Known:
    digest: str
    position: int


def append_messages(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> list[Receipt]:
    """Insert the rows whose message_id is new; of rows with the same one the first counts."""
    receipts = _append(connection, table, rows, key="message_id", digest="digest")
    append_quarantined(
        connection,
        [refused_row(row, receipt.reason) for row, receipt in zip(rows, receipts, strict=True) if receipt.reason],
    )
    return receipts


def append_links(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[Receipt]:
    """Insert the facts whose link_id is new; it is a digest of what the fact says, so two with the same one are the same."""
    return _append(connection, LINKS, rows, key="link_id", digest="link_id")


def _append(connection: Connection, table: Table, rows: Sequence[dict[str, Any]], *, key: str, digest: str) -> list[Receipt]:
    first = {row[key]: row for row in reversed(rows)}
    known = _known(connection, table, list(first), key=key, digest=digest)
    fresh = [row for row in rows if row[key] not in known and first[row[key]] is row]
    if fresh:
        connection.execute(insert(table), fresh)
        # They are the last ones, since nobody else writes meanwhile; RETURNING costs three times as much as asking for them.
        last = select(table.c[key], table.c[digest], table.c.position).order_by(table.c.position.desc()).limit(len(fresh))
        known |= {row[0]: _Known(row[1], row[2]) for row in connection.execute(last)}
    is_fresh = {id(row) for row in fresh}
    return [_receipt(row[key], row[digest], known[row[key]], fresh=id(row) in is_fresh) for row in rows]


def _receipt(message_id: str, digest: str, known: _Known, *, fresh: bool) -> Receipt:
    if fresh:
        return Receipt(message_id, Status.ACCEPTED, known.position)
    if digest == known.digest:
        return Receipt(message_id, Status.DUPLICATE, known.position)
    reason = f"message_id {message_id!r} was used before for another record; that one is kept, send this with its own id"
    return Receipt(message_id, Status.CONFLICT, known.position, reason)


def _known(connection: Connection, table: Table, ids: Sequence[str], *, key: str, digest: str) -> dict[str, _Known]:
    columns = select(table.c[key], table.c[digest], table.c.position)
    return {
        row[0]: _Known(row[1], row[2])
        for chunk in in_chunks(ids)
        for row in connection.execute(columns.where(table.c[key].in_(chunk)))
    }


def mark_superseded(connection: Connection, table: Table, positions: Sequence[int]) -> None:
    """Mark rows as superseded; those that are already stay so."""
    for chunk in in_chunks(positions):
        connection.execute(update(table).where(table.c.position.in_(chunk)).values(superseded=True))


def append_quarantined(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert refused records, each once."""
    insert_new(connection, QUARANTINE, "record_id", rows)


def append_contacts(connection: Connection, contacts: Sequence[tuple[str, str, str, datetime]]) -> int:
    """Insert contacts, as (contact_id, customer_id, touchpoint, at), each id once; give how many were new."""
    rows = [
        {"contact_id": contact_id, "customer_id": customer_id, "touchpoint": touchpoint, "at": microseconds(at)}
        for contact_id, customer_id, touchpoint, at in contacts
    ]
    return insert_new(connection, CONTACTS, "contact_id", rows)


def decided(connection: Connection, decision_ids: Sequence[str]) -> set[tuple[str | None, str, str]]:
    """Those of the decisions that are recorded here, as (decision_id, customer_id, touchpoint)."""
    columns = select(DECISIONS.c.decision_id, DECISIONS.c.customer_id, DECISIONS.c.touchpoint)
    return {
        (row.decision_id, row.customer_id, row.touchpoint)
        for chunk in in_chunks(decision_ids)
        for row in connection.execute(columns.where(DECISIONS.c.decision_id.in_(chunk)))
    }


def insert_new(connection: Connection, table: Table, key: str, rows: Sequence[dict[str, Any]]) -> int:
    """Insert the rows whose key is new, the first of each key; give how many that were."""
    first = {row[key]: row for row in reversed(rows)}
    column = table.c[key]
    for chunk in in_chunks(list(first)):
        for known in connection.execute(select(column).where(column.in_(chunk))).scalars():
            del first[known]
    if first:
        connection.execute(insert(table), list(reversed(first.values())))
    return len(first)


def in_chunks(values: Sequence[Any], size: int = _CHUNK) -> Iterator[Sequence[Any]]:
    """The values, so many at a time that one statement can bind them."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
