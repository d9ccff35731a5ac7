"""A journal of an earlier version becomes what it would be had it been made today."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, text

from features.domain import Contact, Interaction, Kind, Outcome
from features.journal import Contacts, Journal, RecordedDecision

AT = datetime(2026, 3, 1, tzinfo=UTC)
EARLIER = (
    "DROP TABLE volumes",
    "DROP TABLE catalogues",
    "DELETE FROM contacts WHERE kind IS NOT NULL",
    "ALTER TABLE contacts DROP COLUMN kind",
    "DROP INDEX decisions_at",
    "ALTER TABLE decisions DROP COLUMN deferred",
)


def interaction(message_id: str, kind: Kind) -> Interaction:
    given = {"customer_id": "ann", "touchpoint": "mail.a", "kind": kind, "at": AT, "received_at": AT, "source": "shop"}
    return Interaction(message_id=message_id, **given)  # type: ignore[arg-type]


@pytest.fixture
def make_earlier(url: str) -> Callable[[], None]:
    """Takes away what an earlier version did not have."""

    def make() -> None:
        engine = create_engine(url)
        with engine.begin() as connection:
            for statement in EARLIER:
                connection.execute(text(statement))
        engine.dispose()

    return make


def test_what_the_new_columns_and_tables_would_hold_is_filled_in_once(journal: Journal, make_earlier: Callable[[], None]) -> None:
    recorded = RecordedDecision(
        decision_id="d1",
        customer_id="ann",
        touchpoint="mail.b",
        at=AT,
        request_hash="q",
        record="{}",
        candidates=("none", "mail.b"),
        probability=0.5,
    )
    journal.append_decision(recorded, contacts_seen=None)
    journal.append_interactions([interaction("m1", Kind.CONTACT), interaction("m2", Kind.OPEN), interaction("m3", Kind.VIEW)])
    journal.append_outcomes(
        [Outcome(message_id="m2", decision_id="d1", kind=Kind.CLICK, at=AT, received_at=AT, source="shop", value=None)]
    )
    before = journal.contacts_of(["ann"], AT)
    answers = (Contact("mail.a", AT, Kind.OPEN), Contact("mail.b", AT, Kind.CLICK))
    assert before == Contacts(4, (Contact("mail.b", AT), Contact("mail.a", AT)), answers)
    journal.close()
    make_earlier()
    for _ in range(2):
        journal.create()
        assert journal.contacts_of(["ann"], AT) == before
        assert journal.volume({"mail.a": 1, "mail.b": 10}, AT, AT + timedelta(minutes=1)) == 11
    assert journal.decision("d1") == recorded
    assert list(journal.decisions_since(AT)) == [recorded]
