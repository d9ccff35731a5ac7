"""Who somebody is changes with the very record that tells it, and follows from all facts, as over the whole lake."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from features.catalogue.identifiers import KNOWN_TYPES
from features.domain import PERSON, Interaction, Kind, Link, LinkAction
from features.identity import link_of
from features.identity.resolve import resolve
from features.journal import Identity, Journal, RecordedDecision
from features.journal.neighbourhood import MOST_FACTS

AT = datetime(2026, 3, 1, tzinfo=UTC)


def typed(type_: str, value: str) -> str:
    return f"{type_}:{md5(value.encode()).hexdigest()}"


MAIL, CARD, COOKIE, PHONE, IP = (typed(type_, "1") for type_ in ("email", "loyalty_card", "cookie", "phone", "ip"))


def seen(message_id: str, customer_id: str, *identifiers: str, day: float = 0, kind: Kind = Kind.VIEW) -> Interaction:
    at = AT + timedelta(days=day)
    return Interaction(
        message_id=message_id,
        customer_id=customer_id,
        touchpoint="web.page",
        kind=kind,
        at=at,
        received_at=at,
        source="shop",
        identifiers=identifiers,
    )


def fact(one: str, other: str, *, day: float, action: LinkAction = LinkAction.LINK, source: str = "crm") -> Link:
    at = AT + timedelta(days=day)
    return link_of(one, other, action, at=at, received_at=at, source=source, message_id=f"{action} {day}")


def facts(journal: Journal, *identifiers: str) -> list[tuple[str, str, str]]:
    return [(link.left, link.right, link.action.value) for link in journal.links_of(identifiers)]


def test_whom_no_fact_names_is_their_own_customer(journal: Journal) -> None:
    journal.append_interactions([seen("m1", "ann")])
    assert journal.identity_of("ann") == Identity("ann", ("ann",))
    assert journal.customer_of(COOKIE) == COOKIE


def test_an_anonymous_visitor_becomes_known_by_the_interaction_that_names_both(journal: Journal) -> None:
    journal.append_interactions([seen("m1", COOKIE)])
    journal.append_interactions([seen("m2", "ann", MAIL, COOKIE, day=1)])
    assert journal.identity_of(COOKIE) == journal.identity_of("ann") == Identity("ann", tuple(sorted(("ann", MAIL, COOKIE))))
    assert facts(journal, "ann") == [("ann", MAIL, "link"), ("ann", COOKIE, "link")]


def test_what_is_linked_is_not_linked_again_and_what_was_unlinked_is(journal: Journal) -> None:
    journal.append_interactions([seen("m1", "ann", MAIL), seen("m2", "ann", MAIL, day=1)])
    journal.append_interactions([seen("m3", "ann", MAIL, day=2)])
    assert len(facts(journal, MAIL)) == 1
    journal.append_links([fact("ann", MAIL, action=LinkAction.UNLINK, day=3)])
    assert (journal.customer_of(MAIL), journal.identity_of("ann").identifiers) == (MAIL, ("ann",))
    journal.append_interactions([seen("m4", "ann", MAIL, day=4)])
    assert journal.customer_of(MAIL) == "ann" and len(facts(journal, MAIL)) == 3


def test_after_a_block_only_a_person_links_again(journal: Journal) -> None:
    journal.append_links([fact("ann", MAIL, day=0), fact("ann", MAIL, action=LinkAction.BLOCK, source=PERSON, day=1)])
    journal.append_interactions([seen("m1", "ann", MAIL, day=2), seen("m2", "ann", MAIL, day=3)])
    assert journal.customer_of(MAIL) == MAIL and len(facts(journal, MAIL)) == 2
    journal.append_links([fact("ann", MAIL, source=PERSON, day=4)])
    assert journal.customer_of(MAIL) == "ann"


def test_a_duplicate_links_nobody(journal: Journal) -> None:
    journal.append_interactions([seen("m1", "ann")])
    (receipt,) = journal.append_interactions([seen("m1", "ann", MAIL)])
    assert receipt.status == "conflict" and facts(journal, "ann") == []


def test_the_oldest_customer_id_stays_whichever_was_linked_first(journal: Journal) -> None:
    journal.append_interactions([seen("m1", "zoe", day=1), seen("m2", "bob", day=2), seen("m3", "amy", day=3)])
    journal.append_links([fact("amy", "bob", day=4)])
    assert journal.customer_of("amy") == "bob"
    journal.append_links([fact("amy", "zoe", day=5)])
    assert {journal.customer_of(each) for each in ("amy", "bob", "zoe")} == {"zoe"}


def test_since_when_somebody_is_known_can_be_said_once_and_is_never_revised(journal: Journal) -> None:
    journal.append_interactions([seen("m1", "ann", day=1), seen("m2", "bob", day=2)])
    journal.append_links([fact("ann", "bob", day=3)], since={"bob": AT - timedelta(days=900)})
    assert journal.customer_of("ann") == "bob"
    journal.append_links([fact("ann", MAIL, day=4)], since={"ann": AT - timedelta(days=9000)})
    assert journal.customer_of(MAIL) == "bob"


def test_an_unmerge_gives_each_their_own_back(journal: Journal) -> None:
    journal.append_interactions([seen("m1", "ann", MAIL, day=1), seen("m2", "bob", CARD, day=2)])
    journal.append_links([fact("ann", "bob", source=PERSON, day=3)])
    assert journal.identity_of(CARD).customer_id == "ann"
    journal.append_links([fact("ann", "bob", action=LinkAction.BLOCK, source=PERSON, day=4)])
    assert journal.identity_of(CARD) == Identity("bob", ("bob", CARD))
    assert journal.identity_of(MAIL) == Identity("ann", ("ann", MAIL))


def test_evidence_links_nobody_and_is_kept(journal: Journal) -> None:
    journal.append_interactions([seen("m1", "ann", IP, MAIL), seen("m2", "bob", IP, CARD)])
    assert journal.identity_of("ann").identifiers == ("ann", MAIL)
    assert journal.identity_of(IP) == Identity(IP, (IP,))
    assert len(facts(journal, IP)) == 2


def test_a_second_customer_makes_an_identifier_shared_for_everybody_behind_it(journal: Journal) -> None:
    journal.append_interactions([seen("m1", "ann", MAIL), seen("m2", MAIL, COOKIE, day=1)])
    assert journal.customer_of(COOKIE) == "ann"
    journal.append_interactions([seen("m3", "bob", MAIL, day=2)])
    assert [journal.customer_of(each) for each in ("ann", "bob", MAIL, COOKIE)] == ["ann", "bob", MAIL, COOKIE]


def test_what_a_crowd_shares_leads_nowhere_and_stops_nobody(journal: Journal) -> None:
    """A made-up address that a thousand customers gave: about each of them there is little to read."""
    crowd = [seen(f"m{i}", f"c{i}", MAIL, typed("cookie", f"crowd {i}")) for i in range(MOST_FACTS)]
    journal.append_interactions(crowd[:10])
    journal.append_interactions(crowd[10:])
    assert journal.customer_of(MAIL) == MAIL
    last = MOST_FACTS - 1
    assert journal.identity_of(typed("cookie", f"crowd {last}")).customer_id == f"c{last}"
    journal.append_interactions([seen("new", "ann", MAIL, CARD, COOKIE, day=1)])
    assert journal.identity_of("ann").identifiers == tuple(sorted(("ann", CARD, COOKIE)))


def test_who_has_too_many_facts_is_left_as_they_are(journal: Journal) -> None:
    many = [typed("cookie", f"{i}") for i in range(MOST_FACTS + 1)]
    journal.append_interactions([seen("m1", "robot", *many[:-1])])
    assert journal.customer_of(many[0]) == "robot"
    journal.append_interactions([seen("m2", "robot", many[-1]), seen("m3", "ann", MAIL)])
    assert (journal.customer_of(many[-1]), journal.customer_of(many[0])) == (many[-1], "robot")
    assert journal.customer_of(MAIL) == "ann", "what one has too much of keeps nobody else from being known"


def test_who_is_known_by_somebody_with_too_many_facts_is_left_as_they_are_too(journal: Journal) -> None:
    journal.append_interactions([seen("m1", "ann"), seen("m2", "robot", COOKIE, day=1)])
    journal.append_links([fact("ann", "robot", day=2, source=PERSON)])
    assert journal.customer_of(COOKIE) == "ann"
    journal.append_interactions([seen("m3", "robot", *(typed("cookie", f"r{i}") for i in range(MOST_FACTS)), day=3)])
    journal.append_interactions([seen("m4", MAIL, COOKIE, day=4)])
    assert journal.customer_of(COOKIE) == "ann", "robot's own link is not all there is to know of robot"


NOBODY_ELSE = KNOWN_TYPES | {"device": KNOWN_TYPES["device"].model_copy(update={"most_customers": 2})}
PEOPLE = ["ann", "bob", "cem", *(typed(type_, value) for type_ in ("email", "device", "cookie", "ip") for value in "12")]
SAID = st.tuples(
    st.sampled_from(PEOPLE), st.sampled_from(PEOPLE), st.sampled_from(list(LinkAction)), st.sampled_from(["crm", PERSON])
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(st.lists(SAID, min_size=1, max_size=4), max_size=8))
def test_step_by_step_gives_what_all_facts_together_give(
    tmp_path: Path, said: Sequence[Sequence[tuple[str, str, LinkAction, str]]]
) -> None:
    journal = Journal(f"sqlite:///{tmp_path / uuid4().hex}", types=NOBODY_ELSE)
    journal.create()
    every: list[Link] = []
    since = {each: AT - timedelta(days=number) for number, each in enumerate(PEOPLE)}
    for step, together in enumerate(said):
        batch = [
            fact(one, other, action=action, source=source, day=step + number / 100)
            for number, (one, other, action, source) in enumerate(together)
            if one != other
        ]
        journal.append_links(batch, since=since)
        every += batch
        expected = resolve(every, types=NOBODY_ELSE, since=since)
        assert {each: journal.customer_of(each) for each in expected} == expected
    journal.close()


def test_what_was_found_over_the_lake_is_brought_once_and_heeds_what_came_meanwhile(journal: Journal) -> None:
    old = AT - timedelta(days=400)
    links = [fact("ann", MAIL, day=-400), fact("bob", CARD, day=-300)]
    assert (journal.bring_links(links), journal.bring_links(iter(links))) == (2, 0)
    assert journal.customer_of(MAIL) == MAIL
    rows = [("ann", "ann", old), (MAIL, "ann", old), ("bob", "bob", old), (CARD, "bob", old)]
    assert (journal.bring_identities(rows, after=2), journal.bring_identities(iter(rows), after=2)) == (4, 0)
    assert (journal.customer_of(MAIL), journal.customer_of(CARD)) == ("ann", "bob")
    journal.append_interactions([seen("m1", "bob", COOKIE)])
    journal.append_links([fact("ann", "bob", day=1, source=PERSON)])
    assert journal.customer_of(CARD) == "ann", "a new fact goes with those that were brought"
    assert journal.bring_identities(rows, after=2) == 2
    assert {journal.customer_of(each) for each in (MAIL, CARD, COOKIE)} == {"ann"}, "nobody ever sees what the lake did not know"
    assert journal.bring_identities(rows, after=99) == 2 and journal.customer_of(CARD) == "bob"
    journal.identify_again(after=0, since=AT + timedelta(days=99))
    assert {journal.customer_of(each) for each in (MAIL, CARD, COOKIE)} == {"ann"}
    assert [link for _, link in journal.rows_after("links", 0, 10)] == journal.links_of(["ann", COOKIE])[-2:], "the lake has them"


def decision(decision_id: str, customer_id: str = "ann", touchpoint: str = "mail.a") -> RecordedDecision:
    return RecordedDecision(
        decision_id=decision_id,
        customer_id=customer_id,
        touchpoint=touchpoint,
        at=AT,
        request_hash="q",
        record="{}",
        candidates=("none", "mail.a"),
        probability=0.5,
    )


def test_contacts_of_all_identifiers_count_for_a_decision(journal: Journal) -> None:
    journal.append_interactions([seen("m1", "ann", MAIL), seen("m2", MAIL, kind=Kind.CONTACT)])
    who = journal.identity_of("ann").identifiers
    seen_before = journal.contacts_of(who, AT).seen
    assert seen_before == 1
    journal.append_interactions([seen("m3", MAIL, kind=Kind.CONTACT, day=1)])
    assert not journal.append_decision(decision("d1"), contacts_seen=seen_before, identifiers=who)
    assert journal.append_decision(decision("d1"), contacts_seen=2, identifiers=who)
    touchpoints = [contact.touchpoint for contact in journal.contacts_of(who, AT).contacts]
    assert touchpoints == ["web.page", "mail.a", "web.page"]
    assert [each.decision_id for each in journal.decisions_of([MAIL, "ann"], 5)] == ["d1"]


def test_a_decision_is_taken_again_when_the_customer_became_another(journal: Journal) -> None:
    who = journal.identity_of("ann").identifiers
    journal.append_interactions([seen("m1", "ann", MAIL)])
    assert not journal.append_decision(decision("d1"), contacts_seen=None, identifiers=who)
    assert journal.append_decision(decision("d1"), contacts_seen=None, identifiers=journal.identity_of("ann").identifiers)
    merged = journal.identity_of("ann").identifiers
    journal.append_links([fact("ann", "abe", day=9)], since={"abe": AT - timedelta(days=1)})
    assert journal.customer_of("ann") == "abe"
    assert not journal.append_decision(decision("d2"), contacts_seen=None, identifiers=merged)


def test_a_decision_and_the_contact_that_carries_it_out_at_another_identifier_count_once(journal: Journal) -> None:
    journal.append_interactions([seen("m1", "ann", MAIL)])
    who = journal.identity_of(MAIL)
    assert journal.append_decision(decision("d1", who.customer_id, "web.page"), contacts_seen=0, identifiers=who.identifiers)
    sent = replace(seen("m2", MAIL, kind=Kind.CONTACT, day=1), decision_id="d1")
    another = replace(sent, message_id="m3", customer_id="bob")
    login = replace(sent, message_id="m4", customer_id="eve", identifiers=(CARD,))
    journal.append_interactions([sent, another, login])
    assert [journal.contacts_of([each], AT).seen for each in ("ann", MAIL, "bob", "eve")] == [1, 0, 1, 1]
    assert journal.append_decision(decision("d2", COOKIE, "web.page"), contacts_seen=0, identifiers=[COOKIE])
    at_login = replace(seen("m5", "zoe", COOKIE, kind=Kind.CONTACT, day=2), decision_id="d2")
    journal.append_interactions([at_login])
    assert journal.contacts_of(["zoe", COOKIE], AT).seen == 1, "the contact itself says whose the cookie is"


def test_tails_of_several_identifiers_each_begin_behind_their_own_position(journal: Journal) -> None:
    journal.append_interactions([seen(f"m{i}", ("ann", MAIL, "bob")[i % 3]) for i in range(9)])
    tails = journal.interactions_after_each({"ann": 4, MAIL: 0, "nobody": 0})
    assert {identifier: [position for position, _ in tail] for identifier, tail in tails.items()} == {
        "ann": [7],
        MAIL: [2, 5, 8],
        "nobody": [],
    }
    assert journal.interactions_after_each({}) == {}
    assert [each.message_id for each in journal.interactions_of(["ann", MAIL], 3)] == ["m7", "m6", "m4"]


def test_many_tails_are_read_at_once(journal: Journal) -> None:
    journal.append_interactions([seen(f"m{i}", f"c{i}") for i in range(250)])
    tails = journal.interactions_after_each({f"c{i}": 0 for i in range(250)})
    assert [tails[f"c{i}"][0][0] for i in range(250)] == list(range(1, 251))


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_an_interaction_without_identifiers_reads_and_writes_no_links(journal: Journal) -> None:
    statements: list[str] = []
    event.listen(journal._database.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    journal.append_interactions([seen("m1", "ann")])
    assert [each.split()[0] for each in statements] == ["SELECT", "SELECT", "INSERT", "SELECT"]
    assert not [each for each in statements if "links" in each or "identities" in each]
