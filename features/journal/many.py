"""Questions about many customers at once, for what runs over everybody: a few statements per batch, not a few per customer."""

from collections import namedtuple
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import Column, Select, bindparam, func, select

from features.domain import Consent
from features.instants import microseconds
from features.journal.append import in_chunks
from features.journal.connection import Database
from features.journal.reads import as_contacts
from features.journal.records import Contacts, RecordedDecision
from features.journal.rows import as_consent, as_decision
from features.journal.schema import CONSENTS, CONTACTS, DECISIONS, IDENTITIES, INTERACTIONS
from features.journal.statements import Listed, ask

_AT_ONCE = 10_000
_FIRST = ("customer_id", "at", "position")
_ORDER = itemgetter(1, 2)
_COUNTED = Listed(
    lambda customers: (
        select(CONTACTS.c.customer_id, func.count()).where(CONTACTS.c.customer_id.in_(customers)).group_by(CONTACTS.c.customer_id)
    )
)
_TOLD = Listed(
    lambda customers: select(*(CONTACTS.c[name] for name in ("customer_id", "at", "position", "touchpoint", "kind"))).where(
        CONTACTS.c.customer_id.in_(customers), CONTACTS.c.at >= bindparam("since")
    )
)
_CONSENT = (*_FIRST, *(each.name for each in CONSENTS.columns if each.name not in _FIRST))
_SAID = Listed(lambda customers: select(*(CONSENTS.c[name] for name in _CONSENT)).where(CONSENTS.c.customer_id.in_(customers)))
_consent: Any = namedtuple("_Said", _CONSENT)._make  # type: ignore[attr-defined]  # of names known only here

Customers = Sequence[Sequence[str]]
"""Of every customer all identifiers; none is of two of them."""


class Many:
    """What `Questions` answers of one customer, of many; every method raises StoreError when the database does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def contacts_of(self, customers: Customers, since: datetime) -> list[Contacts]:
        """As `Questions.contacts_of`, of every customer."""
        names = {"customers": list(chain.from_iterable(customers))}
        with self._database.reading() as connection:
            # Counted first, as of one customer: what arrives in between is noticed when the decision is recorded
            counts, told = ask(connection, [_COUNTED.of(names), _TOLD.of(names, since=microseconds(since))])
        seen: dict[str, int] = dict(counts)
        rows = _by_name(told)
        return [
            as_contacts(sum(seen.get(name, 0) for name in theirs), [row[1:] for row in _merged(theirs, rows)])
            for theirs in customers
        ]

    def consents_of(self, customers: Customers) -> list[list[Consent]]:
        """As `Questions.consents_of`, of every customer."""
        with self._database.reading() as connection:
            (said,) = ask(connection, [_SAID.of({"customers": list(chain.from_iterable(customers))})])
        rows = _by_name(said)
        return [[as_consent(_consent(row)) for row in _merged(theirs, rows)] for theirs in customers]

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

    def _pages(self, query: Select[Any], key: Column[Any]) -> Iterator[list[Any]]:
        """The rows in the order of an indexed key, so that no page costs more than another, and no reader stays open."""
        page = self._rows(query.order_by(key).limit(_AT_ONCE))
        while page:
            yield page
            page = self._rows(query.where(key > getattr(page[-1], key.name)).order_by(key).limit(_AT_ONCE))

    def _rows(self, query: Select[Any]) -> list[Any]:
        with self._database.reading() as connection:
            return list(connection.execute(query).all())


def _by_name(rows: Iterable[Any]) -> dict[str, list[Any]]:
    """Rows by their first column, whose they are."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row)
    return found


def _merged(identifiers: Sequence[str], rows: Mapping[str, list[Any]]) -> list[Any]:
    """The rows of a customer in the order in which they happened, by their second and third columns: time and position."""
    if len(identifiers) == 1:
        theirs = rows.get(identifiers[0], [])
    else:
        theirs = [row for name in identifiers for row in rows.get(name, ())]
    return sorted(theirs, key=_ORDER) if len(theirs) > 1 else theirs
