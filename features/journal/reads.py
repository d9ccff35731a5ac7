"""The indexed questions that serving asks of the journal; identifiers are all those of one customer."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, and_, func, or_, select

from features.domain import Consent, Contact, Interaction, Kind, Link
from features.instants import microseconds, moment
from features.journal.append import in_chunks
from features.journal.contacts import contacts_seen
from features.journal.records import Contacts, RecordedDecision
from features.journal.rows import as_consent, as_decision, as_interaction, as_link, as_outcome, as_quarantined
from features.journal.schema import CATALOGUES, CONSENTS, CONTACTS, DECISIONS, INTERACTIONS, LINKS, OUTCOMES, QUARANTINE

TABLES: Mapping[str, tuple[Table, Callable[[Row[Any]], object]]] = {
    "interactions": (INTERACTIONS, as_interaction),
    "decisions": (DECISIONS, as_decision),
    "outcomes": (OUTCOMES, as_outcome),
    "links": (LINKS, as_link),
    "consents": (CONSENTS, as_consent),
    "quarantine": (QUARANTINE, as_quarantined),
}
"""What a reader can follow from position to position."""

_CUSTOMERS = 100  # in one query, each being a term of its own


def decision(connection: Connection, decision_id: str) -> RecordedDecision | None:
    """The decision of that id, or None."""
    row = connection.execute(select(DECISIONS).where(DECISIONS.c.decision_id == decision_id)).one_or_none()
    return None if row is None else as_decision(row)


def first_decision(connection: Connection, since: datetime) -> int | None:
    """The first position of a decision taken as of `since` or later, which an index tells; None when there is none."""
    # Plus nothing: for the least position as such, databases read whole decisions from the very first one on.
    query = select(func.min(DECISIONS.c.position + 0)).where(DECISIONS.c.at >= microseconds(since))
    return connection.execute(query).scalar()


def decisions_after(connection: Connection, position: int, since: datetime, limit: int) -> list[tuple[int, RecordedDecision]]:
    """Up to `limit` decisions taken as of `since` or later, recorded after a position, in order, without those superseded."""
    wanted = (DECISIONS.c.position > position, DECISIONS.c.at >= microseconds(since), ~DECISIONS.c.superseded)
    query = select(DECISIONS).where(*wanted).order_by(DECISIONS.c.position).limit(limit)
    return [(row.position, as_decision(row)) for row in connection.execute(query)]


def last_decisions(connection: Connection, identifiers: Sequence[str], limit: int) -> list[RecordedDecision]:
    """The last decisions for any of the identifiers, newest first."""
    return [as_decision(row) for row in _last(connection, DECISIONS, identifiers, limit)]


def last_interactions(connection: Connection, identifiers: Sequence[str], limit: int) -> list[Interaction]:
    """The last interactions under any of the identifiers, newest first; those superseded as well."""
    return [as_interaction(row) for row in _last(connection, INTERACTIONS, identifiers, limit)]


def contacts(connection: Connection, identifiers: Sequence[str], since: datetime) -> Contacts:
    """How many contacts and answers there are of the identifiers, and those at or after `since`."""
    query = select(CONTACTS).where(CONTACTS.c.at >= microseconds(since))
    # Counted first: a contact that arrives in between then makes the decision be taken again instead of slipping through.
    seen = contacts_seen(connection, identifiers)
    rows = sorted(_of(connection, query, CONTACTS, identifiers), key=lambda row: (row.at, row.position))
    told = [Contact(row.touchpoint, moment(row.at), Kind(row.kind or Kind.CONTACT)) for row in rows]
    made = tuple(each for each in told if each.kind == Kind.CONTACT)
    return Contacts(seen, made, tuple(each for each in told if each.kind != Kind.CONTACT))


def interactions_after(connection: Connection, positions: Mapping[str, int]) -> dict[str, list[tuple[int, Interaction]]]:
    """The interactions under each identifier after its position, in order, without those superseded."""
    found: dict[str, list[tuple[int, Interaction]]] = {identifier: [] for identifier in positions}
    for chunk in in_chunks(list(positions.items()), _CUSTOMERS):
        under = INTERACTIONS.c.customer_id
        terms = (and_(under == identifier, INTERACTIONS.c.position > position) for identifier, position in chunk)
        query = select(INTERACTIONS).where(or_(*terms), ~INTERACTIONS.c.superseded).order_by(INTERACTIONS.c.position)
        for row in connection.execute(query):
            found[row.customer_id].append((row.position, as_interaction(row)))
    return found


def consents(connection: Connection, identifiers: Iterable[str]) -> list[Consent]:
    """What was said about contacting any of the identifiers, in the order in which it was said."""
    rows = _of(connection, select(CONSENTS), CONSENTS, list(identifiers))
    return [as_consent(row) for row in sorted(rows, key=lambda row: (row.at, row.position))]


def links(connection: Connection, identifiers: Iterable[str]) -> list[Link]:
    """The facts that name any of the identifiers, in the order in which they came."""
    names, query = list(identifiers), select(LINKS)
    found = {
        row.position: row
        for chunk in in_chunks(names)
        for row in connection.execute(query.where(or_(LINKS.c.left.in_(chunk), LINKS.c.right.in_(chunk))))
    }
    return [as_link(found[position]) for position in sorted(found)]


def catalogue(connection: Connection, version: str) -> str | None:
    """The catalogue of that version, or None."""
    return connection.execute(select(CATALOGUES.c.content).where(CATALOGUES.c.version == version)).scalar_one_or_none()


def rows_after(connection: Connection, table: str, position: int, limit: int) -> list[tuple[int, object]]:
    """Up to `limit` records of one of the TABLES after a position, in order, without those superseded."""
    source, convert = TABLES[table]
    query = select(source).where(source.c.position > position).order_by(source.c.position).limit(limit)
    if "superseded" in source.c:
        query = query.where(~source.c.superseded)
    return [(row.position, convert(row)) for row in connection.execute(query)]


def _last(connection: Connection, table: Table, identifiers: Sequence[str], limit: int) -> list[Row[Any]]:
    """The last rows of any of the identifiers, newest first."""
    query = select(table).order_by(table.c.position.desc()).limit(limit)
    return sorted(_of(connection, query, table, identifiers), key=lambda row: row.position, reverse=True)[:limit]


def _of(connection: Connection, query: Select[Any], table: Table, identifiers: Sequence[str]) -> Iterator[Row[Any]]:
    """What the query finds of any of the identifiers; its order and limit are those of so many identifiers at a time."""
    for chunk in in_chunks(identifiers):
        yield from connection.execute(query.where(table.c.customer_id.in_(chunk)))
