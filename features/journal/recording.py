"""Writes records inside a transaction, any number of one sort at a time, with all that follows from them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, func, insert, select

from features.catalogue.identifiers import IdentifierType
from features.domain import NONE, Consent, Interaction, Kind, Link, Outcome
from features.errors import DecisionConflictError
from features.instants import microseconds
from features.journal.append import (
    append_contacts,
    append_links,
    append_messages,
    append_quarantined,
    decided,
    insert_new,
)
from features.journal.index import append_observed, customers_of, identity_of, put_identities, refresh
from features.journal.records import Receipt, RecordedDecision, Status
from features.journal.rows import consent_row, decision_row, interaction_row, link_row, outcome_row
from features.journal.schema import CONSENTS, CONTACTS, DECISIONS, INTERACTIONS, LINKS, OUTCOMES
from features.journal.tombstones import Dated, are_buried, name_buried

KnownLink = tuple[Link, Mapping[str, datetime]]
"""A fact, and since when its identifiers are known, where somebody says so."""


@dataclass(frozen=True, slots=True)
class ProposedDecision:
    """A decision with what it was based on, as in `Journal.append_decision`."""

    decision: RecordedDecision
    contacts_seen: int | None
    identifiers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """How records are written.

    Attributes
    ----------
    types : the types of identifiers there are.
    keys : of the tombstones: that under which they are made, then that of before where there is one.
    """

    types: Mapping[str, IdentifierType]
    keys: Sequence[bytes]

    def interactions(self, connection: Connection, interactions: Sequence[Interaction]) -> list[Receipt]:
        """Write interactions, the contacts they are, and the links they prove."""
        dated = [((each.customer_id, *each.identifiers), each.at) for each in interactions]
        rows = [interaction_row(each) for each in interactions]
        receipts = self._unless_buried(connection, partial(append_messages, connection, INTERACTIONS), rows, dated)
        accepted = [each for each, receipt in zip(interactions, receipts, strict=True) if receipt.status == Status.ACCEPTED]
        append_observed(connection, accepted, self.types)
        append_contacts(connection, _uncounted(connection, accepted))
        return receipts

    def outcomes(self, connection: Connection, outcomes: Sequence[Outcome]) -> list[Receipt]:
        """Write outcomes."""
        dated = [((each.decision_id,), each.at) for each in outcomes]
        rows = [outcome_row(each) for each in outcomes]
        return self._unless_buried(connection, partial(append_messages, connection, OUTCOMES), rows, dated)

    def consents(self, connection: Connection, consents: Sequence[Consent]) -> list[Receipt]:
        """Write consents."""
        dated = [((each.customer_id,), each.at) for each in consents]
        rows = [consent_row(each) for each in consents]
        return self._unless_buried(connection, partial(append_messages, connection, CONSENTS), rows, dated)

    def links(self, connection: Connection, links: Sequence[KnownLink]) -> list[Receipt]:
        """Write facts about identities, and see who these make whom."""
        dated = [((link.left, link.right), link.at) for link, _ in links]
        rows = [link_row(link) for link, _ in links]
        receipts = self._unless_buried(connection, partial(append_links, connection), rows, dated)
        fresh = [each for each, receipt in zip(links, receipts, strict=True) if receipt.status == Status.ACCEPTED]
        since = {identifier: at for _, known in reversed(fresh) for identifier, at in known.items()}
        refresh(connection, {end for link, _ in fresh for end in (link.left, link.right)}, self.types, since)
        return receipts

    def links_of_files(self, connection: Connection, links: Sequence[Link]) -> int:
        """Write facts that the lake has already, so that compaction leaves them; give how many were new."""
        buried = are_buried(connection, [((link.left, link.right), link.at) for link in links], self.keys)
        rows = [link_row(link) | {"superseded": True} for link, gone in zip(links, buried, strict=True) if not gone]
        return insert_new(connection, LINKS, "link_id", rows)

    def identities(self, connection: Connection, found: Sequence[tuple[str, str, datetime]], *, after: int) -> int:
        """Write what was found over the whole lake, as (identifier, customer_id, since); give how much was new or other."""
        buried = are_buried(connection, [((identifier, customer_id), at) for identifier, customer_id, at in found], self.keys)
        kept = [each for each, gone in zip(found, buried, strict=True) if not gone]
        entries = [(identifier, customer_id, microseconds(at)) for identifier, customer_id, at in kept]
        return put_identities(connection, entries, self.types, after=after)

    def decisions(self, connection: Connection, proposed: Sequence[ProposedDecision]) -> list[bool]:
        """Write decisions, one after the other, each unless what it was based on has changed."""
        return [_decision(connection, each) for each in proposed]

    def refused(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> list[None]:
        """Write rows of the quarantine, but for those that name somebody who was buried, whenever they are dated."""
        buried = name_buried(connection, [row["raw"] for row in rows], self.keys)
        append_quarantined(connection, [row for row, gone in zip(rows, buried, strict=True) if not gone])
        return [None] * len(rows)

    def _unless_buried(
        self,
        connection: Connection,
        append: Callable[[Sequence[dict[str, Any]]], list[Receipt]],
        rows: Sequence[dict[str, Any]],
        dated: Sequence[Dated],
    ) -> list[Receipt]:
        buried = are_buried(connection, dated, self.keys)
        receipts = iter(append([row for row, gone in zip(rows, buried, strict=True) if not gone]))
        return [_erased(row) if gone else next(receipts) for row, gone in zip(rows, buried, strict=True)]


def contacts_seen(connection: Connection, identifiers: Sequence[str]) -> int:
    """How many contacts there are of the identifiers."""
    query = select(func.count()).select_from(CONTACTS).where(CONTACTS.c.customer_id.in_(identifiers))
    return connection.execute(query).scalar_one()


def _decision(connection: Connection, proposed: ProposedDecision) -> bool:
    decision, identifiers = proposed.decision, proposed.identifiers
    asked = select(DECISIONS.c.request_hash).where(DECISIONS.c.decision_id == decision.decision_id)
    known = connection.execute(asked).scalar_one_or_none()
    if known is not None:
        _require_the_same_question(decision, known)
        return True
    if identifiers and set(identity_of(connection, decision.customer_id).identifiers) != set(identifiers):
        return False
    everybody = identifiers or (decision.customer_id,)
    if proposed.contacts_seen is not None and contacts_seen(connection, everybody) != proposed.contacts_seen:
        return False
    connection.execute(insert(DECISIONS), decision_row(decision))
    if decision.touchpoint != NONE:
        append_contacts(connection, [_contact_of_decision(decision)])
    return True


def _require_the_same_question(decision: RecordedDecision, request_hash: str) -> None:
    if decision.request_hash != request_hash:
        raise DecisionConflictError(
            f"decision_id {decision.decision_id!r} was used before for another request; repeat that request, or use a new id"
        )


def _uncounted(connection: Connection, interactions: Sequence[Interaction]) -> list[tuple[str, str, str, datetime]]:
    """The contacts among interactions; without those that carry out a decision, counted when that was recorded.

    A decision for a customer may be carried out at any of the customer's identifiers.
    """
    contacts = [each for each in interactions if each.kind == Kind.CONTACT and each.touchpoint != NONE]
    recorded = decided(connection, [each.decision_id for each in contacts if each.decision_id is not None])
    whose = customers_of(connection, {each.customer_id for each in contacts} | {named for _, named, _ in recorded})
    counted = {(decision_id, whose[named], touchpoint) for decision_id, named, touchpoint in recorded}
    return [_contact(each) for each in contacts if (each.decision_id, whose[each.customer_id], each.touchpoint) not in counted]


def _erased(row: Mapping[str, Any]) -> Receipt:
    return Receipt(row.get("message_id") or row["link_id"], Status.ERASED, 0)


def _contact(interaction: Interaction) -> tuple[str, str, str, datetime]:
    return interaction.message_id, interaction.customer_id, interaction.touchpoint, interaction.at


def _contact_of_decision(decision: RecordedDecision) -> tuple[str, str, str, datetime]:
    return f"decision:{decision.decision_id}", decision.customer_id, decision.touchpoint, decision.at
