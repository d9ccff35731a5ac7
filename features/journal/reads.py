"""The indexed questions that serving asks of the journal; identifiers are all those of one customer."""

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, and_, bindparam, func, or_, select

from features.domain import Consent, Contact, Interaction, Kind, Link
from features.instants import microseconds, moment
from features.journal.append import in_chunks
from features.journal.contacts import contacts_seen
from features.journal.records import Contacts, RecordedDecision, Surroundings
from features.journal.rows import as_consent, as_decision, as_interaction, as_link, as_outcome, as_quarantined
from features.journal.schema import CATALOGUES, CONSENTS, CONTACTS, DECISIONS, INTERACTIONS, LINKS, OUTCOMES, QUARANTINE
from features.journal.statements import Listed, Question, Rows, ask

TABLES: Mapping[str, tuple[Table, Callable[[Row[Any]], object]]] = {
    "interactions": (INTERACTIONS, as_interaction),
    "decisions": (DECISIONS, as_decision),
    "outcomes": (OUTCOMES, as_outcome),
    "links": (LINKS, as_link),
    "consents": (CONSENTS, as_consent),
    "quarantine": (QUARANTINE, as_quarantined),
}
"""What a reader can follow from position to position."""


def _row_of(table: Table) -> Callable[[tuple[Any, ...]], Any]:
    """What makes a row with named columns of the values of all of them."""
    made: Any = namedtuple("row", table.columns.keys())  # type: ignore[misc]  # of a list that is known only here
    make: Callable[[tuple[Any, ...]], Any] = made._make
    return make


_CUSTOMERS = 128  # in one query, each being a term of its own

_INTERACTION = _row_of(INTERACTIONS)
_CONSENT = _row_of(CONSENTS)

_NEWER = Listed(
    lambda names, positions: (
        select(INTERACTIONS)
        .where(
            or_(
                *(
                    and_(INTERACTIONS.c.customer_id == name, INTERACTIONS.c.position > position)
                    for name, position in zip(names, positions, strict=True)
                )
            ),
            ~INTERACTIONS.c.superseded,
        )
        .order_by(INTERACTIONS.c.position)
    ),
    most=_CUSTOMERS,
)
_KINDS: Mapping[str | None, Kind] = {None: Kind.CONTACT, **{kind.value: kind for kind in Kind}}
_TOLD = Listed(
    lambda customers: select(CONTACTS.c.at, CONTACTS.c.position, CONTACTS.c.touchpoint, CONTACTS.c.kind).where(
        CONTACTS.c.customer_id.in_(customers), CONTACTS.c.at >= bindparam("since")
    )
)
_SAID = Listed(lambda customers: select(CONSENTS).where(CONSENTS.c.customer_id.in_(customers)))


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


def surroundings(connection: Connection, positions: Mapping[str, int], since: datetime) -> Surroundings:
    """What `interactions_after`, `contacts` and `consents` give of the customer whose identifiers these are, asked at once."""
    names = list(positions)
    newer, seen, told, said = ask(connection, [_newer(positions), *_contacts(names, since), _said(names)])
    return Surroundings(newer=_as_newer(positions, newer), contacts=_as_contacts(seen, told), consents=_as_consents(said))


def contacts(connection: Connection, identifiers: Sequence[str], since: datetime) -> Contacts:
    """How many contacts and answers there are of the identifiers, and those at or after `since`."""
    return _as_contacts(*ask(connection, _contacts(identifiers, since)))


def interactions_after(connection: Connection, positions: Mapping[str, int]) -> dict[str, list[tuple[int, Interaction]]]:
    """The interactions under each identifier after its position, in order, without those superseded."""
    return _as_newer(positions, *ask(connection, [_newer(positions)]))


def consents(connection: Connection, identifiers: Iterable[str]) -> list[Consent]:
    """What was said about contacting any of the identifiers, in the order in which it was said."""
    return _as_consents(*ask(connection, [_said(list(identifiers))]))


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


def _newer(positions: Mapping[str, int]) -> Question:
    return _NEWER.of({"names": list(positions), "positions": list(positions.values())})


def _as_newer(positions: Mapping[str, int], rows: Rows) -> dict[str, list[tuple[int, Interaction]]]:
    found: dict[str, list[tuple[int, Interaction]]] = {identifier: [] for identifier in positions}
    for row in map(_INTERACTION, rows):
        found[row.customer_id].append((row.position, as_interaction(row)))
    return found


def _contacts(identifiers: Sequence[str], since: datetime) -> tuple[Question, Question]:
    # Counted first: a contact that arrives in between then makes the decision be taken again instead of slipping through.
    return contacts_seen(identifiers), _TOLD.of({"customers": identifiers}, since=microseconds(since))


def as_contacts(seen: int, rows: Rows) -> Contacts:
    """Contacts and answers out of rows of (at, position, touchpoint, kind), in their order."""
    told = [Contact(touchpoint, moment(at), _KINDS[kind]) for at, _, touchpoint, kind in rows]
    made = tuple(each for each in told if each.kind == Kind.CONTACT)
    return Contacts(seen, made, tuple(each for each in told if each.kind != Kind.CONTACT))


def _as_contacts(seen: Rows, rows: Rows) -> Contacts:
    return as_contacts(sum(count for (count,) in seen), sorted(rows))


def _said(identifiers: Sequence[str]) -> Question:
    return _SAID.of({"customers": identifiers})


def _as_consents(rows: Rows) -> list[Consent]:
    return [as_consent(row) for row in sorted(map(_CONSENT, rows), key=lambda row: (row.at, row.position))]


def _last(connection: Connection, table: Table, identifiers: Sequence[str], limit: int) -> list[Row[Any]]:
    """The last rows of any of the identifiers, newest first."""
    query = select(table).order_by(table.c.position.desc()).limit(limit)
    return sorted(_of(connection, query, table, identifiers), key=lambda row: row.position, reverse=True)[:limit]


def _of(connection: Connection, query: Select[Any], table: Table, identifiers: Sequence[str]) -> Iterator[Row[Any]]:
    """What the query finds of any of the identifiers; its order and limit are those of so many identifiers at a time."""
    for chunk in in_chunks(identifiers):
        yield from connection.execute(query.where(table.c.customer_id.in_(chunk)))
