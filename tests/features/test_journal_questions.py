"""What the journal answers: in order, whole, and however many identifiers a customer has."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from features.domain import PERSON, Consent, ConsentStatus, Interaction, Kind, LinkAction
from features.identity import link_of
from features.journal import Journal, RecordedDecision

AT = datetime(2026, 3, 1, tzinfo=UTC)
CROWD = [f"c{number:04}" for number in range(1234)]
"""More than one statement binds."""


def decision(number: int, *, customer_id: str = "ann", days: float = 0) -> RecordedDecision:
    return RecordedDecision(
        decision_id=f"d{number}",
        customer_id=customer_id,
        touchpoint="mail.a",
        at=AT + timedelta(days=days),
        request_hash="q",
        record="{}",
        candidates=("none", "mail.a"),
        probability=0.5,
    )


def ids(journal: Journal, since: datetime, *, limit: int = 1000, after_position: int = 0) -> list[str]:
    found = journal.decisions_since(since, limit=limit, after_position=after_position)
    return [each.decision_id for each in found]


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_decisions_since_a_time_come_in_the_order_in_which_they_were_recorded(journal: Journal, limit: int) -> None:
    for number, days in enumerate((0, 5, 3, 1, 4)):
        journal.append_decision(decision(number, days=days), contacts_seen=None)
    assert ids(journal, AT + timedelta(days=3), limit=limit) == ["d1", "d2", "d4"]
    assert ids(journal, AT, limit=limit) == ["d0", "d1", "d2", "d3", "d4"]
    assert ids(journal, AT, limit=limit, after_position=3) == ["d3", "d4"]
    assert ids(journal, AT + timedelta(days=6), limit=limit) == []


def test_decisions_that_are_recorded_while_one_reads_come_too_and_superseded_ones_never(journal: Journal) -> None:
    for number in range(3):
        journal.append_decision(decision(number), contacts_seen=None)
    journal.supersede("decisions", [2], refused=[])
    found = journal.decisions_since(AT, limit=1)
    assert next(found).decision_id == "d0"
    journal.append_decision(decision(3), contacts_seen=None)
    assert [each.decision_id for each in found] == ["d2", "d3"]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_where_decisions_since_a_time_begin_is_told_by_an_index_alone(journal: Journal) -> None:
    asked: list[tuple[str, tuple[int, ...]]] = []
    event.listen(journal._database.engine, "before_cursor_execute", lambda *call: asked.append(call[2:4]))
    assert list(journal.decisions_since(AT)) == []
    with journal._database.reading() as connection:
        ((*_, plan),) = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[0][0]}", asked[0][1]).all()
    assert "USING COVERING INDEX decisions_at (at>?)" in plan


def test_the_first_catalogue_of_a_version_is_kept(journal: Journal) -> None:
    assert journal.catalogue("abc") is None
    for content in ('{"caps": []}', "another"):
        journal.keep_catalogue("abc", content, AT)
    assert journal.catalogue("abc") == '{"caps": []}'


def test_of_very_many_identifiers_all_is_found_in_its_order(journal: Journal) -> None:
    at = [AT + timedelta(minutes=number * 7 % 1234) for number in range(len(CROWD))]
    journal.append_interactions(
        [
            Interaction(
                message_id=f"m{who}", customer_id=who, touchpoint="mail.a", kind=Kind.CONTACT, at=when, received_at=AT, source="s"
            )
            for who, when in zip(reversed(CROWD), at, strict=True)
        ]
    )
    status = ConsentStatus.GRANTED
    journal.append_consents(
        [
            Consent(message_id=f"s{who}", customer_id=who, status=status, at=when, received_at=AT, source="s")
            for who, when in zip(reversed(CROWD), at, strict=True)
        ]
    )
    found = journal.contacts_of(CROWD, AT)
    assert found.seen == len(found.contacts) == len(CROWD)
    assert [contact.at for contact in found.contacts] == sorted(at)
    assert [each.at for each in journal.consents_of(CROWD)] == sorted(at)
    assert [each.customer_id for each in journal.interactions_of(CROWD, 3)] == CROWD[:3]
    assert journal.append_decision(decision(0, customer_id=CROWD[-1]), contacts_seen=1, consents_seen=1), (
        "without identifiers only the customer's own count"
    )
    journal.append_decision(decision(1, customer_id=CROWD[0]), contacts_seen=None)
    assert [each.decision_id for each in journal.decisions_of(CROWD, 9)] == ["d1", "d0"]
    assert [each.decision_id for each in journal.decisions_of(CROWD, 1)] == ["d1"]


def test_a_fact_between_two_of_very_many_identifiers_is_told_once(journal: Journal) -> None:
    def fact(one: str, other: str) -> object:
        return link_of(one, other, LinkAction.BLOCK, at=AT, received_at=AT, source=PERSON, message_id="said")

    facts = [fact(CROWD[-1], CROWD[0]), fact(CROWD[3], CROWD[2])]
    journal.append_links(facts)  # type: ignore[arg-type]
    assert journal.links_of(CROWD) == facts


def test_no_statement_binds_more_values_than_any_database_takes(journal: Journal) -> None:
    bound: list[int] = []
    event.listen(journal._database.engine, "before_cursor_execute", lambda *call: bound.append(len(call[3] or ())))
    journal.contacts_of(CROWD, AT)
    journal.consents_of(CROWD)
    journal.links_of(CROWD)
    journal.decisions_of(CROWD, 5)
    journal.interactions_of(CROWD, 5)
    journal.append_decision(decision(1), contacts_seen=0, consents_seen=0)
    assert 500 < max(bound) <= 1002
