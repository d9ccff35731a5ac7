"""Inserts what is new into the journal's tables, inside the transaction of the one writer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update

from features.journal.records import Receipt, Status
from features.journal.rows import refused_row
from features.journal.schema import LINKS, QUARANTINE

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


def insert_new(connection: Connection, table: Table, key: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Insert the rows whose key is new, the first of each key; give those."""
    first = {row[key]: row for row in reversed(rows)}
    column = table.c[key]
    for chunk in in_chunks(list(first)):
        for known in connection.execute(select(column).where(column.in_(chunk))).scalars():
            del first[known]
    new = list(reversed(first.values()))
    if new:
        connection.execute(insert(table), new)
    return new


def in_chunks(values: Sequence[Any], size: int = _CHUNK) -> Iterator[Sequence[Any]]:
    """The values, so many at a time that one statement can bind them."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
