"""What the journal answers about many customers is what it answers about each."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from features.domain import Consent, ConsentStatus, Interaction, Kind
from features.journal import Journal, RecordedDecision, many

AT = datetime(2026, 3, 1, tzinfo=UTC)
CUSTOMERS = [[f"c{number}", *(f"d{number}-{other}" for other in range(number % 3))] for number in range(700)]


def populate(journal: Journal) -> None:
    rng = np.random.default_rng(5)
    names = [name for theirs in CUSTOMERS for name in theirs]
    told = [(str(rng.choice(names)), (Kind.CONTACT, Kind.OPEN, Kind.VIEW)[number % 3], number) for number in range(900)]
    journal.append_interactions([interaction(*each, minutes=int(rng.integers(300))) for each in told])
    journal.append_consents([consent(str(rng.choice(names)), number, minutes=number % 7) for number in range(300)])


def interaction(customer_id: str, kind: Kind, number: int, *, minutes: int) -> Interaction:
    at = AT + timedelta(minutes=minutes)
    given = {"message_id": f"m{number}", "customer_id": customer_id, "touchpoint": "email.news", "kind": kind}
    return Interaction(**given, at=at, received_at=at, source="test")


def consent(customer_id: str, number: int, *, minutes: int) -> Consent:
    at = AT + timedelta(minutes=minutes)
    given = {"message_id": f"s{number}", "customer_id": customer_id, "status": ConsentStatus.GRANTED}
    return Consent(**given, at=at, received_at=at, source="test")


def test_contacts_and_consents_of_many_are_those_of_each(journal: Journal) -> None:
    populate(journal)
    since = AT + timedelta(minutes=100)
    contacts = journal.many.contacts_of(CUSTOMERS, since)
    assert contacts == [journal.contacts_of(theirs, since) for theirs in CUSTOMERS]
    assert max(len(each.contacts) for each in contacts) > 1 < max(each.seen for each in contacts)
    assert journal.many.consents_of(CUSTOMERS) == [journal.consents_of(theirs) for theirs in CUSTOMERS]


def test_nobody_is_asked_about_for_nothing(journal: Journal) -> None:
    assert journal.many.contacts_of([], AT) == journal.many.consents_of([]) == []
    assert journal.many.decisions([]) == {}
    assert list(journal.many.identities()) == list(journal.many.named()) == []


def test_decisions_are_found_by_their_ids(journal: Journal) -> None:
    decided = [
        RecordedDecision(
            decision_id=f"d{number}",
            customer_id="c1",
            touchpoint="none",
            at=AT,
            request_hash="q",
            record="{}",
            candidates=("none",),
            probability=1.0,
        )
        for number in range(3)
    ]
    for each in decided:
        journal.append_decision(each, contacts_seen=None)
    found = journal.many.decisions(["d2", "d0", "d9"])
    assert found == {"d0": decided[0], "d2": decided[2]}


def test_every_name_is_listed_however_many_pages_that_takes(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(many, "_AT_ONCE", 7)
    told = [interaction(f"c{number}", Kind.VIEW, number, minutes=0) for number in range(20)]
    journal.append_interactions(told)
    journal.append_interactions(
        [
            Interaction(
                message_id="link",
                customer_id="c3",
                touchpoint="web.page",
                kind=Kind.VIEW,
                at=AT,
                received_at=AT,
                source="test",
                identifiers=("cookie:1",),
            )
        ]
    )
    journal.append_consents([consent("only-said", 1, minutes=0)])
    assert {name for page in journal.many.named() for name in page} == {*(f"c{number}" for number in range(20)), "only-said"}
    identities = dict(each for page in journal.many.identities() for each in page)
    assert identities == {name: journal.customer_of(name) for name in ("c3", "cookie:1")}
