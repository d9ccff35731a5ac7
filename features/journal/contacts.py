"""What counts as a contact or an answer of a customer, each once, however often and by whatever way it is told.

A decision that is not deferred is a contact as soon as it is recorded, and whatever tells later that it was carried out is none
any more. One that is deferred becomes a contact when that is told for the first time. A contact that carries out no decision
of ours counts by itself.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select

from features.domain import ANSWERS, NONE, Interaction, Kind, Outcome
from features.instants import microseconds
from features.journal.append import in_chunks, insert_new
from features.journal.index import customers_of
from features.journal.records import Notice, RecordedDecision
from features.journal.schema import CONTACTS, DECISIONS
from features.journal.statements import Asked, Listed, Prepared
from features.journal.volumes import add_volume, add_volumes

OUTCOME = "outcome:"
"""What the contact_id of an outcome begins with, as it is no interaction of the same message_id."""

_DECISION = "decision:"
_TELLING = (Kind.CONTACT, *ANSWERS)
_SEEN = Listed(lambda customers: select(func.count()).select_from(CONTACTS).where(CONTACTS.c.customer_id.in_(customers)))
_COUNTED = Prepared(select(CONTACTS.c.contact_id).where(CONTACTS.c.contact_id == bindparam("contact_id")))
_INSERT = Prepared(insert(CONTACTS).inline(), columns=("contact_id", "customer_id", "touchpoint", "at", "kind"))


def count_interactions(connection: Connection, interactions: Sequence[Interaction]) -> None:
    """Count the contacts and answers among interactions."""
    notices = [
        Notice(each.message_id, each.customer_id, each.touchpoint, each.at, each.kind, each.decision_id)
        for each in interactions
        if each.kind in _TELLING
    ]
    count_contacts(connection, notices)


def count_outcomes(connection: Connection, outcomes: Sequence[Outcome]) -> None:
    """Count what outcomes tell of the decisions that they name: that these were carried out, or answered."""
    telling = [each for each in outcomes if each.kind in _TELLING]
    recorded = _recorded(connection, (each.decision_id for each in telling))
    known = [(each, recorded[each.decision_id]) for each in telling if each.decision_id in recorded]
    notices = [
        Notice(f"{OUTCOME}{each.message_id}", found.customer_id, found.touchpoint, each.at, each.kind, each.decision_id)
        for each, found in known
    ]
    count_contacts(connection, notices)


def count_contacts(connection: Connection, notices: Sequence[Notice]) -> int:
    """Count contacts and answers; give how many of the contacts were new."""
    told = [each for each in notices if each.touchpoint != NONE]
    return _append(connection, list(_rows(connection, told))) if told else 0


def contacts_seen(identifiers: Sequence[str]) -> list[Asked]:
    """The question how many contacts and answers there are of the identifiers; what is found adds up."""
    return _SEEN.of({"customers": identifiers})


def is_counted(decision_id: str) -> list[Asked]:
    """The question whether the contact of a decision was counted; something is found where it was."""
    return _COUNTED.of(contact_id=f"{_DECISION}{decision_id}")


def count_decision(decision: RecordedDecision) -> list[Asked]:
    """The statements that count the contact which a decision makes by being recorded, if it makes one."""
    if decision.deferred or decision.touchpoint == NONE:
        return []
    notice = Notice(decision.decision_id, decision.customer_id, decision.touchpoint, decision.at)
    row = _row(notice, f"{_DECISION}{decision.decision_id}")
    return [*_INSERT.of(**row), *add_volume(decision.touchpoint, row["at"])]


def _rows(connection: Connection, notices: Sequence[Notice]) -> Iterator[dict[str, Any]]:
    contacts = [each for each in notices if each.kind == Kind.CONTACT]
    recorded = _recorded(connection, (each.decision_id for each in contacts if each.decision_id is not None))
    named = {each.customer_id for each in contacts if each.decision_id in recorded}
    # A decision for a customer may be carried out at any of the customer's identifiers.
    whose = customers_of(connection, named | {each.customer_id for each in recorded.values()})
    for each in notices:
        decision = recorded.get(each.decision_id or "") if each.kind == Kind.CONTACT else None
        if decision is None or (each.touchpoint, whose[each.customer_id]) != (decision.touchpoint, whose[decision.customer_id]):
            yield _row(each, each.contact_id)
        elif decision.deferred:
            yield _row(each._replace(customer_id=decision.customer_id), f"{_DECISION}{decision.decision_id}")


def _recorded(connection: Connection, decision_ids: Iterable[str]) -> dict[str, Row[Any]]:
    """Those of the decisions that are recorded here, by their ids."""
    wanted = ("decision_id", "customer_id", "touchpoint", "deferred")
    columns = select(*(DECISIONS.c[name] for name in wanted))
    return {
        row.decision_id: row
        for chunk in in_chunks(sorted(set(decision_ids)))
        for row in connection.execute(columns.where(DECISIONS.c.decision_id.in_(chunk)))
    }


def _append(connection: Connection, rows: Sequence[dict[str, Any]]) -> int:
    new = [row for row in insert_new(connection, CONTACTS, "contact_id", rows) if row["kind"] is None]
    add_volumes(connection, ((row["touchpoint"], row["at"]) for row in new))
    return len(new)


def _row(notice: Notice, contact_id: str) -> dict[str, Any]:
    return {
        "contact_id": contact_id,
        "customer_id": notice.customer_id,
        "touchpoint": notice.touchpoint,
        "at": microseconds(notice.at),
        "kind": None if notice.kind == Kind.CONTACT else str(notice.kind),
    }
