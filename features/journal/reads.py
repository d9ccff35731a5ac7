"""The indexed questions that serving asks of the journal; identifiers are all those of one customer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, or_, select

from features.domain import Consent, Interaction, Link
from features.instants import microseconds, moment
from features.journal.append import in_chunks
from features.journal.recording import contacts_seen
from features.journal.records import Contacts, RecordedDecision
from features.journal.rows import as_consent, as_decision, as_interaction, as_link, as_outcome, as_quarantined
from features.journal.schema import CONSENTS, CONTACTS, DECISIONS, INTERACTIONS, LINKS, OUTCOMES, QUARANTINE

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


def last_decisions(connection: Connection, identifiers: Sequence[str], limit: int) -> list[RecordedDecision]:
    """The last decisions for any of the identifiers, newest first."""
    query = select(DECISIONS).where(DECISIONS.c.customer_id.in_(identifiers)).order_by(DECISIONS.c.position.desc())
    return [as_decision(row) for row in connection.execute(query.limit(limit))]


def last_interactions(connection: Connection, identifiers: Sequence[str], limit: int) -> list[Interaction]:
    """The last interactions under any of the identifiers, newest first; those superseded as well."""
    query = select(INTERACTIONS).where(INTERACTIONS.c.customer_id.in_(identifiers)).order_by(INTERACTIONS.c.position.desc())
    return [as_interaction(row) for row in connection.execute(query.limit(limit))]


def contacts(connection: Connection, identifiers: Sequence[str], since: datetime) -> Contacts:
    """How many contacts there are of the identifiers, and those at or after `since`."""
    query = (
        select(CONTACTS.c.touchpoint, CONTACTS.c.at)
        .where(CONTACTS.c.customer_id.in_(identifiers), CONTACTS.c.at >= microseconds(since))
        .order_by(CONTACTS.c.at, CONTACTS.c.position)
    )
    # Counted first: a contact that arrives in between then makes the decision be taken again instead of slipping through.
    seen = contacts_seen(connection, identifiers)
    rows = connection.execute(query).all()
    return Contacts(seen, tuple(row.touchpoint for row in rows), tuple(moment(row.at) for row in rows))


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
    query = select(CONSENTS).where(CONSENTS.c.customer_id.in_(list(identifiers))).order_by(CONSENTS.c.at, CONSENTS.c.position)
    return [as_consent(row) for row in connection.execute(query)]


def links(connection: Connection, identifiers: Iterable[str]) -> list[Link]:
    """The facts that name any of the identifiers, in the order in which they came."""
    names = list(identifiers)
    about = or_(LINKS.c.left.in_(names), LINKS.c.right.in_(names))
    return [as_link(row) for row in connection.execute(select(LINKS).where(about).order_by(LINKS.c.position))]


def rows_after(connection: Connection, table: str, position: int, limit: int) -> list[tuple[int, object]]:
    """Up to `limit` records of one of the TABLES after a position, in order, without those superseded."""
    source, convert = TABLES[table]
    query = select(source).where(source.c.position > position).order_by(source.c.position).limit(limit)
    if "superseded" in source.c:
        query = query.where(~source.c.superseded)
    return [(row.position, convert(row)) for row in connection.execute(query)]
