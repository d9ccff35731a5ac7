"""The journal itself: appends that are durable on return, and the few indexed questions that serving asks."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select

from features.catalogue.identifiers import KNOWN_TYPES, IdentifierType
from features.domain import Consent, Interaction, Link, Outcome
from features.identity.names import type_of
from features.instants import microseconds
from features.journal import reads, tombstones
from features.journal.append import append_contacts, append_quarantined, in_chunks, mark_superseded
from features.journal.connection import Database
from features.journal.erasure import erase
from features.journal.expiry import expire
from features.journal.group import GroupCommit
from features.journal.index import identity_of, named_since, refresh
from features.journal.recording import ProposedDecision, Recording
from features.journal.records import Contacts, Identity, Receipt, RecordedDecision
from features.journal.rows import quarantine_row
from features.journal.schema import INTERACTIONS, create_tables

FirstKnown = Callable[[Sequence[str]], Mapping[str, datetime]]

_NO_TIMES: Mapping[str, datetime] = {}


class Journal:
    """The journal at a database URL; nothing is opened before the first call.

    Appends of several threads share transactions. Every method raises StoreError when the database does not answer.

    Parameters
    ----------
    url : `sqlite:///<file>` or `postgresql+psycopg://…`.
    types : the types of identifiers there are.
    key : under which the names of erased customers are hashed.
    key_before : the one before the last change of it; who was buried under that is still known.
    first_known : tells of customer_ids when files first told of them, where the journal knows them from later on or not at all.
    """

    def __init__(
        self,
        url: str,
        *,
        types: Mapping[str, IdentifierType] = KNOWN_TYPES,
        key: bytes = b"",
        key_before: bytes | None = None,
        first_known: FirstKnown = lambda customer_ids: {},
    ) -> None:
        self._database = Database(url)
        self._group = GroupCommit(self._database)
        self._types = types
        self._first_known = first_known
        self._recording = Recording(types, (key,) if key_before is None else (key, key_before))

    def create(self) -> None:
        """Make the tables and columns that are missing; safe to repeat, and in several processes at once."""
        with self._database.writing() as connection:
            create_tables(connection)

    def close(self) -> None:
        """Close the connections."""
        self._database.engine.dispose()

    def append_interactions(self, interactions: Sequence[Interaction]) -> list[Receipt]:
        """Append interactions in one transaction, durable on return; one receipt each, in order.

        A contact that carries out no decision of ours counts towards the customer's contacts. An interaction that names
        several identifiers links them.
        """
        return self._group.run(self._recording.interactions, interactions)

    def append_outcomes(self, outcomes: Sequence[Outcome]) -> list[Receipt]:
        """Append outcomes in one transaction, durable on return; one receipt each, in order."""
        return self._group.run(self._recording.outcomes, outcomes)

    def append_consents(self, consents: Sequence[Consent]) -> list[Receipt]:
        """Append consents in one transaction, durable on return; one receipt each, in order."""
        return self._group.run(self._recording.consents, consents)

    def append_links(self, links: Sequence[Link], *, since: Mapping[str, datetime] = _NO_TIMES) -> list[Receipt]:
        """Append facts about identities in one transaction, durable on return; one receipt each, in order.

        Parameters
        ----------
        since : when identifiers became known, for those that are new; default: as `first_known` tells, else when the first record
            of them did.
        """
        known = since or self._first_known(sorted({end for link in links for end in _customer_ids(link, self._types)}))
        return self._group.run(self._recording.links, [(link, known) for link in links])

    def quarantine(self, source: str, reason: str, raw: str, *, received_at: datetime) -> None:
        """Keep a refused record with its reason; the same one is kept once."""
        self.quarantine_all([(source, reason, raw, received_at)])

    def quarantine_all(self, refused: Sequence[tuple[str, str, str, datetime]]) -> None:
        """As `quarantine`, of many (source, reason, raw, received_at) in one transaction, durable on return."""
        rows = [quarantine_row(source, reason, raw, microseconds(at)) for source, reason, raw, at in refused]
        self._group.run(self._recording.refused, rows)

    def append_decision(self, decision: RecordedDecision, *, contacts_seen: int | None, identifiers: Sequence[str] = ()) -> bool:
        """Record a decision and, unless it is `none`, the contact it makes; durable on return.

        Parameters
        ----------
        contacts_seen : `seen` of the contacts that the decision was based on; None when no cap depends on them.
        identifiers : all those of the customer that the decision was based on; none when only its customer_id was.

        Returns
        -------
        recorded : False, and nothing is written, when the customer was contacted since, or has other identifiers now; then
            decide again. True as well when this very decision was recorded before.

        Raises
        ------
        DecisionConflictError
            When the decision_id was used for another question.
        """
        (recorded,) = self._group.run(self._recording.decisions, [ProposedDecision(decision, contacts_seen, tuple(identifiers))])
        return recorded

    def supersede(self, table: str, positions: Sequence[int], *, refused: Sequence[tuple[str, str, str, datetime]]) -> None:
        """Mark rows of a table as counting elsewhere: in the lake, where a file brought them.

        They are no longer among `interactions_after` and `rows_after`.

        Parameters
        ----------
        refused : what goes to the quarantine with it, as (source, reason, raw, received_at): rows that say something else than
            the file.
        """
        with self._database.writing() as connection:
            append_quarantined(connection, [quarantine_row(*each[:3], microseconds(each[3])) for each in refused])
            mark_superseded(connection, reads.TABLES[table][0], positions)

    def superseded(self) -> set[str]:
        """The identifiers under which interactions were captured that count elsewhere."""
        with self._database.reading() as connection:
            query = select(INTERACTIONS.c.customer_id).where(INTERACTIONS.c.superseded).distinct()
            return set(connection.execute(query).scalars())

    def add_contacts(self, rows: Iterable[tuple[str, str, str, datetime]]) -> int:
        """Add contacts known from elsewhere, as (contact_id, customer_id, touchpoint, at); give how many ids were new."""
        with self._database.writing() as connection:
            return append_contacts(connection, list(rows))

    def bring_links(self, links: Iterable[Link]) -> int:
        """Add facts that the lake has from files, so that identities found here heed them; give how many were new.

        Nobody's identity changes at once: `bring_identities` says what follows from all of them.
        """
        with self._database.writing() as connection:
            return self._recording.links_of_files(connection, list(links))

    def bring_identities(self, rows: Iterable[tuple[str, str, datetime]], *, after: int) -> int:
        """Put what was found over the whole lake into the index, as (identifier, customer_id, since); give how much was new.

        Parameters
        ----------
        after : position of the last fact of the journal that the lake has; later ones were not known there, and still count.
        """
        with self._database.writing() as connection:
            return self._recording.identities(connection, list(rows), after=after)

    def identify_again(self, *, after: int, since: datetime) -> None:
        """See anew who everybody is about whom a fact came online after a position, or became known since a time."""
        with self._database.reading() as connection:
            named = named_since(connection, after, microseconds(since))
        for some in in_chunks(named):
            with self._database.writing() as connection:
                refresh(connection, some, self._recording.types)

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
        """What was said about contacting any of the identifiers, in the order in which it was said."""
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

    def contacts_of(self, identifiers: Sequence[str], since: datetime) -> Contacts:
        """How often any of the identifiers was contacted at all, and the contacts at or after `since`."""
        with self._database.reading() as connection:
            return reads.contacts(connection, identifiers, since)

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

    def erase(
        self,
        identifiers: Sequence[str],
        *,
        is_theirs: Callable[[str], bool] | None = None,
        decision_ids: Sequence[str] = (),
    ) -> dict[str, int]:
        """Remove every row that names any of the identifiers, from the database's files too; give how many rows, by table.

        Bury them first, so that nothing comes back meanwhile.

        Parameters
        ----------
        is_theirs : tells whether a refused record, given as text, is of theirs, beyond those that hold one of the identifiers,
            or the id of one of their records, as a value.
        decision_ids : decisions of theirs that came in files; their outcomes go as well.
        """
        with self._database.writing() as connection:
            recording = self._recording
            erased = erase(
                connection,
                identifiers,
                types=recording.types,
                keys=recording.keys,
                is_theirs=is_theirs,
                decision_ids=decision_ids,
            )
        self._database.scrub(list(erased))
        return erased

    def expire(
        self, before: Mapping[str, datetime], *, positions: Mapping[str, int], contacts: Sequence[str] = ()
    ) -> dict[str, int]:
        """Remove what became visible before a time, by source, from the database's files too; give how many rows, by table.

        Parameters
        ----------
        positions : by table, the position up to which the lake has its rows; others stay.
        contacts : ids of contacts to remove, beside those of the interactions.
        """
        with self._database.writing() as connection:
            removed = expire(connection, before, positions=positions, contacts=contacts)
        self._database.scrub(list(removed))
        return removed

    def bury(self, digests: Iterable[str], at: datetime) -> None:
        """Set tombstones, made with `tombstone`: whatever happened up to `at` to whom they name is not taken any more."""
        with self._database.writing() as connection:
            tombstones.bury(connection, digests, microseconds(at))

    def tombstone(self, name: str) -> str:
        """The keyed digest under which a name is buried."""
        return tombstones.tombstone(name, self._recording.keys[0])

    def tombstones(self) -> dict[str, datetime]:
        """Every digest that is buried, and up to when."""
        with self._database.reading() as connection:
            return tombstones.tombstones(connection)


def _customer_ids(link: Link, types: Mapping[str, IdentifierType]) -> list[str]:
    return [end for end in (link.left, link.right) if type_of(end, types) is None]
