"""Decisions found over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def decided(client: Any) -> Any:
    """Five decisions, an hour apart, of ann and zoe in turn; then one of somebody nobody knows."""
    for number in range(5):
        client.bench.clock.now = NOW + timedelta(hours=number)
        client.post("/v1/recommend", {"customer_id": "ann" if number % 2 else "zoe", "decision_id": f"d{number}"})
    client.post("/v1/recommend", {"identifiers": {"email": "new@example.com"}, "decision_id": "d/5", "slots": 2})
    return client


def ids(client: Any, query: str = "") -> list[str]:
    response = client.get(f"/v1/decisions{query}")
    assert response.status_code == 200, response.text
    return [each["decision_id"] for each in response.json()["decisions"]]


def test_decisions_are_listed_newest_first(decided: Any) -> None:
    assert ids(decided) == ["d/5/2", "d/5", "d4", "d3", "d2", "d1", "d0"]


def test_a_customer_is_found_by_any_identifier_also_in_clear(decided: Any) -> None:
    assert ids(decided, "?customer=ann") == ["d3", "d1"]
    assert ids(decided, "?customer=email%3Dnew%40example.com") == ["d/5/2", "d/5"]
    assert ids(decided, "?customer=nobody") == []


def test_a_time_a_fallback_an_arm_and_a_version_narrow_it(decided: Any) -> None:
    assert ids(decided, "?since=2026-01-31T14:00:00Z&until=2026-01-31T16:00:00Z") == ["d3", "d2"]
    assert ids(decided, "?since=2026-01-31T16:00:00%2B01:00&until=2026-01-31T16:00:00Z") == ["d3"]
    assert ids(decided, "?fallback=unknown_customer") == ids(decided, "?fallback=any") == ["d/5/2", "d/5"]
    assert len(ids(decided, "?fallback=none&arm=treatment&policy_version=1")) == 5
    assert ids(decided, "?policy_version=2") == []


def test_a_cursor_continues_where_a_page_ended(decided: Any) -> None:
    first = decided.get("/v1/decisions?limit=3").json()
    second = decided.get(f"/v1/decisions?limit=4&cursor={first['next']}").json()
    assert [each["decision_id"] for each in second["decisions"]] == ["d3", "d2", "d1", "d0"]
    assert second["next"] is None


def test_a_row_says_what_was_decided(decided: Any) -> None:
    row = decided.get("/v1/decisions?customer=ann&limit=1").json()["decisions"][0]
    record = decided.get("/v1/decisions/d3").json()
    assert (row["customer_id"], row["touchpoint"], row["at"]) == ("ann", record["chosen"], record["at"])
    assert (row["arm"], row["policy_version"], row["fallback"], row["deferred"]) == ("treatment", "1", None, False)


BAD = ["limit=0", "limit=x", "limit=1001", "since=yesterday", "since=2026-01-31", "cursor=x", "customer=", "arm=a%00b"]


def test_bad_parameters_are_problems(client: Any) -> None:
    for query in (*BAD, "customer=email%3Dnobody", "customer=" + "x" * 201):
        response = client.get(f"/v1/decisions?{query}")
        assert response.status_code == 422, query
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["type"] == "/problems/invalid-request"


def test_the_search_is_described(client: Any) -> None:
    described = client.get("/openapi.json").json()["paths"]["/v1/decisions"]["get"]
    names = {each["name"] for each in described["parameters"]}
    assert names == {"customer", "touchpoint", "arm", "policy_version", "fallback", "since", "until", "limit", "cursor"}
