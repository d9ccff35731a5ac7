"""Removes from the journal what a source's records may no longer be kept for, of what the lake has too."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, false, literal, or_, select

from features.domain import ConsentStatus
from features.instants import microseconds
from features.journal.append import in_chunks
from features.journal.contacts import OUTCOME
from features.journal.schema import CONSENTS, CONTACTS, INTERACTIONS, OUTCOMES, QUARANTINE

_TABLES: Mapping[str, Table] = MappingProxyType(
    {"interactions": INTERACTIONS, "outcomes": OUTCOMES, "consents": CONSENTS, "quarantine": QUARANTINE}
)
"""Those whose rows have a source; a decision is the service's own."""

_TOLD_BY: Mapping[Table, ColumnElement[str]] = MappingProxyType(
    {INTERACTIONS: INTERACTIONS.c.message_id, OUTCOMES: literal(OUTCOME).concat(OUTCOMES.c.message_id)}
)
"""The contact_id of the contacts and answers that rows of a table tell of."""


def expire(
    connection: Connection, before: Mapping[str, datetime], *, positions: Mapping[str, int], contacts: Sequence[str] = ()
) -> dict[str, int]:
    """Delete what became visible before a time, by source; give how many rows, by table.

    A refusal of consent stays, whatever its age: to forget it would allow what was forbidden.

    Parameters
    ----------
    positions : by table, the position up to which the lake has its rows; a table that is not among them is left alone.
    contacts : ids of contacts and answers to delete, beside those that the interactions and outcomes were.
    """
    removed = {"contacts": sum(_delete(connection, CONTACTS, CONTACTS.c.contact_id.in_(chunk)) for chunk in in_chunks(contacts))}
    for name, position in positions.items():
        if name in _TABLES:
            table = _TABLES[name]
            expired = and_(table.c.position <= position, _expired(table, before))
            if table in _TOLD_BY:
                told = select(_TOLD_BY[table]).where(expired)
                removed["contacts"] += _delete(connection, CONTACTS, CONTACTS.c.contact_id.in_(told))
            removed[name] = _delete(connection, table, expired)
    return removed


def _expired(table: Table, before: Mapping[str, datetime]) -> ColumnElement[bool]:
    times = (table.c.received_at,) if table is QUARANTINE else (table.c.at, table.c.received_at)
    terms = [and_(table.c.source == source, *(time < microseconds(limit) for time in times)) for source, limit in before.items()]
    if table is CONSENTS:
        terms = [and_(term, CONSENTS.c.status == ConsentStatus.GRANTED.value) for term in terms]
    return or_(false(), *terms)


def _delete(connection: Connection, table: Table, condition: ColumnElement[bool]) -> int:
    return int(connection.execute(delete(table).where(condition)).rowcount)
