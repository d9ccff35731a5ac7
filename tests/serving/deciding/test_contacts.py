"""Contacts and answers as rules see them: far enough back, never from the future, oldest first."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features.catalogue import Catalogue, parse_catalogue
from features.contacts import looks_back
from features.domain import Consent, ConsentStatus, Contact, Interaction, Kind
from features.journal import Journal, Notice, RecordedDecision
from serving.deciding.contacts import RecentContacts, contacts_among, known_consents, recent_contacts

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    journal = Journal(f"sqlite:///{tmp_path / 'journal.db'}")
    journal.create()
    return journal


def catalogue(**rules: object) -> Catalogue:
    return parse_catalogue({"touchpoints": [{"name": "mail.a", "stage": "purchase"}], **rules})


def known(journal: Journal, rules: Catalogue, posted: Sequence[Contact] = ()) -> RecentContacts:
    since = NOW - looks_back(rules)
    return recent_contacts(journal.contacts_of(["ann"], since=since), since=since, at=NOW, unrecorded=posted)


def bring(journal: Journal, **hours_ago: float) -> None:
    """Contacts and answers by name; those whose name begins with an `a` are answers."""
    kinds = {name: "click" if name.startswith("a") else "contact" for name in hours_ago}
    journal.add_contacts(
        [Notice(name, "ann", "mail.a", NOW - timedelta(hours=hours), kinds[name]) for name, hours in hours_ago.items()]
    )


def test_contacts_and_answers_are_read_as_far_back_as_any_rule_looks(journal: Journal) -> None:
    bring(journal, c1=241, c2=239, a1=241, a2=239)
    suppressing = catalogue(caps=[{"limit": 1, "days": 2}], suppressions=[{"ignored": 2, "within_days": 6, "days": 4}])
    found = known(journal, suppressing)
    at = NOW - timedelta(hours=239)
    assert found == RecentContacts(4, (Contact("mail.a", at),), (Contact("mail.a", at, Kind.CLICK),))


def test_what_is_dated_after_the_decision_counts_as_long_before_it_and_in_that_order(journal: Journal) -> None:
    bring(journal, c1=-3, c2=2, a1=-1)
    found = known(journal, catalogue(caps=[{"limit": 1, "days": 2}]))
    assert found.contacts == (Contact("mail.a", NOW - timedelta(hours=3)), Contact("mail.a", NOW - timedelta(hours=2)))
    assert found.answers == (Contact("mail.a", NOW - timedelta(hours=1), Kind.CLICK),)


def test_without_rules_nothing_is_looked_at_but_the_number(journal: Journal) -> None:
    bring(journal, c1=1, a1=2)
    assert known(journal, catalogue()) == RecentContacts(2, (), ())


def test_what_a_dry_run_brings_along_counts_as_if_it_were_recorded(journal: Journal) -> None:
    bring(journal, c1=2)
    hour = timedelta(hours=1)
    posted = (Contact("mail.a", NOW - hour), Contact("mail.a", NOW, Kind.CLICK), Contact("mail.a", NOW - 99 * hour))
    found = known(journal, catalogue(caps=[{"limit": 1, "days": 2}]), posted)
    assert found == RecentContacts(1, (Contact("mail.a", NOW - 2 * hour), posted[0]), (posted[1],))


def test_a_contact_that_carries_out_a_decision_which_counts_already_is_not_one_more(journal: Journal) -> None:
    for name, deferred in (("d1", False), ("d2", True)):
        decision = RecordedDecision(
            decision_id=name,
            customer_id="ann",
            touchpoint="mail.a",
            at=NOW,
            request_hash="r",
            record="{}",
            candidates=("none", "mail.a"),
            probability=0.5,
            deferred=deferred,
        )
        journal.append_decision(decision, contacts_seen=None)
    posted = [interaction("mail.a", name) for name in ("d1", "d2", "d3", None)] + [interaction("none", None)]
    assert len(contacts_among(posted, journal)) == 3


def interaction(touchpoint: str, decision_id: str | None) -> Interaction:
    return Interaction(
        message_id=f"m{decision_id}",
        customer_id="ann",
        touchpoint=touchpoint,
        kind=Kind.CONTACT,
        at=NOW,
        received_at=NOW,
        source="test",
        decision_id=decision_id,
    )


def test_a_refusal_counts_also_for_a_moment_before_it_and_a_grant_does_not(journal: Journal) -> None:
    later = NOW + timedelta(minutes=3)
    said = [consent("k1", ConsentStatus.GRANTED, later), consent("k2", ConsentStatus.WITHDRAWN, later)]
    journal.append_consents(said)
    granted, withdrawn = known_consents(journal.consents_of(["ann"]), at=NOW)
    assert granted == said[0]
    assert (withdrawn.status, withdrawn.at, withdrawn.received_at) == (ConsentStatus.WITHDRAWN, NOW, NOW)
    assert known_consents(journal.consents_of(["ann"]), at=later) == tuple(said)


def consent(name: str, status: ConsentStatus, at: datetime) -> Consent:
    return Consent(message_id=name, customer_id="ann", status=status, at=at, received_at=at, source="test")
