"""Contacts and answers count once each, by whatever way they are told; so do the volumes of all customers together."""

from datetime import UTC, datetime, timedelta

import pytest

from features.domain import Contact, Interaction, Kind, Outcome
from features.journal import Contacts, Journal, Notice, RecordedDecision

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = (AT - timedelta(hours=12), AT + timedelta(hours=12))


def later(minutes: float) -> datetime:
    return AT + timedelta(minutes=minutes)


def interaction(
    message_id: str,
    kind: Kind = Kind.CONTACT,
    *,
    customer_id: str = "ann",
    touchpoint: str = "mail.a",
    decision_id: str | None = None,
    at: datetime = AT,
) -> Interaction:
    return Interaction(
        message_id=message_id,
        customer_id=customer_id,
        touchpoint=touchpoint,
        kind=kind,
        at=at,
        received_at=at,
        source="shop",
        decision_id=decision_id,
    )


def outcome(message_id: str, kind: Kind, *, decision_id: str = "d1", at: datetime = AT) -> Outcome:
    return Outcome(message_id=message_id, decision_id=decision_id, kind=kind, at=at, received_at=at, source="shop")


def decision(decision_id: str = "d1", touchpoint: str = "mail.a", *, deferred: bool = False) -> RecordedDecision:
    return RecordedDecision(
        decision_id=decision_id,
        customer_id="ann",
        touchpoint=touchpoint,
        at=AT,
        request_hash="q",
        record="{}",
        candidates=("none", "mail.a"),
        probability=0.5,
        deferred=deferred,
    )


def contacts(journal: Journal, *, customer_id: str = "ann") -> Contacts:
    return journal.contacts_of([customer_id], DAY[0])


def mails(journal: Journal) -> float:
    return journal.volume({"mail.a": 1}, *DAY)


@pytest.mark.parametrize("kind", [Kind.OPEN, Kind.CLICK, Kind.REDEMPTION, Kind.PURCHASE])
def test_an_answer_is_kept_beside_the_contacts_and_changes_what_was_seen(journal: Journal, kind: Kind) -> None:
    journal.append_interactions([interaction("m1"), interaction("m2", kind, at=later(1))])
    assert contacts(journal) == Contacts(2, (Contact("mail.a", AT),), (Contact("mail.a", later(1), kind),))
    assert not journal.append_decision(decision(), contacts_seen=1)
    assert mails(journal) == 1


def test_neither_a_view_nor_a_contact_at_no_touchpoint_is_counted(journal: Journal) -> None:
    journal.append_interactions([interaction("m1", Kind.VIEW), interaction("m2", touchpoint="none")])
    journal.append_interactions([interaction("m3", Kind.CLICK, touchpoint="none")])
    assert contacts(journal) == Contacts(0, (), ())


def test_an_outcome_answers_at_the_touchpoint_of_its_decision_once(journal: Journal) -> None:
    journal.append_decision(decision(), contacts_seen=0)
    told = [outcome("o1", Kind.CLICK, at=later(5)), outcome("o2", Kind.CLICK, decision_id="nobody's"), outcome("o3", Kind.VIEW)]
    for _ in range(2):
        journal.append_outcomes(told)
    assert contacts(journal).answers == (Contact("mail.a", later(5), Kind.CLICK),)


def test_an_outcome_of_doing_nothing_answers_no_contact(journal: Journal) -> None:
    journal.append_decision(decision(touchpoint="none"), contacts_seen=0)
    journal.append_outcomes([outcome("o1", Kind.PURCHASE), outcome("o2", Kind.CONTACT)])
    assert contacts(journal) == Contacts(0, (), ())


def test_a_deferred_decision_is_no_contact_before_it_is_carried_out(journal: Journal) -> None:
    assert journal.append_decision(decision(deferred=True), contacts_seen=0)
    assert journal.decision("d1") == decision(deferred=True)
    assert (contacts(journal), mails(journal)) == (Contacts(0, (), ()), 0)


@pytest.mark.parametrize("first", ["outcome", "interaction"])
def test_a_deferred_decision_counts_once_when_first_told_to_be_carried_out(journal: Journal, first: str) -> None:
    journal.append_decision(decision(deferred=True), contacts_seen=0)
    calls = {
        "outcome": lambda: journal.append_outcomes([outcome("x", Kind.CONTACT, at=later(20)), outcome("y", Kind.CONTACT)]),
        "interaction": lambda: journal.append_interactions([interaction("x", decision_id="d1", at=later(20))]),
    }
    for name in [first, *calls]:
        calls[name]()
    assert contacts(journal) == Contacts(1, (Contact("mail.a", later(20)),), ())
    assert journal.volume({"mail.a": 1}, later(15), later(30)) == mails(journal) == 1


def test_a_contact_of_somebody_else_or_elsewhere_does_not_carry_out_a_deferred_decision(journal: Journal) -> None:
    journal.append_decision(decision(deferred=True), contacts_seen=0)
    journal.append_interactions([interaction("m1", customer_id="bob", decision_id="d1")])
    journal.append_interactions([interaction("m2", touchpoint="mail.b", decision_id="d1")])
    assert contacts(journal, customer_id="bob").contacts == (Contact("mail.a", AT),)
    assert contacts(journal).contacts == (Contact("mail.b", AT),)
    journal.append_outcomes([outcome("o1", Kind.CONTACT)])
    assert [each.touchpoint for each in contacts(journal).contacts] == ["mail.b", "mail.a"]


def test_telling_that_a_decision_was_carried_out_adds_nothing_where_it_counted_at_once(journal: Journal) -> None:
    journal.append_decision(decision(), contacts_seen=0)
    journal.append_outcomes([outcome("o1", Kind.CONTACT)])
    journal.append_interactions([interaction("m1", decision_id="d1")])
    assert (contacts(journal).seen, mails(journal)) == (1, 1)


def test_what_files_tell_follows_the_rules_of_what_is_posted(journal: Journal) -> None:
    journal.append_decision(decision("d1"), contacts_seen=None)
    journal.append_decision(decision("d2", deferred=True), contacts_seen=None)
    told = [Notice(f"f{i}", "ann", "mail.a", later(i), "contact", f"d{i}") for i in (1, 2, 3)]
    told += [Notice("f3", "ann", "mail.a", AT), Notice("f4", "ann", "mail.a", AT, "click")]
    assert journal.add_contacts(told) == 2
    assert journal.add_contacts(told) == 0
    assert [contact.at for contact in contacts(journal).contacts] == [AT, later(2), later(3)]
    assert contacts(journal).answers == (Contact("mail.a", AT, Kind.CLICK),)
    assert mails(journal) == 3


def test_volumes_count_every_contact_once_in_its_quarter_of_an_hour(journal: Journal) -> None:
    journal.append_decision(decision("d1"), contacts_seen=None)
    journal.append_decision(decision("d1"), contacts_seen=None)
    posted = [interaction(f"m{i}", at=later(i)) for i in (-1, 14.99, 15)]
    journal.append_interactions([*posted, posted[0], interaction("m9", touchpoint="call.b", customer_id="bob")])
    journal.append_interactions(posted)
    assert journal.add_contacts([("m15", "ann", "mail.a", later(15)), ("f1", "ann", "mail.a", later(15))]) == 1
    mail = {"mail.a": 1.0}
    assert journal.volume(mail, *DAY) == 5
    quarters = [journal.volume(mail, later(start), later(start + 15)) for start in (-15, 0, 15, 30)]
    assert quarters == [1, 2, 2, 0]
    assert journal.volume({"mail.a": 0.5, "call.b": 20.0, "web.c": 9.0}, *DAY) == 22.5
    assert journal.volume({}, *DAY) == 0


def test_a_time_is_taken_in_whole_quarters_of_an_hour(journal: Journal) -> None:
    journal.append_interactions([interaction("m1", at=later(1))])
    assert journal.volume({"mail.a": 1}, later(14), later(15)) == 1
    assert journal.volume({"mail.a": 1}, later(-15), later(0.5)) == 1
    assert journal.volume({"mail.a": 1}, later(-15), later(0)) == 0


def test_contacts_that_are_erased_or_expire_stay_in_the_volumes(journal: Journal) -> None:
    journal.append_decision(decision(), contacts_seen=None)
    journal.append_outcomes([outcome("o1", Kind.CLICK)])
    journal.append_interactions([interaction("m1", customer_id="bob"), interaction("m2", Kind.OPEN, customer_id="bob")])
    tables = {"interactions": 9, "outcomes": 9}
    assert journal.expire({"shop": later(1)}, positions=tables) == {"contacts": 3, "interactions": 2, "outcomes": 1}
    assert contacts(journal, customer_id="bob").seen == 0 and contacts(journal).answers == ()
    assert journal.erase(["ann"])["contacts"] == 1
    assert mails(journal) == 2
