"""The API as callers see it, over ASGI: real journal, store and policy, no network."""

import asyncio
import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from features.settings import load_settings
from serving.http.problems import PROBLEM_TYPES

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
BOUGHT = {"customer_id": "ann", "touchpoint": "store.checkout", "kind": "purchase", "value": 50, "message_id": "m1"}


def assert_problem(response: Any, name: str, *pointers: str) -> None:
    kind = PROBLEM_TYPES[name]
    assert response.status_code == kind.status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == f"/problems/{name}"
    assert response.json()["status"] == kind.status
    assert {error["pointer"] for error in response.json().get("errors", [])} >= set(pointers)


def test_an_answer_has_exactly_the_fields_of_the_contract(client: Any) -> None:
    answer = client.post("/v1/recommend", {"customer_id": "ann", "decision_id": "d1"}).json()
    assert set(answer) == {"decision_id", "customer_id", "at", "arm", "recommendations", "policy", "features", "fallback"}
    fields = {"touchpoint", "channel", "rank", "probability", "propensity", "uplift", "expected_value", "cost", "reasons"}
    assert set(answer["recommendations"][0]) == fields | {"decision_id", "placement"}
    assert set(answer["policy"]) == {"name", "version"}
    assert answer["features"] == {"status": "fresh", "age_seconds": 3600.0}
    assert (answer["at"], answer["arm"], answer["fallback"]) == ("2026-01-31T12:00:00Z", "treatment", None)


def test_none_has_no_channel_and_no_expected_value(client: Any) -> None:
    asked = {"customer_id": "ann", "exclude": ["mail.offer", "email.news"]}
    (item,) = client.post("/v1/recommend", asked).json()["recommendations"]
    assert (item["touchpoint"], item["channel"], item["expected_value"], item["probability"]) == ("none", None, 0.0, 1.0)


def test_the_record_of_a_decision_is_given_whole(client: Any) -> None:
    answer = client.post("/v1/recommend", {"customer_id": "ann", "context": {"page": "home"}}).json()
    record = client.get(f"/v1/decisions/{answer['decision_id']}").json()
    assert {name: record[name] for name in ("decision_id", "customer_id", "at", "arm", "recommendations", "fallback")} == {
        name: answer[name] for name in ("decision_id", "customer_id", "at", "arm", "recommendations", "fallback")
    }
    assert record["request"] == {"customer_id": "ann", "context": {"page": "home"}}
    assert sum(candidate["probability"] for candidate in record["candidates"]) == pytest.approx(1.0)
    assert record["features"]["values"]["trait_tier_category"] == "gold"
    assert record["features"]["values"]["kind_visit_recency_days"] is None
    assert record["policy"]["sha256"] == "0" * 64


def test_the_same_decision_id_gives_the_same_answer_even_later(client: Any) -> None:
    asked = {"customer_id": "ann", "decision_id": "d1", "limit": 2}
    first = client.post("/v1/recommend", asked)
    client.bench.clock.now += timedelta(hours=2)
    assert client.post("/v1/recommend", asked).content == first.content
    assert_problem(client.post("/v1/recommend", {**asked, "limit": 3}), "decision-conflict")


def test_an_interaction_posted_with_the_question_is_recorded_first(client: Any) -> None:
    own = {key: value for key, value in BOUGHT.items() if key != "customer_id"}
    answer = client.post("/v1/recommend", {"customer_id": "ann", "interactions": [own]}).json()
    record = client.get(f"/v1/decisions/{answer['decision_id']}").json()
    assert record["features"]["values"]["kind_purchase_lifetime_count"] == 3
    assert record["interactions"] == [{"message_id": "m1", "status": "accepted", "reason": None}]


def test_a_bad_interaction_posted_with_the_question_is_named(client: Any) -> None:
    asked = {"customer_id": "ann", "interactions": [{"touchpoint": "store.nowhere", "kind": "visit"}]}
    assert_problem(client.post("/v1/recommend", asked), "invalid-request", "/interactions/0/touchpoint")


def test_a_list_of_questions_gets_a_list_of_answers_with_problems_in_place(client: Any) -> None:
    asked = [
        {"customer_id": "ann"},
        {"customer_id": 5},
        {"customer_id": "bob", "candidates": ["no.such"]},
        {"customer_id": "bob"},
    ]
    answers = client.post("/v1/recommend", asked).json()
    assert [answer.get("customer_id") for answer in answers] == ["ann", None, None, "bob"]
    assert [answers[1]["errors"][0]["pointer"], answers[2]["errors"][0]["pointer"]] == ["/customer_id", "/candidates"]
    assert answers[3]["fallback"] == "unknown_customer"


def test_one_question_about_many_customers_gets_one_answer_each(client: Any) -> None:
    answers = client.post("/v1/recommend", {"customers": ["ann", "bob"], "limit": 2, "dry_run": True}).json()
    assert [(answer["customer_id"], len(answer["recommendations"])) for answer in answers] == [("ann", 2), ("bob", 2)]
    assert_problem(client.post("/v1/recommend", {"customers": ["a"] * 1001}), "invalid-request", "/customers")
    assert_problem(client.post("/v1/recommend", [{"customer_id": "a"}] * 1001), "invalid-request")


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"customer_id": "ann", "colour": "red"}, "/colour"),
        ({"customer_id": ""}, "/customer_id"),
        ({"customer_id": "a" * 201}, "/customer_id"),
        ({"customer_id": "a\x00b"}, "/customer_id"),
        ({"customer_id": "ann", "limit": 0}, "/limit"),
        ({"customer_id": "ann", "limit": 51}, "/limit"),
        ({"customer_id": "ann", "limit": True}, "/limit"),
        ({"customer_id": "ann", "limit": "2"}, "/limit"),
        ({"customer_id": "ann", "at": "2026-01-31T12:00:00"}, "/at"),
        ({"customer_id": "ann", "at": 1769860800}, "/at"),
        ({"customer_id": "ann", "at": "2027-01-31T12:00:00Z"}, "/at"),
        ({"customer_id": "ann", "at": "2026-01-01T00:00:00Z"}, "/at"),
        ({"customer_id": "ann", "dry_run": "yes"}, "/dry_run"),
        ({"customer_id": "ann", "context": {"deep": {"er": 1}}}, "/context/deep"),
        ({"customer_id": "ann", "exclude": ["no.such"]}, "/exclude"),
        ({"customer_id": "ann", "interactions": [{"touchpoint": "store.checkout", "kind": "dance"}]}, "/interactions/0/kind"),
        ({"customers": []}, "/customers"),
        ({"customers": ["ann"], "decision_id": "d"}, "/decision_id"),
    ],
)
def test_a_malformed_question_is_refused_with_the_field(client: Any, asked: dict[str, Any], pointer: str) -> None:
    assert_problem(client.post("/v1/recommend", asked), "invalid-request", pointer)


@pytest.mark.parametrize("body", [b"", b"{", b'{"customer_id": NaN}', b'{"value": Infinity}', b"\xff\xfe", b"[" * 10_000])
def test_what_is_not_json_is_refused(client: Any, body: bytes) -> None:
    assert_problem(client.post("/v1/interactions", content=body), "invalid-json")
    assert_problem(client.post("/v1/recommend", content=body), "invalid-json")


@pytest.mark.parametrize("body", [b"null", b"5", b'"ann"', b"true"])
def test_json_that_is_no_object_is_refused(client: Any, body: bytes) -> None:
    for path in ("/v1/recommend", "/v1/interactions", "/v1/outcomes"):
        assert_problem(client.post(path, content=body), "invalid-request")


def test_one_interaction_is_accepted_once_and_its_id_taken_by_no_other(client: Any) -> None:
    posted = [client.post("/v1/interactions", BOUGHT) for _ in range(2)]
    assert [response.status_code for response in posted] == [202, 202]
    assert [response.json()["status"] for response in posted] == ["accepted", "duplicate"]
    other = client.post("/v1/interactions", {**BOUGHT, "value": 51}).json()
    assert other["status"] == "quarantined" and "m1" in other["reason"]


def test_a_bad_item_of_a_list_is_quarantined_and_the_others_are_accepted(client: Any) -> None:
    bad = [
        {**BOUGHT, "message_id": "m2", "touchpoint": "store.nowhere"},
        {**BOUGHT, "message_id": "m3", "at": "2026-01-31T12:06:00Z"},
        {**BOUGHT, "message_id": "m4", "at": "1989-12-31T23:59:59Z"},
        {**BOUGHT, "message_id": "m5", "metric": "nps", "score": 11},
        {**BOUGHT, "message_id": "m6", "metric": "nps"},
        {**BOUGHT, "message_id": "m7", "colour": "red"},
        {**BOUGHT, "message_id": "m8", "customer_id": "NULL"},
        "hello",
        None,
    ]
    taken = client.post("/v1/interactions", [BOUGHT, *bad, {**BOUGHT, "message_id": "m9"}]).json()
    assert [one["status"] for one in taken] == ["accepted", *["quarantined"] * 9, "accepted"]
    assert [one["message_id"] for one in taken[:3]] == ["m1", "m2", "m3"]
    for one, word in zip(taken[1:8], ["store.nowhere", "future", "1990", "scale", "metric", "/colour", "nobody"], strict=True):
        assert word in one["reason"]
    kept = [record for _, record in client.bench.workspace.journal.rows_after("quarantine", 0, 100)]
    assert [json.loads(record.raw) for record in kept] == bad
    assert client.bench.workspace.journal.head() == 2


def test_a_single_malformed_interaction_is_refused_with_the_field(client: Any) -> None:
    assert_problem(client.post("/v1/interactions", {**BOUGHT, "value": "50"}), "invalid-request", "/value")
    assert_problem(client.post("/v1/interactions", {**BOUGHT, "properties": {"a\x00": 1}}), "invalid-request")


def test_an_interaction_without_an_id_but_with_a_time_is_known_by_its_content(client: Any) -> None:
    anonymous = {**BOUGHT, "at": "2026-01-31T11:00:00Z"}
    del anonymous["message_id"]
    first, second = (client.post("/v1/interactions", anonymous).json() for _ in range(2))
    assert (first["status"], second["status"]) == ("accepted", "duplicate")
    assert first["message_id"] == second["message_id"]


def test_a_sender_whose_clock_is_slightly_ahead_reports_of_now(client: Any) -> None:
    client.post("/v1/interactions", {**BOUGHT, "at": "2026-01-31T12:04:00Z"})
    ((_, kept),) = client.bench.workspace.journal.interactions_after("ann", 0)
    assert (kept.at, kept.received_at) == (NOW, NOW)


def test_an_interaction_that_became_known_in_the_meantime_does_not_refuse_a_question(client: Any) -> None:
    client.post("/v1/interactions", BOUGHT)
    client.bench.clock.now -= timedelta(seconds=2)
    assert client.post("/v1/recommend", {"customer_id": "ann"}).status_code == 200


def test_an_outcome_is_kept_beside_its_decision(client: Any) -> None:
    decision_id = client.post("/v1/recommend", {"customer_id": "ann"}).json()["decision_id"]
    outcome = {"decision_id": decision_id, "kind": "purchase", "value": 80, "message_id": "o1"}
    taken = [client.post("/v1/outcomes", outcome) for _ in range(2)]
    assert [one.status_code for one in taken] == [202, 202]
    assert [one.json()["status"] for one in taken] == ["accepted", "duplicate"]
    assert client.bench.workspace.journal.head() == 0


def test_an_outcome_of_an_unknown_decision_is_refused(client: Any) -> None:
    assert_problem(client.post("/v1/outcomes", {"decision_id": "d", "kind": "purchase"}), "unknown-decision")
    assert_problem(client.get("/v1/decisions/d"), "unknown-decision")


def test_a_customer_is_shown_with_profile_journey_and_decisions(client: Any) -> None:
    client.post("/v1/interactions", [BOUGHT, {**BOUGHT, "message_id": "m2", "value": 70}])
    decision_id = client.post("/v1/recommend", {"customer_id": "ann"}).json()["decision_id"]
    view = client.get("/v1/customers/ann", params={"limit": 1}).json()
    assert view["profile"] == {"age": 41.0, "tier": "gold"}
    assert [interaction["message_id"] for interaction in view["journey"]] == ["m2"]
    assert [decision["decision_id"] for decision in view["decisions"]] == [decision_id]
    assert_problem(client.get("/v1/customers/nobody"), "unknown-customer")
    assert_problem(client.get("/v1/customers/ann", params={"limit": 0}), "invalid-request")
    assert_problem(client.call("PUT", "/v1/customers/ann"), "method-not-allowed")


def test_ids_may_hold_slashes_and_any_script(client: Any) -> None:
    client.post("/v1/interactions", {**BOUGHT, "customer_id": "a/b ü"})
    assert client.get("/v1/customers/a%2Fb%20%C3%BC").json()["customer_id"] == "a/b ü"


def test_unknown_paths_and_methods_are_problems_and_make_no_metric_labels(client: Any) -> None:
    for index in range(30):
        assert_problem(client.get(f"/wp-admin/{index}"), "unknown-path")
    assert_problem(client.get("/"), "unknown-path")
    assert_problem(client.post("/v1/recommend/", {}), "unknown-path")
    wrong = client.get("/v1/recommend")
    assert_problem(wrong, "method-not-allowed")
    assert wrong.headers["allow"] == "POST"
    text = client.get("/metrics").text
    assert "wp-admin" not in text
    assert 'touchpoint_http_requests_total{method="GET",route="(none)",status="404"} 31.0' in text


def test_metrics_count_without_naming_customers(client: Any) -> None:
    answer = client.post("/v1/recommend", {"customer_id": "ann"}).json()
    client.post("/v1/interactions", BOUGHT)
    client.get(f"/v1/decisions/{answer['decision_id']}")
    client.get("/v1/customers/ann")
    text = client.get("/metrics").text
    touchpoint = answer["recommendations"][0]["touchpoint"]
    assert f'touchpoint_decisions_total{{fallback="",touchpoint="{touchpoint}"}} 1.0' in text
    assert 'touchpoint_interactions_total{status="accepted"} 1.0' in text
    assert 'route="/v1/customers/{customer_id:path}"' in text
    assert "ann" not in text and answer["decision_id"] not in text


def test_a_body_beyond_the_limit_is_refused_declared_or_in_chunks(client: Any) -> None:
    async def chunks() -> Any:
        for _ in range(30):
            yield b" " * 50_000

    assert_problem(client.post("/v1/interactions", content=b" " * 1_000_001), "body-too-large")
    assert_problem(client.post("/v1/interactions", content=chunks()), "body-too-large")
    assert_problem(client.post("/v1/interactions", content=b" " * 1_000_000), "invalid-json")


def test_a_body_may_be_gzip_and_is_unpacked_within_the_limit(client: Any) -> None:
    def post(content: bytes, encoding: str = "gzip") -> Any:
        return client.post("/v1/interactions", content=content, headers={"Content-Encoding": encoding})

    packed = gzip.compress(json.dumps(BOUGHT).encode())
    assert post(packed).json()["status"] == "accepted"
    assert_problem(post(gzip.compress(b" " * 50_000_000)), "body-too-large")
    assert_problem(post(gzip.compress(b" " * 1_000_001)), "body-too-large")
    assert_problem(post(packed[:-4]), "invalid-request")
    assert_problem(post(packed + packed), "invalid-request")
    assert_problem(post(b"{}"), "invalid-request")
    assert_problem(post(packed, "br"), "unsupported-media")


def test_with_an_api_key_nobody_without_it_gets_in(bench: Any, client: Any) -> None:
    settings = load_settings(home=bench.workspace.settings.home, api_key="söcret")
    guarded = type(client)(bench, settings)
    assert_problem(guarded.get("/v1/customers/ann"), "unauthorized")
    assert_problem(guarded.get("/nothing", headers={"X-API-Key": "wrong"}), "unauthorized")
    assert guarded.get("/v1/customers/ann", headers={"Authorization": "Bearer söcret".encode()}).status_code == 200
    assert guarded.get("/v1/customers/ann", headers={"X-API-Key": "söcret".encode()}).status_code == 200
    assert guarded.get("/v1/customers/ann", auth=("söcret", "")).status_code == 200
    assert_problem(guarded.get("/v1/customers/ann", auth=("wrong", "söcret")), "unauthorized")
    assert_problem(guarded.get("/v1/customers/ann", headers={"Authorization": "Basic no-base64"}), "unauthorized")
    assert_problem(guarded.call("DELETE", "/v1/customers/ann"), "unauthorized")
    assert guarded.get("/metrics").status_code == 200


def test_requests_above_the_limit_are_turned_away_and_told_when_to_come_back() -> None:
    from serving.http.guard import Guard

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.2)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})

    async def statuses() -> list[int]:
        import httpx

        guard = Guard(slow, api_key=None, max_body_bytes=10, max_in_work=2)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(guard), base_url="http://service") as caller:
            answers = await asyncio.gather(*(caller.get("/x") for _ in range(3)))
            assert all(answer.headers.get("retry-after") == "1" for answer in answers if answer.status_code == 503)
            return [answer.status_code for answer in answers]

    assert sorted(asyncio.run(statuses())) == [200, 200, 503]


def test_when_the_journal_fails_nothing_is_answered(client: Any, tmp_path: Any) -> None:
    client.bench.workspace.journal.close()
    for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    refused = client.post("/v1/recommend", {"customer_id": "ann"})
    assert_problem(refused, "unavailable")
    assert refused.headers["retry-after"] == "1"


def test_the_openapi_document_describes_bodies_and_refers_to_nothing_missing(client: Any) -> None:
    for _ in range(2):
        document = client.get("/openapi.json").json()
    text = json.dumps(document)
    schemas = document["components"]["schemas"]
    for reference in set(part.split('"')[0] for part in text.split("#/components/schemas/")[1:]):
        assert reference in schemas, reference
    assert "$defs" not in text
    assert "PostedInteraction" in text and "RecommendRequest" in text and "Answer" in schemas
    routes = {(method, path) for path, operations in document["paths"].items() for method in operations}
    calls = (
        "identify",
        "track",
        "page",
        "screen",
        "group",
        "alias",
        "batch",
        "cloudevents",
        "links",
        "consents",
        "sources/{name}",
    )
    assert {("post", f"/v1/{call}") for call in calls} <= routes
    assert {("get", "/v1/customers/{customer_id}"), ("delete", "/v1/customers/{customer_id}")} <= routes
    undescribed = [
        path for path, operations in document["paths"].items() for each in operations.values() if not each["description"]
    ]
    assert undescribed == []


def test_what_comes_with_a_question_that_is_refused_is_not_kept(client: Any) -> None:
    own = {"touchpoint": "store.checkout", "kind": "purchase", "value": 50}
    before = client.get("/v1/customers/ann").json()["features"]["kind_purchase_lifetime_count"]
    refused = client.post("/v1/recommend", {"customer_id": "ann", "candidates": ["nope"], "interactions": [own]})
    assert_problem(refused, "invalid-request", "/candidates")
    assert client.get("/v1/customers/ann").json()["features"]["kind_purchase_lifetime_count"] == before


def test_a_question_asked_again_under_its_id_does_not_double_what_came_with_it(client: Any, bench: Any) -> None:
    own = {"touchpoint": "store.checkout", "kind": "purchase", "value": 50}
    asked = {"customer_id": "ann", "decision_id": "again", "interactions": [own]}
    first = client.post("/v1/recommend", asked).json()
    assert client.post("/v1/recommend", asked).json() == first
    kept = [interaction.message_id for _, interaction in bench.workspace.journal.interactions_after("ann", 0)]
    assert kept == ["again/0"]


def test_a_customers_journey_has_what_came_by_file_and_what_came_online_once_each_newest_first(client: Any) -> None:
    before = client.get("/v1/customers/ann").json()["journey"]
    client.post("/v1/interactions", BOUGHT)
    after = client.get("/v1/customers/ann").json()["journey"]
    assert before and after[0]["message_id"] == "m1" and after[1:] == before
    assert [item["at"] for item in after] == sorted((item["at"] for item in after), reverse=True)
    assert client.get("/v1/customers/ann?limit=1").json()["journey"] == after[:1]


def test_the_openapi_document_tells_how_to_ask_for_slates_and_to_look_back(client: Any) -> None:
    document = client.get("/openapi.json").json()
    paths, schemas = document["paths"], document["components"]["schemas"]
    assert {"slots", "placements", "defer"} <= set(schemas["RecommendRequest"]["properties"])
    assert {"situation", "slate", "shadow", "deferred", "features_version"} <= set(schemas["DecisionRecord"]["properties"])
    assert set(paths["/v1/decisions/{decision_id}/activate"]["post"]["responses"]) == {"204", "default"}
    assert "Explanation" in str(paths["/v1/decisions/{decision_id}/explanation"]["get"]["responses"]["200"])
    assert "Changes" in schemas and "Changes" in str(paths["/v1/decisions/{decision_id}/replay"]["post"]["requestBody"])
