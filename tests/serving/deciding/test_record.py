"""Records: whole, readable again, and readable when they are of an earlier version."""

import json
from datetime import UTC, datetime
from typing import Any

from features.domain import Consent, ConsentStatus, Contact
from serving.deciding.record import DecisionRecord, Parts, record_as_json, record_from_json
from serving.deciding.situations import KeptSituation, facts_of
from training.policy.eligibility import Situation

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
NEW = ("deferred", "context", "situation", "slate", "shadow", "features_version", "identifiers", "consent")
OLD = {
    "decision_id": "d1",
    "customer_id": "ann",
    "at": "2026-01-31T12:00:00Z",
    "arm": "treatment",
    "request": {"customer_id": "ann"},
    "interactions": [],
    "features": {"status": "fresh", "age_seconds": 3600.0, "position": 0, "values": {"tenure_lifetime_days": 20.0}},
    "candidates": [
        {
            "touchpoint": "none",
            "eligible": True,
            "stage": None,
            "rule": None,
            "propensity": 0.2,
            "uplift": 0.0,
            "value": 200.0,
            "net_value": 0.0,
            "cost": 0.0,
            "probability": 1.0,
        }
    ],
    "draw": {"seed": 7, "u": 0.5},
    "chosen": "none",
    "recommendations": [
        {
            "touchpoint": "none",
            "channel": None,
            "rank": 1,
            "probability": 1.0,
            "propensity": 0.2,
            "uplift": 0.0,
            "expected_value": 0.0,
            "cost": 0.0,
            "reasons": ["doing nothing costs nothing and gains nothing: 0.00 USD"],
        }
    ],
    "policy": {"name": "touchpoint-policy", "version": "1", "sha256": None},
    "catalogue_version": "0123456789ab",
    "currency": "USD",
    "fallback": None,
    "decided_at": "2026-01-31T12:00:00Z",
    "software_version": "0.1.0",
}


def decide(client: Any, **asked: Any) -> DecisionRecord:
    client.post("/v1/recommend", {"customer_id": "ann", "decision_id": "d1", **asked})
    return record_from_json(client.bench.workspace.journal.decision("d1").record)


def test_a_record_has_all_that_the_rules_went_by(client: Any) -> None:
    said = Consent(message_id="k1", customer_id="ann", status=ConsentStatus.GRANTED, at=NOW, received_at=NOW, source="test")
    client.bench.workspace.journal.append_consents([said])
    client.bench.workspace.journal.add_contacts([("c1", "ann", "mail.offer", NOW)])
    record = decide(client, context={"weather": "rain"}, exclude=["email.news"])
    situation = record.situation
    assert situation is not None
    assert situation.consents == (said,)
    assert situation.contacts == (Contact("mail.offer", NOW),)
    assert (situation.exclude, situation.identifiers, situation.held_out) == (("email.news",), ("ann",), False)
    assert situation.facts == {"trait.age": 41.0, "trait.tier": "gold", "context.weather": "rain"}
    assert record.context == {"weather": "rain"}
    assert record.features_version is not None


def test_a_record_read_again_is_the_same(client: Any) -> None:
    record = decide(client, context={"a": True, "b": 1, "c": 0.1, "d": "x"})
    assert record_from_json(record_as_json(record)) == record
    assert json.loads(record_as_json(record))["context"] == {"a": True, "b": 1, "c": 0.1, "d": "x"}


def test_a_situation_read_again_is_the_one_that_was_kept() -> None:
    values = {"tenure_lifetime_days": 2.0, "trait_tier_category": "gold", "trait_age_number": None}
    situation = Situation(
        at=NOW,
        candidates=("a.b",),
        placement="top",
        contacts=(Contact("a.b", NOW),),
        facts=facts_of(values, {"x": 1}),
        used={"10 contacts a day for any touchpoint": 3.0},
    )
    assert KeptSituation.of(situation, values).restored(values) == situation


def test_a_record_of_an_earlier_version_is_read_with_what_it_has() -> None:
    record = record_from_json(json.dumps(OLD))
    assert (record.deferred, record.situation, record.slate, record.shadow) == (False, None, None, None)
    assert record.candidates[0].parts == Parts()
    assert record.recommendations[0].decision_id is None


def test_an_earlier_record_is_explained_and_not_replayed(client: Any) -> None:
    from features.journal import RecordedDecision

    kept = RecordedDecision(
        decision_id="d1",
        customer_id="ann",
        touchpoint="none",
        at=NOW,
        request_hash="h",
        record=json.dumps(OLD),
        candidates=("none",),
        probability=1.0,
    )
    client.bench.workspace.journal.append_decision(kept, contacts_seen=None)
    words = client.get("/v1/decisions/d1/explanation").json()["words"]
    assert words[1] == "none, chosen with probability 100 % (draw 0.5)."
    assert client.post("/v1/decisions/d1/replay").json()["type"] == "/problems/not-replayable"
    assert client.post("/v1/decisions/d1/activate").status_code == 204


def test_every_number_of_a_record_is_one_or_null(client: Any) -> None:
    client.post("/v1/recommend", {"customer_id": "nobody", "decision_id": "d1"})
    text = client.get("/v1/decisions/d1").text
    assert "NaN" not in text and "Infinity" not in text
    assert None in json.loads(text)["features"]["values"].values()
