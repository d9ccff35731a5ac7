"""Interactions → decision → outcome → new policy, over real processes."""

import json
import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.request import Request, urlopen

import pytest

from features.settings import load_settings
from serving.running import launch

CUSTOMER = "customer-000003"


class Client:
    """Asks the service."""

    def __init__(self, address: str) -> None:
        self.address = address

    def post(self, path: str, body: Any) -> Any:
        request = Request(self.address + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def get(self, path: str) -> Any:
        with urlopen(self.address + path, timeout=30) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def service(trained: Any) -> Iterator[Client]:
    port = launch.free_port(0)
    log = str(trained.path / "service.log")
    with launch.running(launch.service(load_settings(home=trained.path), port=port), log=log):
        yield Client(f"http://127.0.0.1:{port}")


def test_a_recommendation_says_what_why_and_how_likely(service: Client) -> None:
    reply = service.post("/v1/recommend", {"customer_id": CUSTOMER, "limit": 5})
    assert reply["fallback"] is None
    assert reply["features"]["status"] == "fresh"
    assert reply["policy"]["version"]
    assert all(item["reasons"] for item in reply["recommendations"])
    record = service.get(f"/v1/decisions/{reply['decision_id']}")
    probabilities = {c["touchpoint"]: c["probability"] for c in record["candidates"] if c["eligible"]}
    assert math.isclose(sum(probabilities.values()), 1.0, abs_tol=1e-9)
    assert reply["recommendations"][0]["probability"] == probabilities[reply["recommendations"][0]["touchpoint"]]


def test_a_posted_interaction_moves_the_features_of_the_next_recommendation(service: Client) -> None:
    before = _features(service, CUSTOMER)
    posted = {
        "message_id": "moves-1",
        "customer_id": CUSTOMER,
        "touchpoint": "web.cart",
        "kind": "cart",
        "at": datetime.now(UTC).isoformat(),
        "value": 42.0,
    }
    assert service.post("/v1/interactions", posted)["status"] == "accepted"
    assert service.post("/v1/interactions", posted)["status"] == "duplicate"
    after = _features(service, CUSTOMER)
    assert after["kind_cart_lifetime_count"] == (before["kind_cart_lifetime_count"] or 0) + 1
    assert after["cart_open_flag"] == 1 and after["cart_open_money"] == 42.0


def test_the_same_decision_id_gives_the_same_answer(service: Client) -> None:
    question = {"customer_id": "customer-000005", "decision_id": "same-1"}
    assert service.post("/v1/recommend", question) == service.post("/v1/recommend", question)


def test_online_decisions_and_outcomes_reach_the_lake_and_the_features_stay_equal(service: Client, trained: Any) -> None:
    reply = service.post("/v1/recommend", {"customer_id": "customer-000007"})
    now = datetime.now(UTC).isoformat()
    outcome = {"decision_id": reply["decision_id"], "kind": "purchase", "value": 30.0, "at": now, "message_id": "bought-7"}
    service.post("/v1/outcomes", outcome)
    bought = {"customer_id": "customer-000007", "touchpoint": "store.checkout", "kind": "purchase", "value": 30.0, "at": now}
    service.post("/v1/interactions", bought)
    online = _features(service, "customer-000007")
    trained.run("materialize")
    rebuilt = _features(service, "customer-000007")
    counts = [name for name in online if name.endswith("_count") and "lifetime" in name]
    assert {name: online[name] for name in counts} == {name: rebuilt[name] for name in counts}
    assert math.isclose(online["purchase_lifetime_money"], rebuilt["purchase_lifetime_money"], rel_tol=1e-9)
    from features.lake import Lake

    lake = Lake(trained.path / "lake")
    decisions = lake.read("decisions", ["decision_id", "probability", "record"]).to_pylist()
    kept = next(row for row in decisions if row["decision_id"] == reply["decision_id"])
    assert kept["probability"] == reply["recommendations"][0]["probability"] and kept["record"]
    assert "bought-7" in lake.read("outcomes", ["message_id"])["message_id"].to_pylist()


def test_a_promotion_and_a_rollback_reach_the_running_service(service: Client, trained: Any) -> None:
    first = service.post("/v1/recommend", {"customer_id": CUSTOMER, "dry_run": True})["policy"]["version"]
    trained.run("train")
    trained.run("promote", "--force")
    second = _wait_for(service, lambda version: version != first)
    assert second != first
    trained.run("rollback")
    assert _wait_for(service, lambda version: version == first) == first
    assert trained.run("promote", code=2).stderr  # what was rolled back does not come back by itself
    assert trained.json("retrain")["champion"] == int(first)


def test_recommend_without_the_service_has_no_side_effect_and_explain_tells_a_record(service: Client, trained: Any) -> None:
    question = ("recommend", "customer-000011", "--decision-id", "local-1", "--at", datetime.now(UTC).isoformat())
    assert trained.json(*question)["recommendations"] == trained.json(*question)["recommendations"]
    assert trained.run("explain", "local-1", code=2).stderr.startswith("touchpoint: ")
    kept = trained.json("recommend", "customer-000011", "--decision-id", "local-1", "--record")
    words = trained.run("explain", "local-1").stdout
    assert kept["recommendations"][0]["touchpoint"] in words and "probability" in words


def _features(service: Client, customer: str) -> dict[str, Any]:
    reply = service.post("/v1/recommend", {"customer_id": customer})
    values: dict[str, Any] = service.get(f"/v1/decisions/{reply['decision_id']}")["features"]["values"]
    return values


def _wait_for(service: Client, wanted: Callable[[str], bool], *, seconds: float = 20.0) -> str:
    deadline = time.monotonic() + seconds
    version = ""
    while time.monotonic() < deadline and not wanted(version := _version(service)):
        time.sleep(0.2)
    return version


def _version(service: Client) -> str:
    return str(service.post("/v1/recommend", {"customer_id": CUSTOMER, "dry_run": True})["policy"]["version"])
