"""The journal itself: appends that are durable on return, and the few indexed questions that serving asks."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, func, insert, select

from features.domain import NONE, Interaction, Kind, Outcome
from features.errors import DecisionConflictError
from features.instants import microseconds, moment
from features.journal.append import append_contacts, append_messages, append_quarantined, decided, mark_superseded
from features.journal.connection import Database
from features.journal.records import Contacts, Receipt, RecordedDecision, Status
from features.journal.rows import (
    as_decision,
    as_interaction,
    as_outcome,
    as_quarantined,
    decision_row,
    interaction_row,
    outcome_row,
    quarantine_row,
)
from features.journal.schema import CONTACTS, DECISIONS, INTERACTIONS, METADATA, OUTCOMES, QUARANTINE

_READABLE: Mapping[str, tuple[Table, Callable[[Row[Any]], object]]] = {
    "interactions": (INTERACTIONS, as_interaction),
    "decisions": (DECISIONS, as_decision),
    "outcomes": (OUTCOMES, as_outcome),
    "quarantine": (QUARANTINE, as_quarantined),
}


class Journal:
    """The journal at a database URL; nothing is opened before the first call.

    Every method raises StoreError when the database does not answer.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url)

    def create(self) -> None:
        """Make the tables that are missing; safe to repeat, and in several processes at once."""
        with self._database.writing() as connection:
            METADATA.create_all(connection)

    def close(self) -> None:
        """Close the connections."""
        self._database.engine.dispose()

    def append_interactions(self, interactions: Sequence[Interaction]) -> list[Receipt]:
        """Append interactions in one transaction, durable on return; one receipt each, in order.

        A contact that carries out no decision of ours counts towards the customer's contacts.
        """
        with self._database.writing() as connection:
            receipts = append_messages(connection, INTERACTIONS, [interaction_row(interaction) for interaction in interactions])
            accepted = [each for each, receipt in zip(interactions, receipts, strict=True) if receipt.status == Status.ACCEPTED]
            contacts = [each for each in accepted if each.kind == Kind.CONTACT and each.touchpoint != NONE]
            counted = decided(connection, [each.decision_id for each in contacts if each.decision_id is not None])
            # What carries out a decision was counted when the decision was recorded.
            append_contacts(connection, [_contact(each) for each in contacts if _carried_out(each) not in counted])
        return receipts

    def append_outcomes(self, outcomes: Sequence[Outcome]) -> list[Receipt]:
        """Append outcomes in one transaction, durable on return; one receipt each, in order."""
        with self._database.writing() as connection:
            return append_messages(connection, OUTCOMES, [outcome_row(outcome) for outcome in outcomes])

    def quarantine(self, source: str, reason: str, raw: str) -> None:
        """Keep a refused record with its reason; the same one is kept once."""
        with self._database.writing() as connection:
            append_quarantined(connection, [quarantine_row(source, reason, raw)])

    def supersede(self, table: str, positions: Sequence[int], *, refused: Sequence[tuple[str, str, str]]) -> None:
        """Mark rows of `interactions`, `decisions` or `outcomes` as counting elsewhere: in the lake, where a file brought them.

        They are no longer among `interactions_after` and `rows_after`.

        Parameters
        ----------
        refused : what goes to the quarantine with it, as (source, reason, raw): rows that say something else than the file.
        """
        with self._database.writing() as connection:
            append_quarantined(connection, [quarantine_row(*each) for each in refused])
            mark_superseded(connection, _READABLE[table][0], positions)

    def append_decision(self, decision: RecordedDecision, *, contacts_seen: int | None) -> bool:
        """Record a decision and, unless it is `none`, the contact it makes; durable on return.

        Parameters
        ----------
        contacts_seen : `seen` of the contacts that the decision was based on; None when no cap depends on them.

        Returns
        -------
        recorded : False, and nothing is written, when the customer was contacted since; then decide again. True as well when
            this very decision was recorded before.

        Raises
        ------
        DecisionConflictError
            When the decision_id was used for another question.
        """
        with self._database.writing() as connection:
            known = connection.execute(
                select(DECISIONS.c.request_hash).where(DECISIONS.c.decision_id == decision.decision_id)
            ).scalar_one_or_none()
            if known is not None:
                _require_the_same_question(decision, known)
                return True
            if contacts_seen is not None and _contacts_seen(connection, decision.customer_id) != contacts_seen:
                return False
            connection.execute(insert(DECISIONS), decision_row(decision))
            if decision.touchpoint != NONE:
                append_contacts(connection, [_contact_of_decision(decision)])
        return True

    def decision(self, decision_id: str) -> RecordedDecision | None:
        """The decision of that id, or None."""
        with self._database.reading() as connection:
            row = connection.execute(select(DECISIONS).where(DECISIONS.c.decision_id == decision_id)).one_or_none()
        return None if row is None else as_decision(row)

    def decisions_of(self, customer_id: str, limit: int) -> list[RecordedDecision]:
        """The customer's last decisions, newest first."""
        query = select(DECISIONS).where(DECISIONS.c.customer_id == customer_id).order_by(DECISIONS.c.position.desc()).limit(limit)
        with self._database.reading() as connection:
            return [as_decision(row) for row in connection.execute(query)]

    def contacts_of(self, customer_id: str, since: datetime) -> Contacts:
        """How often the customer was contacted at all, and the contacts at or after `since`."""
        query = (
            select(CONTACTS.c.touchpoint, CONTACTS.c.at)
            .where(CONTACTS.c.customer_id == customer_id, CONTACTS.c.at >= microseconds(since))
            .order_by(CONTACTS.c.at, CONTACTS.c.position)
        )
        with self._database.reading() as connection:
            # Counted first: a contact that arrives in between then makes the decision be taken again instead of slipping through.
            seen = _contacts_seen(connection, customer_id)
            rows = connection.execute(query).all()
        return Contacts(seen, tuple(row.touchpoint for row in rows), tuple(moment(row.at) for row in rows))

    def add_contacts(self, rows: Iterable[tuple[str, str, str, datetime]]) -> int:
        """Add contacts known from elsewhere, as (contact_id, customer_id, touchpoint, at); give how many ids were new."""
        with self._database.writing() as connection:
            return append_contacts(connection, list(rows))

    def interactions_after(self, customer_id: str, position: int) -> list[tuple[int, Interaction]]:
        """The customer's interactions after a position, in order, each with its own position; without those superseded."""
        query = (
            select(INTERACTIONS)
            .where(INTERACTIONS.c.customer_id == customer_id, INTERACTIONS.c.position > position, ~INTERACTIONS.c.superseded)
            .order_by(INTERACTIONS.c.position)
        )
        with self._database.reading() as connection:
            return [(row.position, as_interaction(row)) for row in connection.execute(query)]

    def interactions_of(self, customer_id: str, limit: int) -> list[Interaction]:
        """The customer's last interactions, newest first; also those superseded, since they were posted all the same."""
        query = select(INTERACTIONS).where(INTERACTIONS.c.customer_id == customer_id)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(INTERACTIONS.c.position.desc()).limit(limit))
            return [as_interaction(row) for row in rows]

    def head(self) -> int:
        """The position of the last interaction; 0 when there is none."""
        with self._database.reading() as connection:
            return connection.execute(select(func.max(INTERACTIONS.c.position))).scalar() or 0

    def rows_after(self, table: str, position: int, limit: int) -> list[tuple[int, object]]:
        """Up to `limit` records of `interactions`, `decisions`, `outcomes` or `quarantine` after a position, in order.

        Those superseded are left out.
        """
        source, convert = _READABLE[table]
        query = select(source).where(source.c.position > position).order_by(source.c.position).limit(limit)
        if "superseded" in source.c:
            query = query.where(~source.c.superseded)
        with self._database.reading() as connection:
            return [(row.position, convert(row)) for row in connection.execute(query)]


def _carried_out(contact: Interaction) -> tuple[str | None, str, str]:
    return contact.decision_id, contact.customer_id, contact.touchpoint


def _contact(interaction: Interaction) -> tuple[str, str, str, datetime]:
    return interaction.message_id, interaction.customer_id, interaction.touchpoint, interaction.at


def _contact_of_decision(decision: RecordedDecision) -> tuple[str, str, str, datetime]:
    return f"decision:{decision.decision_id}", decision.customer_id, decision.touchpoint, decision.at


def _contacts_seen(connection: Connection, customer_id: str) -> int:
    return connection.execute(
        select(func.count()).select_from(CONTACTS).where(CONTACTS.c.customer_id == customer_id)
    ).scalar_one()


def _require_the_same_question(decision: RecordedDecision, request_hash: str) -> None:
    if decision.request_hash != request_hash:
        raise DecisionConflictError(
            f"decision_id {decision.decision_id!r} was used before for another request; repeat that request, or use a new id"
        )
