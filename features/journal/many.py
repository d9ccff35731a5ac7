"""Questions about many customers at once, for what runs over everybody: a few statements per batch, not a few per customer."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import Column, Row, Select, Table, func, select

from features.domain import Consent, Contact, Interaction, Kind
from features.instants import microseconds, moment
from features.journal.append import in_chunks
from features.journal.connection import Database
from features.journal.records import Contacts, RecordedDecision
from features.journal.rows import as_consent, as_decision, as_interaction
from features.journal.schema import CONSENTS, CONTACTS, DECISIONS, IDENTITIES, INTERACTIONS

_AT_ONCE = 10_000

Customers = Sequence[Sequence[str]]
"""Of every customer all identifiers; none is of two of them."""


class Many:
    """What `Questions` answers of one customer, of many; every method raises StoreError when the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def contacts_of(self, customers: Customers, since: datetime) -> list[Contacts]:
        """As `Questions.contacts_of`, of every customer."""
        names = list(chain.from_iterable(customers))
        count = select(CONTACTS.c.customer_id, func.count()).group_by(CONTACTS.c.customer_id)
        # Counted first, as of one customer: what arrives in between is noticed when the decision is recorded
        seen = {row[0]: int(row[1]) for row in self._of(count, CONTACTS, names)}
        rows = self._by_name(select(CONTACTS).where(CONTACTS.c.at >= microseconds(since)), CONTACTS, list(seen))
        return [_contacts(theirs, seen, rows) for theirs in customers]

    def consents_of(self, customers: Customers) -> list[list[Consent]]:
        """As `Questions.consents_of`, of every customer."""
        rows = self._by_name(select(CONSENTS), CONSENTS, list(chain.from_iterable(customers)))
        return [[as_consent(row) for row in _merged(theirs, rows)] for theirs in customers]

    def interactions_after(self, positions: Mapping[str, int]) -> dict[str, list[tuple[int, Interaction]]]:
        """As `Questions.interactions_after_each`, of any number of identifiers; without those of whom there is nothing."""
        found: dict[str, list[tuple[int, Interaction]]] = {}
        # Those with like positions together, so that one bound for all of a chunk reads hardly more than what is newer
        for chunk in in_chunks(sorted(positions, key=positions.__getitem__)):
            under, least = INTERACTIONS.c.customer_id, positions[chunk[0]]
            wanted = (under.in_(chunk), INTERACTIONS.c.position > least, ~INTERACTIONS.c.superseded)
            query = select(INTERACTIONS).where(*wanted).order_by(INTERACTIONS.c.position)
            with self._database.reading() as connection:
                for row in connection.execute(query):
                    if row.position > positions[row.customer_id]:
                        found.setdefault(row.customer_id, []).append((row.position, as_interaction(row)))
        return found

    def decisions(self, decision_ids: Sequence[str]) -> dict[str, RecordedDecision]:
        """Those of the decisions that are recorded, by their ids."""
        return {
            row.decision_id: as_decision(row)
            for chunk in in_chunks(decision_ids)
            for row in self._rows(select(DECISIONS).where(DECISIONS.c.decision_id.in_(chunk)))
        }

    def identities(self) -> Iterator[list[tuple[str, str]]]:
        """Every identifier that a fact names with the customer it is now, some thousands at a time."""
        for page in self._pages(select(IDENTITIES.c.identifier, IDENTITIES.c.customer_id), IDENTITIES.c.identifier):
            yield [(row.identifier, row.customer_id) for row in page]

    def named(self) -> Iterator[list[str]]:
        """The identifiers under which interactions or consents are here, some thousands at a time; a few of them twice."""
        for table in (INTERACTIONS, CONSENTS):
            for page in self._pages(select(table.c.customer_id).distinct(), table.c.customer_id):
                yield [row.customer_id for row in page]

    def _pages(self, query: Select[Any], key: Column[Any]) -> Iterator[list[Row[Any]]]:
        """The rows in the order of an indexed key, so that no page costs more than another, and no reader stays open."""
        page = self._rows(query.order_by(key).limit(_AT_ONCE))
        while page:
            yield page
            page = self._rows(query.where(key > getattr(page[-1], key.name)).order_by(key).limit(_AT_ONCE))

    def _by_name(self, query: Select[Any], table: Table, names: Sequence[str]) -> dict[str, list[Row[Any]]]:
        found: dict[str, list[Row[Any]]] = {}
        for row in self._of(query, table, names):
            found.setdefault(row.customer_id, []).append(row)
        return found

    def _of(self, query: Select[Any], table: Table, names: Sequence[str]) -> Iterator[Row[Any]]:
        for chunk in in_chunks(names):
            yield from self._rows(query.where(table.c.customer_id.in_(chunk)))

    def _rows(self, query: Select[Any]) -> list[Row[Any]]:
        with self._database.reading() as connection:
            return list(connection.execute(query))


def _contacts(identifiers: Sequence[str], seen: Mapping[str, int], rows: Mapping[str, list[Row[Any]]]) -> Contacts:
    number = sum(seen.get(name, 0) for name in identifiers)
    told = [Contact(row.touchpoint, moment(row.at), Kind(row.kind or Kind.CONTACT)) for row in _merged(identifiers, rows)]
    made = tuple(each for each in told if each.kind == Kind.CONTACT)
    return Contacts(number, made, tuple(each for each in told if each.kind != Kind.CONTACT))


def _merged(identifiers: Sequence[str], rows: Mapping[str, list[Row[Any]]]) -> list[Row[Any]]:
    """The rows of a customer in the order in which they happened."""
    theirs = [row for name in identifiers for row in rows.get(name, ())]
    return sorted(theirs, key=lambda row: (row.at, row.position)) if len(theirs) > 1 else theirs
