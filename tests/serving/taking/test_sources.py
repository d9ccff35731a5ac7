"""Other systems' records over HTTP: what is posted and what stands in their nightly files is the same."""

import base64
import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.capture import ingest
from features.capture.preset import load_source
from features.lake import Lake

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
MAIL, ANONYMOUS = "Eve.Clear@Example.org", "anonymous-clear-1"
VIEWED = {
    "type": "track",
    "event": "Product Viewed",
    "anonymousId": ANONYMOUS,
    "messageId": "s1",
    "timestamp": "2026-01-31T11:59:00.000Z",
    "properties": {"product_id": "p1", "price": 12.5},
}
IDENTIFIED = {
    "type": "identify",
    "anonymousId": ANONYMOUS,
    "userId": "eve",
    "messageId": "s2",
    "timestamp": "2026-01-31T11:59:30.000Z",
    "traits": {"email": MAIL},
}
POS = """
name = "pos"

[[interactions]]
message_id = "receipt"
customer_id = "client"
identifiers = { loyalty_card = "card" }
touchpoint = { constant = "store.checkout" }
kind = { constant = "purchase" }
at = "time"
value = "total"
"""
SALE = {"receipt": "r1", "client": "eve", "card": "card-clear-1", "time": "2026-01-30T10:00:00Z", "total": "12.50"}


@pytest.fixture
def segment(with_rules: Callable[..., Any]) -> Any:
    return with_rules(keys='presets = ["segment", "cloudevents"]')


def kept(client: Any, table: str = "interactions") -> list[Any]:
    return [record for _, record in client.bench.workspace.journal.rows_after(table, 0, 100)]


def test_a_batch_of_an_sdk_is_taken_event_by_event(segment: Any) -> None:
    body = {"batch": [VIEWED, IDENTIFIED], "sentAt": "2026-01-31T12:00:00.000Z", "context": {"library": {"name": "python"}}}
    answer = segment.post("/v1/batch", body)
    assert (answer.status_code, answer.json()["success"]) == (200, True)
    assert [(one["message_id"], one["status"]) for one in answer.json()["results"]] == [("s1", "accepted"), ("s2", "accepted")]
    viewed, identified = kept(segment)
    assert (viewed.message_id, viewed.touchpoint, viewed.kind, viewed.at) == (
        "segment:s1",
        "web.product_page",
        "view",
        NOW - timedelta(minutes=1),
    )
    assert identified.customer_id == "eve" and len(identified.identifiers) == 2
    assert segment.bench.workspace.journal.customer_of(viewed.customer_id) == "eve"


def test_a_batch_that_was_not_answered_and_is_sent_again_counts_once(segment: Any) -> None:
    for seconds in (0, 40):
        segment.bench.clock.now = NOW + timedelta(seconds=seconds, milliseconds=7)
        sent_at = (NOW + timedelta(seconds=seconds)).isoformat()
        answer = segment.post("/v1/batch", {"batch": [VIEWED, IDENTIFIED], "sentAt": sent_at}).json()
    assert [one["status"] for one in answer["results"]] == ["duplicate", "duplicate"]
    assert len(kept(segment)) == 2 and kept(segment, "quarantine") == []


def test_an_sdk_may_compress_and_gives_its_write_key_as_user_name(with_rules: Callable[..., Any]) -> None:
    made = with_rules(keys='presets = ["segment"]')
    client = type(made)(made.bench, made.bench.workspace.settings.model_copy(update={"api_key": _secret("write-key")}))
    body = gzip.compress(json.dumps({"batch": [VIEWED], "sentAt": "2026-01-31T12:00:00Z"}).encode())
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip", "User-Agent": "analytics-python/2.4.0"}
    assert client.post("/v1/batch", content=body, headers=headers).status_code == 401
    basic = {"Authorization": "Basic " + base64.b64encode(b"write-key:").decode()}
    assert client.post("/v1/batch", content=body, headers=headers | basic).json()["results"][0]["status"] == "accepted"


def test_each_call_has_its_route(segment: Any) -> None:
    for call in ("identify", "track", "page", "screen", "group", "alias"):
        body = {
            "userId": "eve",
            "anonymousId": ANONYMOUS,
            "previousId": ANONYMOUS,
            "messageId": f"c-{call}",
            "event": "Signed In",
        }
        body |= {"groupId": "g", "name": "Home", "timestamp": "2026-01-31T11:00:00Z"}
        answer = segment.post(f"/v1/{call}", body)
        assert answer.json()["results"][0]["status"] == "accepted", (call, answer.text)
    assert {each.message_id for each in kept(segment)} == {
        f"segment:c-{call}" for call in ("identify", "track", "page", "screen", "group")
    }
    assert len(kept(segment, "links")) >= 1


def test_an_event_that_is_refused_keeps_no_other_one_out_and_no_identifier_in_clear(segment: Any) -> None:
    nobody = {**VIEWED, "messageId": "s3", "anonymousId": None}
    undated = {**VIEWED, "messageId": "s4", "timestamp": "yesterday", "properties": {"email": MAIL}}
    answer = segment.post("/v1/batch", {"batch": [VIEWED, nobody, undated, "hello"]})
    assert [one["status"] for one in answer.json()["results"]] == ["accepted", *["quarantined"] * 3]
    assert all(one["reason"] for one in answer.json()["results"][1:])
    refused = kept(segment, "quarantine")
    assert len(refused) == 3 and {each.source for each in refused} == {"segment"}
    everything = answer.text + str(refused) + str(kept(segment)) + segment.get("/metrics").text
    assert [clear for clear in (MAIL, MAIL.lower(), ANONYMOUS) if clear in everything] == []


def test_a_posted_event_is_the_interaction_that_the_export_of_it_gives(segment: Any, tmp_path: Path) -> None:
    segment.post("/v1/batch", {"batch": [VIEWED, IDENTIFIED], "sentAt": "2026-01-31T12:00:00.000Z"})
    exported = [
        {**each, "originalTimestamp": each["timestamp"], "receivedAt": "2026-01-31T12:00:00Z"} for each in (VIEWED, IDENTIFIED)
    ]
    file = tmp_path / "export.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in exported), encoding="utf-8")
    workspace, lake = segment.bench.workspace, Lake(tmp_path / "lake")
    ingest(
        [file],
        load_source("preset:segment"),
        catalogue=workspace.catalogue,
        lake=lake,
        now=NOW,
        clock_skew_seconds=300.0,
        on_progress=lambda line: None,
        names=workspace.names,
    )
    rows = {row["message_id"]: row for row in lake.read("interactions").to_pylist()}
    for each in kept(segment):
        row = rows[each.message_id]
        for name in (
            "customer_id",
            "touchpoint",
            "kind",
            "stage",
            "at",
            "received_at",
            "value",
            "direction",
            "contact_form",
            "source",
        ):
            assert getattr(each, name) == row[name], name
        assert list(each.identifiers) == (row["identifiers"] or [])
        assert json.loads(row["properties"] or "{}") == each.properties
    assert len(rows) == 2


def test_cloudevents_are_taken_through_their_preset(segment: Any) -> None:
    event = {
        "specversion": "1.0",
        "id": "e1",
        "source": "/shop",
        "type": "page.viewed",
        "subject": "eve",
        "time": "2026-01-31T11:00:00Z",
        "data": {"customer_id": "eve"},
    }
    headers = {"Content-Type": "application/cloudevents-batch+json"}
    broken = {**event, "specversion": "0.3"}
    answer = segment.post("/v1/cloudevents", content=json.dumps([event, event, broken]).encode(), headers=headers)
    assert (answer.status_code, answer.json()[0]["message_id"]) == (202, "e1")
    assert answer.json()[2]["status"] == "quarantined"
    assert segment.post("/v1/cloudevents", event).status_code == 415


def test_records_of_ones_own_source_go_through_its_mapping_in_the_home(client: Any, home: Path) -> None:
    folder = home / "sources"
    folder.mkdir(exist_ok=True)
    (folder / "pos.toml").write_text(POS, encoding="utf-8")
    odd = {**SALE, "receipt": "r2", "time": "soon"}
    answer = client.post("/v1/sources/pos", [SALE, SALE, odd])
    assert answer.status_code == 202, answer.text
    assert [one["status"] for one in answer.json()] == ["accepted", "duplicate", "quarantined"]
    ((sale),) = kept(client)
    assert (sale.message_id, sale.customer_id, sale.value, sale.received_at) == ("pos:r1", "eve", 12.5, NOW)
    assert client.post("/v1/sources/pos", SALE).json()[0]["status"] == "duplicate"
    assert "card-clear-1" not in answer.text + str(kept(client, "quarantine")) + str(kept(client))


def test_a_source_that_is_unknown_or_does_not_fit_the_catalogue_is_told_apart(client: Any) -> None:
    for name in ("nothing", "..%2Fsecret", "Segment"):
        unknown = client.post(f"/v1/sources/{name}", {})
        assert unknown.status_code == 404, unknown.text
    unusable = client.post("/v1/batch", {"batch": [VIEWED]})
    assert (unusable.status_code, unusable.json()["type"]) == (503, "/problems/unusable-source")
    assert unusable.headers["retry-after"] == "1"


def _secret(text: str) -> Any:
    from pydantic import SecretStr

    return SecretStr(text)
