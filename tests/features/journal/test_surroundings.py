"""What a decision needs of the journal, asked at once, is what the single questions answer."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.domain import Consent, ConsentStatus, Interaction, Kind
from features.journal import Contacts, Journal, Surroundings

AT = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = ("ann", "bob", "cookie:7", "d'oe%s", "zoë")
MANY = [f"c{number}" for number in range(700)]


def interaction(number: int, name: str, kind: Kind, minutes: int, *, full: bool) -> Interaction:
    at = AT + timedelta(minutes=minutes)
    plain = Interaction(
        message_id=f"m{number}", customer_id=name, touchpoint="mail.a", kind=kind, at=at, received_at=at, source="shop"
    )
    if not full:
        return plain
    told = {name: getattr(plain, name) for name in plain.__slots__}
    return Interaction(**told | {"value": 2.5, "sentiment": -0.5, "properties": {"page": "/a"}, "traits": {"tier": "gold"}})


def consent(message_id: str, name: str, minutes: int) -> Consent:
    at = AT + timedelta(minutes=minutes)
    return Consent(message_id=message_id, customer_id=name, status=ConsentStatus.DENIED, at=at, received_at=at, source="shop")


EXAMPLES = count()
minutes = st.integers(-100, 100)
told = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from([Kind.VIEW, Kind.CONTACT, Kind.CLICK]), minutes, st.booleans()))
said = st.lists(st.tuples(st.sampled_from(NAMES), minutes), max_size=5)
asked = st.dictionaries(st.sampled_from((*NAMES, "nobody")), st.integers(0, 30))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=told, said=said, positions=asked, since=minutes, gone=st.sets(st.integers(1, 9)))
def test_they_are_what_the_three_questions_answer(journal: Journal, told, said, positions, since, gone) -> None:  # type: ignore[no-untyped-def]
    head, moment, example = journal.head(), AT + timedelta(minutes=since), next(EXAMPLES)

    def here(name: str) -> str:
        return f"{name} {example}"  # the journal keeps what earlier examples said

    sent = [interaction(head + i, here(each[0]), *each[1:3], full=each[3]) for i, each in enumerate(told, start=1)]
    journal.append_interactions(sent)
    journal.append_consents([consent(f"k{example} {i}", here(name), at) for i, (name, at) in enumerate(said)])
    journal.supersede("interactions", [head + each for each in gone], refused=[])
    behind = {here(name): head + position for name, position in positions.items()}
    found = journal.surroundings(behind, since=moment)
    assert found == Surroundings(
        newer=journal.interactions_after_each(behind),
        contacts=journal.contacts_of(list(behind), moment),
        consents=journal.consents_of(list(behind)),
    )
    placed = [(head + i, each) for i, each in enumerate(sent, start=1) if each.customer_id in behind]
    assert found.newer == {
        name: [each for each in placed if each[1].customer_id == name and each[0] > position and each[0] - head not in gone]
        for name, position in behind.items()
    }
    assert found.contacts.seen == sum(each.kind != Kind.VIEW for _, each in placed)
    assert len(found.consents) == sum(here(name) in behind for name, _ in said)


def test_of_nobody_there_is_nothing(journal: Journal) -> None:
    assert journal.surroundings({}, since=AT) == Surroundings(newer={}, contacts=Contacts(0, (), ()), consents=[])


@pytest.mark.parametrize("count", [1, 3, 129, 700])
def test_however_many_identifiers_each_counts_once(journal: Journal, count: int) -> None:
    kinds = (Kind.CONTACT, Kind.CLICK)
    journal.append_interactions([interaction(i, name, kinds[i % 2], i % 50, full=False) for i, name in enumerate(MANY)])
    journal.append_consents([consent(f"k{i}", name, i % 50) for i, name in enumerate(MANY)])
    found = journal.surroundings(dict.fromkeys(MANY[:count], 0), since=AT)
    assert [len(kept) for kept in found.newer.values()] == [1] * count
    assert found.contacts.seen == len(found.contacts.contacts) + len(found.contacts.answers) == count
    assert [each.at for each in found.contacts.contacts] == sorted(each.at for each in found.contacts.contacts)
    assert len(found.consents) == count
