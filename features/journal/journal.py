"""The journal itself: appends that are durable on return, and what removes records; its questions are next door."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime

from features.catalogue.identifiers import KNOWN_TYPES, IdentifierType
from features.domain import Consent, Interaction, Link, Outcome
from features.identity.names import type_of
from features.instants import microseconds
from features.journal import reads, tombstones
from features.journal.append import append_quarantined, in_chunks, insert_new, mark_superseded
from features.journal.connection import Database
from features.journal.contacts import count_contacts
from features.journal.creation import create_tables
from features.journal.erasure import erase
from features.journal.expiry import expire
from features.journal.group import GroupCommit
from features.journal.index import named_since, refresh
from features.journal.questions import Questions
from features.journal.ranks import Ranks
from features.journal.recording import ProposedDecision, Recording
from features.journal.records import Notice, Receipt, RecordedDecision, VolumeLimit
from features.journal.rows import quarantine_row
from features.journal.schema import CATALOGUES

FirstKnown = Callable[[Sequence[str]], Mapping[str, datetime]]

_NO_TIMES: Mapping[str, datetime] = {}


class Journal(Questions):
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
        super().__init__(Database(url))
        self._group = GroupCommit(self._database)
        self.ranks = Ranks(self._database, self._group)
        self._types = types
        self._first_known = first_known
        self._recording = Recording(types, (key,) if key_before is None else (key, key_before))

    def create(self) -> None:
        """Make the tables and columns that are missing; safe to repeat, and in several processes at once."""
        with self._database.writing() as connection:
            create_tables(connection)

    def close(self) -> None:
        """Wait for what was submitted, and close the connections; the next call opens some again."""
        self._group.close()
        self._database.close()

    def append_interactions(self, interactions: Sequence[Interaction]) -> list[Receipt]:
        """Append interactions in one transaction, durable on return; one receipt each, in order.

        A contact that carries out no decision of ours counts towards the customer's contacts; one that carries out a deferred
        decision makes that count. What answers contacts is kept beside them. An interaction that names several identifiers
        links them.
        """
        return self._group.run(self._recording.interactions, interactions)

    def append_outcomes(self, outcomes: Sequence[Outcome]) -> list[Receipt]:
        """Append outcomes in one transaction, durable on return; one receipt each, in order.

        One of kind `contact` says that a deferred decision was carried out, and makes that count as a contact.
        """
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

    def append_decision(
        self,
        decision: RecordedDecision,
        *,
        contacts_seen: int | None,
        identifiers: Sequence[str] = (),
        limits: Sequence[VolumeLimit] = (),
        consents_seen: int | None = None,
    ) -> bool:
        """Record a decision and, unless it is `none` or deferred, the contact it makes; durable on return.

        Parameters
        ----------
        contacts_seen : `seen` of the contacts that the decision was based on; None when no rule depends on them.
        identifiers : all those of the customer that the decision was based on; none when only its customer_id was.
        limits : what one contact more at the decision's touchpoint may not exceed; the contact of a deferred decision counts when
            it is made, and then whatever the limits.
        consents_seen : how many consents of theirs the decision was based on; None when no rule depends on them.

        Returns
        -------
        recorded : False, and nothing is written, when the customer was contacted, answered or said something about consent since,
            or has other identifiers now, or when a limit would be exceeded; then decide again. True as well when this very
            decision was recorded before.

        Raises
        ------
        DecisionConflictError
            When the decision_id was used for another question.
        """
        proposed = ProposedDecision(
            decision=decision,
            contacts_seen=contacts_seen,
            consents_seen=consents_seen,
            identifiers=tuple(identifiers),
            limits=tuple(limits),
        )
        return self.record_decision(proposed)

    def record_decision(self, proposed: ProposedDecision) -> bool:
        """As `append_decision`, of a decision with what it was based on."""
        (recorded,) = self._group.run(self._recording.decisions, [proposed])
        return recorded

    def submit_decision(self, proposed: ProposedDecision) -> Future[bool]:
        """As `record_decision`, without waiting: what that returns or raises is told by the future, which nobody can cancel."""
        return self._group.submit(self._recording.decisions, proposed)

    def keep_catalogue(self, version: str, content: str, at: datetime) -> None:
        """Keep what the catalogue of a version says, and since when; the first of a version is kept."""
        row = {"version": version, "content": content, "at": microseconds(at)}
        with self._database.writing() as connection:
            insert_new(connection, CATALOGUES, "version", [row])

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

    def add_contacts(self, notices: Iterable[Notice | tuple[str, str, str, datetime]]) -> int:
        """Add contacts and answers known from elsewhere, by the rules of those posted; give how many of the contacts were new."""
        with self._database.writing() as connection:
            return count_contacts(connection, [Notice(*each) for each in notices])

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


def _customer_ids(link: Link, types: Mapping[str, IdentifierType]) -> list[str]:
    return [end for end in (link.left, link.right) if type_of(end, types) is None]
