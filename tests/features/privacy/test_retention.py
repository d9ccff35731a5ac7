import json
from datetime import UTC, datetime, timedelta

import pytest

from features.catalogue import parse_catalogue
from features.compaction import compact
from features.contacts import bring_contacts
from features.domain import EARLIEST, ConsentStatus, Kind
from features.identity import Members
from features.privacy.retention import apply_retention
from features.privacy.scan import places_holding

AT = datetime(2024, 5, 1, 12, tzinfo=UTC)
NOW = AT + timedelta(days=30)
ANN = "ann-4711"


def retain(home, *, now=NOW, **days):
    touchpoints = [{"name": "web.page", "stage": "purchase"}]
    sources = {name: {"retention_days": kept} for name, kept in days.items()} | {"other": {"quiet_hours": 1}}
    catalogue = parse_catalogue({"touchpoints": touchpoints, "sources": sources})
    places = home.places
    return apply_retention(places.lake, places.journal, places.store, catalogue=catalogue, now=now, on_progress=lambda line: None)


@pytest.fixture
def home(tmp_path, open_at):
    """Of the source shop one interaction a day for four days, all compacted but the last; of crm one in a file."""
    home = open_at(tmp_path / "home")
    posted = [home.interaction(f"m{day}", ANN, days=day, kind=Kind.CONTACT) for day in range(4)]
    home.journal.append_interactions(posted[:3])
    compact(home.journal, home.lake, batch=10)
    home.journal.append_interactions(posted[3:])
    row = {"touchpoint": "web.page", "channel": "web", "customer_id": ANN}
    home.from_file(home.lake, "interactions", row | {"message_id": "f1", "kind": "view"})
    return home


def journal_ids(home, table="interactions"):
    key = {"interactions": "message_id", "quarantine": "raw"}[table]
    return [getattr(record, key) for _, record in home.journal.rows_after(table, 0, 100)]


def test_what_is_older_than_its_source_allows_goes_and_all_else_stays(home):
    report = retain(home, shop=29)
    # the limit is a day after the first: m0 goes, m1 is exactly as old as is allowed
    assert report.before == {"shop": AT + timedelta(days=1)}
    assert report.removed == {"journal.interactions": 1, "journal.contacts": 1, "lake.interactions": 1}
    assert home.rows("interactions", "message_id") == ["f1", "m1", "m2"]
    assert journal_ids(home) == ["m1", "m2", "m3"]
    assert places_holding(home.path, ["m0"]) == []


def test_age_counts_from_when_a_record_was_received(home):
    row = {"touchpoint": "web.page", "channel": "web", "kind": "view", "customer_id": ANN, "at": AT - timedelta(days=900)}
    home.from_file(home.lake, "interactions", row | {"message_id": "late", "received_at": NOW})
    retain(home, crm=10)
    assert home.rows("interactions", "message_id") == ["late", "m0", "m1", "m2"]


def test_what_no_compaction_has_moved_yet_stays_in_the_journal_until_one_has(home):
    retain(home, shop=1)
    assert home.rows("interactions", "message_id") == ["f1"] and journal_ids(home) == ["m3"]
    assert compact(home.journal, home.lake, batch=10).moved["interactions"] == 1
    retain(home, shop=1)
    assert home.rows("interactions", "message_id") == ["f1"] and journal_ids(home) == []
    assert compact(home.journal, home.lake, batch=10).moved["interactions"] == 0


def test_contacts_that_files_brought_go_with_their_records(home):
    row = {"touchpoint": "web.page", "channel": "web", "kind": "contact", "customer_id": ANN}
    home.from_file(home.lake, "interactions", row | {"message_id": "f2"})
    home.journal.add_contacts([("f2", ANN, "web.page", AT)])
    assert retain(home, crm=10).removed == {"journal.contacts": 1, "lake.interactions": 2}
    assert len(home.journal.contacts_of([ANN], AT).contacts) == 4


def test_answers_go_with_the_records_that_told_of_them(home):
    home.journal.append_decision(home.decision("d1"), contacts_seen=None)
    home.journal.append_outcomes([home.outcome("o1", "d1")])
    compact(home.journal, home.lake, batch=10)
    row = {"touchpoint": "web.page", "channel": "web", "customer_id": ANN}
    home.from_file(home.lake, "interactions", row | {"message_id": "f2", "kind": "click"})
    home.from_file(home.lake, "outcomes", {"message_id": "f3", "decision_id": "d1", "kind": "click"})
    assert bring_contacts(home.lake, home.journal, since=EARLIEST, members=Members.load(home.settings.identity_path)) == 0
    assert sorted(each.kind for each in home.journal.contacts_of([ANN], AT).answers) == ["click", "click", "purchase"]
    retain(home, crm=10)
    assert [each.kind for each in home.journal.contacts_of([ANN], AT).answers] == ["purchase"]
    retain(home, shop=10)
    assert home.journal.contacts_of([ANN], AT).answers == ()
    assert [each.touchpoint for each in home.journal.contacts_of([ANN], AT).contacts] == ["mail.offer"]


def test_a_refusal_outlives_its_record_and_a_grant_does_not(home):
    home.journal.append_consents([home.consent("c1", ANN), home.consent("c2", ANN, status="denied")])
    compact(home.journal, home.lake, batch=10)
    row = {"touchpoint": "email.list", "channel": "email", "kind": "unsubscribe", "customer_id": ANN}
    home.from_file(home.lake, "interactions", row | {"message_id": "f2"})
    removed = retain(home, shop=1, crm=1).removed
    assert (removed["lake.consents"], removed["journal.consents"]) == (1, 1)
    compact(home.journal, home.lake, batch=10)
    left = sorted(each.status for each in home.journal.consents_of([ANN]))
    assert left == [ConsentStatus.DENIED, ConsentStatus.WITHDRAWN] == home.rows("consents", "status")


def test_refused_records_and_outcomes_and_imported_decisions_go_too(home):
    for day in (0, 20):
        home.journal.quarantine("shop", "bad", json.dumps({"day": day}), received_at=AT + timedelta(days=day))
    home.journal.append_outcomes([home.outcome("o1", "d1")])
    compact(home.journal, home.lake, batch=10)
    home.from_file(
        home.lake, "decisions", {"decision_id": "d1", "customer_id": ANN, "touchpoint": "mail.offer", "source": "shop"}
    )
    removed = retain(home, shop=15).removed
    assert [removed[f"lake.{table}"] for table in ("decisions", "outcomes", "quarantine")] == [1, 1, 1]
    assert journal_ids(home, "quarantine") == ['{"day": 20}'] and home.rows("outcomes", "message_id") == []


def test_without_a_limit_nothing_is_touched_and_a_second_run_finds_nothing(home):
    version = home.lake.version("interactions")
    assert retain(home).removed == {} and home.lake.version("interactions") == version
    retain(home, shop=1)
    version = home.lake.version("interactions")
    assert retain(home, shop=1).removed == {} and home.lake.version("interactions") == version
