"""Contacts that arrived in files count for caps like those of the service."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from features.catalogue.identifiers import KNOWN_TYPES
from features.contacts import bring_contacts
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
    assert found.touchpoints == ("mail.a",) and found.times == (NOW - timedelta(days=3),)


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
