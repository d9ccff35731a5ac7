"""Hostile input: whatever is sent, it is either understood as it was meant or refused by name, and never an error of ours."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from serving.http.problems import ProblemError, pointer
from serving.http.values import as_text, parse_json
from serving.http.wire import PostedInteraction, RecommendRequest

VALID = {"customer_id": "ann", "touchpoint": "store.checkout", "kind": "purchase", "value": 5, "at": "2026-01-31T11:00:00Z"}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
fields = st.sampled_from(
    [
        "customer_id",
        "identifiers",
        "touchpoint",
        "kind",
        "at",
        "value",
        "metric",
        "score",
        "traits",
        "properties",
        "limit",
        "interactions",
        "candidates",
    ]
)
nearly_valid = st.dictionaries(fields, json_values, max_size=5).map(lambda changes: {**VALID, **changes})
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(posted=nearly_valid | json_values)
def test_whatever_json_is_posted_no_call_fails(client: Any, posted: Any) -> None:
    for path in ("/v1/interactions", "/v1/recommend", "/v1/outcomes", "/v1/links", "/v1/consents", "/v1/customers/find"):
        response = client.post(path, content=json.dumps(posted).encode("utf-8", "surrogatepass"))
        assert response.status_code in (200, 202, 400, 404, 422), response.text
    response = client.post("/v1/interactions", content=json.dumps([posted, VALID]).encode("utf-8", "surrogatepass"))
    if response.status_code == 202:
        assert response.json()[1]["status"] in ("accepted", "duplicate")


@quick
@given(position=st.integers(0, 100), inserted=st.binary(max_size=4), removed=st.integers(0, 4))
def test_a_damaged_body_is_refused_or_understood(client: Any, position: int, inserted: bytes, removed: int) -> None:
    body = json.dumps(VALID).encode()
    damaged = body[:position] + inserted + body[position + removed :]
    assert client.post("/v1/interactions", content=damaged).status_code in (202, 400, 422)


@quick
@given(posted=nearly_valid)
def test_what_is_accepted_is_kept_as_it_was_sent(posted: dict[str, Any]) -> None:
    try:
        wire = PostedInteraction.model_validate(posted)
    except ValidationError:
        return
    for name in ("customer_id", "touchpoint", "kind", "value", "score"):
        assert getattr(wire, name) == posted.get(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31T09:30:00Z", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("2026-01-31t09:30:00.25z", datetime(2026, 1, 31, 9, 30, 0, 250_000, tzinfo=UTC)),
        ("2026-01-31T11:30:00+02:00", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
        ("2026-02-01T01:00:00+05:30", datetime(2026, 1, 31, 19, 30, tzinfo=UTC)),
    ],
)
def test_times_are_read_with_their_zone(text: str, expected: datetime) -> None:
    assert PostedInteraction.model_validate({**VALID, "at": text}).at == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31",
        "2026-01-31T09:30:00",
        "2026-02-30T00:00:00Z",
        "2026-01-31T24:30:00Z",
        "1769860800",
        "0001-01-01T00:00:00+23:00",
        "",
    ],
)
def test_times_without_a_zone_or_not_in_the_calendar_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        PostedInteraction.model_validate({**VALID, "at": text})


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", '"5"', "true", "[5]", "1" + "0" * 400])
def test_what_is_not_a_finite_number_is_no_value(number: str) -> None:
    body = json.dumps(VALID).replace('"value": 5', f'"value": {number}').encode()
    with pytest.raises((ProblemError, ValidationError)):
        PostedInteraction.model_validate(parse_json(body))


def test_lists_and_attributes_are_bounded() -> None:
    for change in ({"candidates": ["a.b"] * 1001}, {"context": {str(index): 1 for index in range(101)}}):
        with pytest.raises(ValidationError):
            RecommendRequest.model_validate({"customer_id": "ann", **change})


def test_half_a_surrogate_pair_is_not_text() -> None:
    with pytest.raises(ProblemError):
        parse_json(b'{"customer_id": "\\ud800"}')


def test_attributes_become_text_without_loss() -> None:
    assert as_text({"a": 0.1, "b": 3, "c": False, "d": "x"}) == {"a": "0.1", "b": "3", "c": "false", "d": "x"}


def test_a_pointer_escapes_as_rfc_6901_has_it() -> None:
    assert pointer(("context", "a/b~c")) == "/context/a~1b~0c"


def test_a_number_that_overflows_is_refused_like_infinity() -> None:
    with pytest.raises(ProblemError, match="beyond"):
        parse_json(b'[{"value": 1e999}]')


@pytest.mark.parametrize("zone", ["Mars/X", "", "../etc/passwd", 5, True, "Europe"])
def test_a_time_zone_in_a_context_that_there_is_not_is_refused_by_name_and_nothing_is_kept(client: Any, zone: Any) -> None:
    visit = {"message_id": "m1", "touchpoint": "store.checkout", "kind": "purchase", "value": 5}
    asked = {"customer_id": "ann", "decision_id": "d1", "context": {"timezone": zone}, "interactions": [visit]}
    refused = client.post("/v1/recommend", asked)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/invalid-request")
    (error,) = refused.json()["errors"]
    assert error["pointer"] == "/context/timezone" and "such as Europe/Berlin" in error["detail"]
    assert client.get("/v1/decisions/d1").status_code == 404
    many = client.post("/v1/recommend", {"customers": ["ann"], "context": {"timezone": zone}})
    assert (many.status_code, many.json()["errors"][0]["pointer"]) == (422, "/context/timezone")


def test_a_time_zone_that_there_is_and_other_keys_of_a_context_are_taken() -> None:
    asked = RecommendRequest(customer_id="ann", context={"timezone": "Asia/Tokyo", "weather": "rain", "n": 3})
    assert asked.context == {"timezone": "Asia/Tokyo", "weather": "rain", "n": 3}
