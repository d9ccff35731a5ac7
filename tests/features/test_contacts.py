"""Contacts and answers that arrived in files count for rules like those of the service."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from features.catalogue import parse_catalogue
from features.catalogue.identifiers import KNOWN_TYPES
from features.compaction import compact
from features.contacts import bring_contacts, looks_back
from features.domain import Contact, Interaction, Kind
from features.identity import Members, identify
from features.journal import Journal, RecordedDecision
from features.lake import SCHEMAS, Lake

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def _row(message_id: str, *, days_ago: float, kind: str = "contact", decision_id: str | None = None) -> dict[str, object]:
    at = NOW - timedelta(days=days_ago)
    named = {"message_id": message_id, "customer_id": "ann", "touchpoint": "mail.a", "channel": "mail", "kind": kind}
    return {**named, "at": at, "received_at": at, "decision_id": decision_id, "source": "test"}


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    journal = Journal(f"sqlite:///{tmp_path / 'journal.db'}")
    journal.create()
    return journal


def test_recent_contacts_of_files_are_brought_once_and_older_or_other_ones_never(tmp_path: Path, journal: Journal) -> None:
    lake = Lake(tmp_path / "lake")
    rows = [_row("a", days_ago=3), _row("b", days_ago=40), _row("c", days_ago=3, kind="purchase")]
    lake.append("interactions", pa.Table.from_pylist(rows, schema=SCHEMAS["interactions"]))
    assert bring_contacts(lake, journal, since=NOW - timedelta(days=28), members=Members.load(tmp_path)) == 1
    assert bring_contacts(lake, journal, since=NOW - timedelta(days=28), members=Members.load(tmp_path)) == 0
    found = journal.contacts_of(["ann"], since=NOW - timedelta(days=28))
    assert found.contacts == (Contact("mail.a", NOW - timedelta(days=3)),)
    assert found.answers == (Contact("mail.a", NOW - timedelta(days=3), Kind.PURCHASE),)


def test_a_contact_that_carries_out_a_decision_of_the_service_counts_once(tmp_path: Path, journal: Journal) -> None:
    lake = Lake(tmp_path / "lake")
    contact = [
        _row("sent", days_ago=1, decision_id="d1"),
        _row("other", days_ago=1, decision_id="of another system"),
        _row("named", days_ago=1, decision_id="d1") | {"customer_id": "bob"},
    ]
    lake.append("interactions", pa.Table.from_pylist(contact, schema=SCHEMAS["interactions"]))
    decided = {"decision_id": "d1", "customer_id": "ann", "touchpoint": "mail.a", "at": NOW, "record": "{}", "probability": 1.0}
    lake.append("decisions", pa.Table.from_pylist([decided], schema=SCHEMAS["decisions"]))
    journal.append_decision(
        RecordedDecision(
            decision_id="d1",
            customer_id="ann",
            touchpoint="mail.a",
            at=NOW - timedelta(days=1),
            request_hash="h",
            record="{}",
            candidates=("none", "mail.a"),
            probability=1.0,
        ),
        contacts_seen=None,
    )
    assert bring_contacts(lake, journal, since=NOW - timedelta(days=28), members=Members.load(tmp_path)) == 2
    assert journal.contacts_of(["ann"], since=NOW - timedelta(days=28)).seen == 2
    assert journal.contacts_of(["bob"], since=NOW - timedelta(days=28)).seen == 1


def test_a_contact_at_another_identifier_of_the_customer_carries_out_the_decision_as_well(
    tmp_path: Path, journal: Journal
) -> None:
    lake, mail = Lake(tmp_path / "lake"), f"email:{'0' * 32}"
    contact = _row("sent", days_ago=1, decision_id="d1") | {"customer_id": mail}
    lake.append("interactions", pa.Table.from_pylist([contact], schema=SCHEMAS["interactions"]))
    decided = {"decision_id": "d1", "customer_id": "ann", "touchpoint": "mail.a", "at": NOW, "record": "{}", "probability": 1.0}
    lake.append("decisions", pa.Table.from_pylist([decided], schema=SCHEMAS["decisions"]))
    link = {"link_id": "1", "left": "ann", "right": mail, "action": "link", "at": NOW, "received_at": NOW, "source": "crm"}
    lake.append("links", pa.Table.from_pylist([link], schema=SCHEMAS["links"]))
    since, members = NOW - timedelta(days=28), Members.load(tmp_path)
    identify(lake, types=KNOWN_TYPES, folder=tmp_path, now=NOW, on_progress=lambda message: None)
    assert bring_contacts(lake, journal, since=since, members=members) == 0
    assert bring_contacts(lake, journal, since=since, members=Members.load(tmp_path / "nobody is linked")) == 1


SINCE = NOW - timedelta(days=28)


def _decision(decision_id: str, *, deferred: bool) -> RecordedDecision:
    return RecordedDecision(
        decision_id=decision_id,
        customer_id="ann",
        touchpoint="mail.a",
        at=NOW - timedelta(days=2),
        request_hash="h",
        record=json.dumps({"deferred": deferred}),
        candidates=("none", "mail.a"),
        probability=1.0,
        deferred=deferred,
    )


def _outcome(message_id: str, kind: str, *, decision_id: str, days_ago: float = 1) -> dict[str, object]:
    at = NOW - timedelta(days=days_ago)
    return {"message_id": message_id, "decision_id": decision_id, "kind": kind, "at": at, "received_at": at, "source": "test"}


@pytest.mark.parametrize("is_compacted", [True, False])
def test_a_file_may_tell_that_decisions_were_carried_out_before_or_after_the_lake_knows_them(
    tmp_path: Path, journal: Journal, is_compacted: bool
) -> None:
    lake = Lake(tmp_path / "lake")
    for deferred in (True, False):
        assert journal.append_decision(_decision(f"deferred {deferred}", deferred=deferred), contacts_seen=None)
    if is_compacted:
        compact(journal, lake, batch=9)
    sent = [_row(f"{copy} {name}", days_ago=1, decision_id=f"deferred {name}") for name in (True, False) for copy in "ab"]
    lake.append("interactions", pa.Table.from_pylist(sent, schema=SCHEMAS["interactions"]))
    brought = [bring_contacts(lake, journal, since=SINCE, members=Members.load(tmp_path)) for _ in range(2)]
    assert brought == [1, 0]
    found = journal.contacts_of(["ann"], SINCE).contacts
    assert found == (Contact("mail.a", NOW - timedelta(days=2)), Contact("mail.a", NOW - timedelta(days=1)))
    assert journal.volume({"mail.a": 1}, SINCE, NOW) == 2


def test_outcomes_in_files_tell_of_contacts_and_answers_to_decisions(tmp_path: Path, journal: Journal) -> None:
    lake = Lake(tmp_path / "lake")
    for deferred in (True, False):
        journal.append_decision(_decision(f"deferred {deferred}", deferred=deferred), contacts_seen=None)
    compact(journal, lake, batch=9)
    told = [
        _outcome(f"{kind} {name}", kind, decision_id=f"deferred {name}")
        for name in (True, False)
        for kind in ("contact", "click")
    ]
    told += [_outcome("old", "click", decision_id="deferred True", days_ago=40), _outcome("x", "click", decision_id="unknown")]
    lake.append("outcomes", pa.Table.from_pylist(told, schema=SCHEMAS["outcomes"]))
    brought = [bring_contacts(lake, journal, since=SINCE, members=Members.load(tmp_path)) for _ in range(2)]
    assert brought == [1, 0]
    found, click = journal.contacts_of(["ann"], SINCE), Contact("mail.a", NOW - timedelta(days=1), Kind.CLICK)
    assert (len(found.contacts), found.answers) == (2, (click, click))


def test_what_was_posted_and_is_in_a_file_too_counts_once(tmp_path: Path, journal: Journal) -> None:
    lake, at = Lake(tmp_path / "lake"), NOW - timedelta(days=3)
    named = {"customer_id": "ann", "touchpoint": "mail.a", "at": at, "received_at": at, "source": "test"}
    kinds = {"a": Kind.CONTACT, "b": Kind.CLICK}
    journal.append_interactions([Interaction(message_id=name, kind=kind, **named) for name, kind in kinds.items()])  # type: ignore[arg-type]
    rows = [_row(name, days_ago=3, kind=kind) for name, kind in kinds.items()]
    lake.append("interactions", pa.Table.from_pylist(rows, schema=SCHEMAS["interactions"]))
    assert bring_contacts(lake, journal, since=SINCE, members=Members.load(tmp_path)) == 0
    assert journal.contacts_of(["ann"], SINCE).seen == 2 and journal.volume({"mail.a": 1}, SINCE, NOW) == 1


@pytest.mark.parametrize(
    ("rules", "days"),
    [
        ({}, 0),
        ({"caps": [{"limit": 3, "days": 7}, {"limit": 1, "days": 2}]}, 7),
        ({"caps": [{"limit": 3, "days": 7}], "cooldowns": [{"hours": 180}]}, 7.5),
        ({"caps": [{"limit": 3, "days": 7}], "suppressions": [{"ignored": 2, "within_days": 6, "days": 4}]}, 10),
        ({"exclusions": [{"touchpoints": ["mail.a", "mail.b"], "days": 30}]}, 30),
    ],
)
def test_contacts_are_heeded_as_long_as_the_rule_that_looks_back_farthest(rules: dict[str, object], days: float) -> None:
    touchpoints = [{"name": name, "stage": "purchase"} for name in ("mail.a", "mail.b")]
    assert looks_back(parse_catalogue({"touchpoints": touchpoints, **rules})) == timedelta(days=days)
