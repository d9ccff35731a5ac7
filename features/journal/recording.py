"""Writes records inside a transaction, any number of one sort at a time, with all that follows from them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select

from features.catalogue.identifiers import IdentifierType
from features.domain import Consent, Interaction, Link, Outcome
from features.errors import DecisionConflictError
from features.instants import microseconds
from features.journal.append import append_links, append_messages, append_quarantined, insert_new
from features.journal.contacts import contacts_seen, count_decision, count_interactions, count_outcomes, is_counted
from features.journal.index import append_observed, as_identity, put_identities, refresh, same_customer
from features.journal.records import Receipt, RecordedDecision, Status, VolumeLimit
from features.journal.rows import consent_row, decision_row, interaction_row, link_row, outcome_row
from features.journal.schema import CONSENTS, DECISIONS, INTERACTIONS, LINKS, OUTCOMES
from features.journal.statements import Listed, Prepared, Question, Rows, ask
from features.journal.tombstones import Dated, are_buried, name_buried
from features.journal.volumes import contacts_counted, fits, is_limited

_ASKED = Prepared(select(DECISIONS.c.request_hash).where(DECISIONS.c.decision_id == bindparam("decision_id")))
_SAID = Listed(lambda customers: select(func.count()).select_from(CONSENTS).where(CONSENTS.c.customer_id.in_(customers)))
_INSERT = Prepared(
    insert(DECISIONS).inline(), columns=[column.name for column in DECISIONS.columns if column is not DECISIONS.c.position]
)
_Check = tuple[Question, Callable[[Rows], bool]]

KnownLink = tuple[Link, Mapping[str, datetime]]
"""A fact, and since when its identifiers are known, where somebody says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedDecision:
    """A decision with what it was based on, as in `Journal.append_decision`."""

    decision: RecordedDecision
    contacts_seen: int | None
    consents_seen: int | None = None
    identifiers: tuple[str, ...] = ()
    limits: tuple[VolumeLimit, ...] = ()


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
        """Write interactions, the links they prove, and the contacts and answers they are."""
        dated = [((each.customer_id, *each.identifiers), each.at) for each in interactions]
        rows = [interaction_row(each) for each in interactions]
        receipts = self._unless_buried(connection, partial(append_messages, connection, INTERACTIONS), rows, dated)
        accepted = [each for each, receipt in zip(interactions, receipts, strict=True) if receipt.status == Status.ACCEPTED]
        append_observed(connection, accepted, self.types)
        count_interactions(connection, accepted)
        return receipts

    def outcomes(self, connection: Connection, outcomes: Sequence[Outcome]) -> list[Receipt]:
        """Write outcomes, and the contacts and answers that they tell of."""
        dated = [((each.decision_id,), each.at) for each in outcomes]
        rows = [outcome_row(each) for each in outcomes]
        receipts = self._unless_buried(connection, partial(append_messages, connection, OUTCOMES), rows, dated)
        accepted = [each for each, receipt in zip(outcomes, receipts, strict=True) if receipt.status == Status.ACCEPTED]
        count_outcomes(connection, accepted)
        return receipts

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
        return len(insert_new(connection, LINKS, "link_id", rows))

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


def _decision(connection: Connection, proposed: ProposedDecision) -> bool:
    decision, checks = proposed.decision, _checks(proposed)
    first = [_ASKED.of(decision_id=decision.decision_id), is_counted(decision.decision_id)]
    known, counted, *found = ask(connection, [*first, *(question for question, _ in checks)])
    if known:
        _require_the_same_question(decision, known[0][0])
        return True
    if not all(holds(rows) for (_, holds), rows in zip(checks, found, strict=True)):
        return False
    row = decision_row(decision, connection.dialect.name)
    ask(connection, [_INSERT.of(**row, superseded=False), [] if counted else count_decision(decision)])
    return True


def _checks(proposed: ProposedDecision) -> list[_Check]:
    """What to ask to see whether all is as it was when the decision was taken, as far as rules look at it."""
    decision, identifiers = proposed.decision, proposed.identifiers
    everybody, checks = identifiers or (decision.customer_id,), list[_Check]()
    if identifiers:
        same, who = set(identifiers), decision.customer_id
        checks.append((same_customer(who), lambda rows: set(as_identity(who, rows).identifiers) == same))
    if proposed.contacts_seen is not None:
        checks.append((contacts_seen(everybody), lambda rows: _total(rows) == proposed.contacts_seen))
    if proposed.consents_seen is not None:
        checks.append((_SAID.of({"customers": everybody}), lambda rows: _total(rows) == proposed.consents_seen))
    for limit in proposed.limits:
        if is_limited(limit, decision.touchpoint):
            counted = contacts_counted(limit.weights, limit.since, limit.until)
            checks.append((counted, partial(fits, limit, decision.touchpoint)))
    return checks


def _total(counts: Rows) -> int:
    return sum(count for (count,) in counts)


def _require_the_same_question(decision: RecordedDecision, request_hash: str) -> None:
    if decision.request_hash != request_hash:
        raise DecisionConflictError(
            f"decision_id {decision.decision_id!r} was used before for another request; repeat that request, or use a new id"
        )


def _erased(row: Mapping[str, Any]) -> Receipt:
    return Receipt(row.get("message_id") or row["link_id"], Status.ERASED, 0)
