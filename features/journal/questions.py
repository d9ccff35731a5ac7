"""What can be asked of the journal: a few indexed questions of serving, and what came since somebody last looked."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select

from features.domain import Consent, Interaction, Link, Outcome
from features.journal import reads, search, tombstones
from features.journal.connection import Database
from features.journal.index import identity_of
from features.journal.many import Many
from features.journal.records import Contacts, Identity, RecordedDecision, Surroundings
from features.journal.schema import INTERACTIONS
from features.journal.volumes import volume


class Questions:
    """The half of the journal that only reads; every method raises StoreError when the database does not answer.

    Attributes
    ----------
    many : the same questions about many customers at once.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.many = Many(database)

    def customer_of(self, identifier: str) -> str:
        """The customer that the identifier is now."""
        return self.identity_of(identifier).customer_id

    def identity_of(self, identifier: str) -> Identity:
        """The customer that the identifier is now, with all their identifiers; one that is linked with nobody is its own."""
        with self._database.reading() as connection:
            return identity_of(connection, identifier)

    def links_of(self, identifiers: Sequence[str]) -> list[Link]:
        """The facts that name any of the identifiers, in the order in which they came."""
        with self._database.reading() as connection:
            return reads.links(connection, identifiers)

    def consents_of(self, identifiers: Sequence[str]) -> list[Consent]:
        """What was said about contacting any of the identifiers, in the order in which it was said.

        How many there are is what `append_decision` compares as `consents_seen`.
        """
        with self._database.reading() as connection:
            return reads.consents(connection, identifiers)

    def decision(self, decision_id: str) -> RecordedDecision | None:
        """The decision of that id, or None."""
        with self._database.reading() as connection:
            return reads.decision(connection, decision_id)

    def decisions_of(self, identifiers: Sequence[str], limit: int) -> list[RecordedDecision]:
        """The last decisions for any of the identifiers, newest first."""
        with self._database.reading() as connection:
            return reads.last_decisions(connection, identifiers, limit)

    def decisions_since(self, since: datetime, *, limit: int = 1000, after_position: int = 0) -> Iterator[RecordedDecision]:
        """Every decision taken as of `since` or later, in the order in which they were recorded; those superseded are left out.

        Parameters
        ----------
        limit : how many are read at a time; it does not end the iteration.
        after_position : leave out those recorded up to that position.
        """
        with self._database.reading() as connection:
            start = reads.first_decision(connection, since)
        position = after_position if start is None else max(after_position, start - 1)
        while start is not None:
            with self._database.reading() as connection:
                found = reads.decisions_after(connection, position, since, limit)
            yield from (decision for _, decision in found)
            if len(found) < limit:
                return
            position = found[-1][0]

    def search_decisions(self, wanted: search.Wanted, *, limit: int, after: search.Place | None = None) -> search.FoundDecisions:
        """Up to `limit` of the decisions wanted, newest first, behind the place where a page ended; those superseded as well."""
        with self._database.reading() as connection:
            return search.search_decisions(connection, wanted, limit=limit, after=after)

    def first_decided(self) -> datetime | None:
        """As of when the first decision that is here was taken; None when there is none."""
        with self._database.reading() as connection:
            return search.first_decided(connection)

    def outcomes_of(self, decision_ids: Sequence[str]) -> list[Outcome]:
        """The outcomes that were posted of decisions, in the order in which they happened."""
        with self._database.reading() as connection:
            return search.outcomes_of(connection, decision_ids)

    def contacts_of(self, identifiers: Sequence[str], since: datetime) -> Contacts:
        """The contacts of any of the identifiers and their answers at or after `since`, and how many there ever were."""
        with self._database.reading() as connection:
            return reads.contacts(connection, identifiers, since)

    def surroundings(self, positions: Mapping[str, int], *, since: datetime) -> Surroundings:
        """What `interactions_after_each`, `contacts_of` and `consents_of` tell of a customer, asked at once.

        Parameters
        ----------
        positions : of all the customer's identifiers, after which interactions are wanted.
        since : from when on contacts are.
        """
        with self._database.reading() as connection:
            return reads.surroundings(connection, positions, since)

    def volume(self, weights: Mapping[str, float], since: datetime, until: datetime) -> float:
        """What all contacts of anybody from `since` to `until` weigh together, in whole quarters of an hour as in `VolumeLimit`.

        Parameters
        ----------
        weights : by touchpoint, what one contact there weighs; others weigh nothing.
        """
        with self._database.reading() as connection:
            return volume(connection, weights, since, until)

    def catalogue(self, version: str) -> str | None:
        """The catalogue of that version as `keep_catalogue` was given it, or None."""
        with self._database.reading() as connection:
            return reads.catalogue(connection, version)

    def interactions_after(self, identifier: str, position: int) -> list[tuple[int, Interaction]]:
        """The interactions under an identifier after a position, in order, each with its own; without those superseded."""
        return self.interactions_after_each({identifier: position})[identifier]

    def interactions_after_each(self, positions: Mapping[str, int]) -> dict[str, list[tuple[int, Interaction]]]:
        """`interactions_after` for several identifiers, each after its own position, in one query."""
        with self._database.reading() as connection:
            return reads.interactions_after(connection, positions)

    def interactions_of(self, identifiers: Sequence[str], limit: int) -> list[Interaction]:
        """The last interactions under any of the identifiers, newest first; those superseded too, since they were posted."""
        with self._database.reading() as connection:
            return reads.last_interactions(connection, identifiers, limit)

    def head(self) -> int:
        """The position of the last interaction; 0 when there is none."""
        with self._database.reading() as connection:
            return connection.execute(select(func.max(INTERACTIONS.c.position))).scalar() or 0

    def rows_after(self, table: str, position: int, limit: int) -> list[tuple[int, object]]:
        """Up to `limit` records of a table after a position, in order; those superseded are left out."""
        with self._database.reading() as connection:
            return reads.rows_after(connection, table, position, limit)

    def superseded(self) -> set[str]:
        """The identifiers under which interactions were captured that count elsewhere."""
        with self._database.reading() as connection:
            query = select(INTERACTIONS.c.customer_id).where(INTERACTIONS.c.superseded).distinct()
            return set(connection.execute(query).scalars())

    def tombstones(self) -> dict[str, datetime]:
        """Every digest that is buried, and up to when."""
        with self._database.reading() as connection:
            return tombstones.tombstones(connection)
