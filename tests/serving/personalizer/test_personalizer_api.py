"""Azure Personalizer's calls as its clients make them, over ASGI, and what hostile callers send."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

from features.settings import load_settings
from serving.http.routes.personalizer import ROOTS
from training.personalizer import Action, RewardRules, closed_events, model_path
from training.personalizer.fit import fit
from training.personalizer.hashing import columns_of
from training.personalizer.model import write_model

ROOT = ROOTS[0]
# The example of the service's own OpenAPI document.
DOCUMENTED = {
    "contextFeatures": [
        {"user": {"profileType": "AnonymousUser", "latLong": "47.6,-122.1"}},
        {"environment": {"dayOfMonth": "28", "monthOfYear": "8", "weather": "Sunny"}},
        {"device": {"mobile": True, "windows": True}},
        {"recentActivity": {"itemsInCart": 3}},
    ],
    "actions": [
        {"id": "NewsArticle", "features": [{"type": "News"}]},
        {"id": "SportsArticle", "features": [{"type": "Sports"}]},
        {"id": "EntertainmentArticle", "features": [{"type": "Entertainment"}]},
    ],
    "excludedActions": ["SportsArticle"],
    "eventId": "75269AD0-BFEE-4598-8196-C57383D38E10",
    "deferActivation": False,
}
ONE = {"actions": [{"id": "a", "features": [{"x": 1}]}]}


@pytest.fixture(autouse=True)
def nothing_learnt_before(home: Path) -> Iterator[None]:
    yield
    model_path(load_settings(home=home)).unlink(missing_ok=True)


def with_(**changes: Any) -> dict[str, Any]:
    return {**DOCUMENTED, **changes}


def action(name: str = "a", **changes: Any) -> dict[str, Any]:
    return {"id": name, "features": [{"x": 1}], **changes}


def assert_error(response: Any, status: int, code: str, target: str | None = None) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"error"}
    error = response.json()["error"]
    assert error["code"] == code and error["message"]
    if target is not None:
        assert error["target"] == target


@pytest.mark.parametrize("root", ROOTS)
def test_the_documented_rank_request_gets_an_answer_of_the_documented_shape(client: Any, root: str) -> None:
    response = client.post(f"{root}/rank", DOCUMENTED)
    assert response.status_code == 201
    answer = response.json()
    assert list(answer) == ["ranking", "eventId", "rewardActionId"]
    assert answer["eventId"] == DOCUMENTED["eventId"]
    assert answer["rewardActionId"] in ("NewsArticle", "EntertainmentArticle")
    # what is excluded keeps its place, at probability 0; the chosen one goes first among the others
    assert answer["ranking"][1] == {"id": "SportsArticle", "probability": 0}
    assert answer["ranking"][0] == {"id": answer["rewardActionId"], "probability": 0.5}
    assert answer["ranking"][2]["probability"] == 0.5


@pytest.mark.parametrize("root", ROOTS)
def test_the_documented_reward_and_activate_requests_are_taken_without_a_body_in_return(client: Any, root: str) -> None:
    client.post(f"{root}/rank", DOCUMENTED)
    for call, body in (("reward", {"value": 1}), ("activate", None)):
        response = client.post(f"{root}/events/{DOCUMENTED['eventId']}/{call}", body)
        assert (response.status_code, response.content) == (204, b"")


def test_what_the_recorded_sessions_of_the_clients_show_is_answered_alike(client: Any) -> None:
    answer = client.post(f"{ROOT}/rank", {"actions": [action("Person")]}).json()
    assert answer["ranking"] == [{"id": "Person", "probability": 1}] and answer["eventId"]
    asked = {"actions": [action("Person1"), action("Person2")], "excludedActions": ["Person1"], "eventId": "123456789"}
    answer = client.post(f"{ROOT}/rank", asked).json()
    assert answer["ranking"] == [{"id": "Person1", "probability": 0}, {"id": "Person2", "probability": 1}]
    assert answer["rewardActionId"] == "Person2"
    answer = client.post(f"{ROOT}/rank", {"actions": [action("Person1"), action("Person2")]}).json()
    assert [each["probability"] for each in answer["ranking"]] == [0.5, 0.5]


def test_a_reward_or_activation_of_an_event_nobody_knows_is_taken(client: Any) -> None:
    assert client.post(f"{ROOT}/events/never-asked/reward", {"value": -1}).status_code == 204
    assert client.post(f"{ROOT}/events/never-asked/activate").status_code == 204


def test_the_same_event_id_and_request_get_the_same_answer_even_after_learning(client: Any) -> None:
    first = client.post(f"{ROOT}/rank", DOCUMENTED)
    put_in_force(client, best="NewsArticle")
    assert client.post(f"{ROOT}/rank", DOCUMENTED).content == first.content
    assert (
        client.post(f"{ROOT}/rank", {**DOCUMENTED, "ignored": 1, "excludedActions": ["SportsArticle"] * 2}).content
        == first.content
    )
    fresh = client.post(f"{ROOT}/rank", with_(eventId="fresh")).json()
    assert {each["id"]: each["probability"] for each in fresh["ranking"]}["NewsArticle"] > 0.9


@pytest.mark.parametrize(
    "changes",
    [{"contextFeatures": []}, {"deferActivation": True}, {"excludedActions": []}, {"actions": DOCUMENTED["actions"][:2]}],
)
def test_the_same_event_id_with_another_request_is_a_conflict(client: Any, changes: dict[str, Any]) -> None:
    first = client.post(f"{ROOT}/rank", DOCUMENTED)
    assert_error(client.post(f"{ROOT}/rank", with_(**{"excludedActions": [], **changes})), 409, "Conflict")
    assert client.post(f"{ROOT}/rank", DOCUMENTED).content == first.content


def test_without_an_event_id_every_call_is_an_event_of_its_own(client: Any) -> None:
    asked = {name: value for name, value in DOCUMENTED.items() if name != "eventId"}
    answers = [client.post(f"{ROOT}/rank", asked).json() for _ in range(3)]
    assert len({answer["eventId"] for answer in answers}) == 3
    assert client.post(f"{ROOT}/rank", {**asked, "eventId": None, "deferActivation": None}).status_code == 201


def test_answers_are_drawn_with_the_probabilities_they_tell(client: Any) -> None:
    asked = {"actions": [action(name) for name in "abcd"], "excludedActions": ["b"]}
    chosen = Counter(client.post(f"{ROOT}/rank", {**asked, "eventId": f"e{i}"}).json()["rewardActionId"] for i in range(300))
    assert set(chosen) == set("acd")
    assert chisquare([chosen[name] for name in "acd"]).pvalue > 0.001


def test_a_deferred_event_is_learnt_from_once_it_is_activated(client: Any) -> None:
    for event_id in ("shown", "not shown"):
        client.post(f"{ROOT}/rank", with_(eventId=event_id, deferActivation=True))
        client.post(f"{ROOT}/events/{event_id}/reward", {"value": 0.5})
    client.post(f"{ROOT}/events/shown/activate")
    ranks, now = client.bench.workspace.journal.ranks, client.bench.clock.now + timedelta(minutes=10)
    events = list(closed_events(ranks, RewardRules(timedelta(minutes=10)), now=now))
    assert [(event.event_id, event.reward) for event in events] == [("shown", 0.5)]


def test_no_address_is_kept_in_clear(client: Any) -> None:
    asked = with_(
        contextFeatures=[{"mail of ada@example.com": {"from": "ada@example.com"}, "city": "Oslo"}],
        actions=[action("a", features=[{"to": "Ada <ada@example.com>"}])],
    )
    answer = client.post(f"{ROOT}/rank", asked)
    assert answer.status_code == 201
    kept = client.bench.workspace.journal.ranks.find(DOCUMENTED["eventId"])
    assert "ada" not in kept.request and "Oslo" in kept.request
    assert client.post(f"{ROOT}/rank", asked).content == answer.content
    assert_error(client.post(f"{ROOT}/rank", with_(eventId="ada@example.com")), 400, "InvalidRankRequest", "/eventId")
    assert_error(client.post(f"{ROOT}/events/ada@example.com/reward", {"value": 1}), 400, "InvalidRewardRequest")
    assert_error(client.post(f"{ROOT}/rank", {"actions": [action("x@y.zz")]}), 400, "InvalidRankRequest", "/actions/0/id")


def put_in_force(client: Any, *, best: str) -> None:
    """A model that expects 1 of one action, and 0 of the others."""
    rows = [
        row
        for each in DOCUMENTED["actions"]
        for row in columns_of(DOCUMENTED["contextFeatures"], [Action(each["id"], each["features"])]) * 50
    ]
    rewards = np.repeat([float(each["id"] == best) for each in DOCUMENTED["actions"]], 50)
    write_model(fit(rows, rewards, fingerprint="f" * 64), model_path(client.bench.workspace.settings))


def nested(depth: int) -> dict[str, Any]:
    return {"x": nested(depth - 1)} if depth else {"x": 1}


@pytest.mark.parametrize(
    ("asked", "target"),
    [
        ({}, "/actions"),
        ({"actions": []}, "/actions"),
        ({"actions": None}, "/actions"),
        ({"actions": {"id": "a"}}, "/actions"),
        ({"actions": [None]}, "/actions/0"),
        ({"actions": [action(str(index)) for index in range(51)]}, "/actions"),
        ({"actions": [action(), action()]}, "/actions/1/id"),
        ({"actions": [action("")]}, "/actions/0/id"),
        ({"actions": [action(7)]}, "/actions/0/id"),
        ({"actions": [action("a" * 257)]}, "/actions/0/id"),
        ({"actions": [action("a\x00")]}, "/actions/0/id"),
        ({"actions": [{"id": "a"}]}, "/actions/0/features"),
        ({"actions": [action(features=[])]}, "/actions/0/features"),
        ({"actions": [action(features=[{}])]}, "/actions/0/features"),
        ({"actions": [action(features=[{"x": None}])]}, "/actions/0/features"),
        ({"actions": [action(features={"x": 1})]}, "/actions/0/features"),
        ({"actions": [action(features=["x"])]}, "/actions/0/features/0"),
        ({"actions": [action(features=[{"": 1}])]}, "/actions/0/features/0"),
        ({"actions": [action(features=[{"x": ["text"]}])]}, "/actions/0/features/0"),
        ({"actions": [action(features=[{"x": [True]}])]}, "/actions/0/features/0"),
        ({"actions": [action(features=[{"x": [{"y": 1}]}])]}, "/actions/0/features/0"),
        ({"actions": [action(features=[{"x": 1e13}])]}, "/actions/0/features/0"),
        ({"actions": [action(features=[{"x": 10**400}])]}, "/actions/0/features/0"),
        ({"actions": [action(features=[{"x": "a\x00"}])]}, "/actions/0/features/0"),
        ({"actions": [action(features=[nested(8)])]}, "/actions/0/features/0"),
        ({**ONE, "contextFeatures": {"x": 1}}, "/contextFeatures"),
        ({**ONE, "contextFeatures": [None]}, "/contextFeatures/0"),
        ({"actions": [action(str(i)) for i in range(50)], "contextFeatures": [{"f": [7] * 25_000}]}, "/contextFeatures"),
        ({**ONE, "excludedActions": ["a"]}, "/excludedActions"),
        ({**ONE, "excludedActions": "a"}, "/excludedActions"),
        ({**ONE, "excludedActions": [1]}, "/excludedActions/0"),
        ({**ONE, "eventId": ""}, "/eventId"),
        ({**ONE, "eventId": "e" * 257}, "/eventId"),
        ({**ONE, "eventId": 5}, "/eventId"),
        ({**ONE, "deferActivation": "yes"}, "/deferActivation"),
    ],
)
def test_a_malformed_rank_request_is_refused_in_their_words(client: Any, asked: dict[str, Any], target: str) -> None:
    content = json.dumps(asked).encode()  # httpx would refuse some of these itself
    assert_error(client.post(f"{ROOT}/rank", content=content), 400, "InvalidRankRequest", target)
    assert list(client.bench.workspace.journal.ranks.histories()) == []


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"value": NaN}', b'{"value": 1e999}', b"\xff", b"[" * 10_000, b'{"eventId": "\\ud800"}']
)
def test_what_is_not_json_is_refused(client: Any, body: bytes) -> None:
    for path in ("rank", "events/e/reward"):
        assert_error(client.post(f"{ROOT}/{path}", content=body), 400, "BadRequest")


@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": "1"}, {"value": True}, {"value": 1.01}, {"value": -1.01}, [], 5])
def test_a_malformed_reward_is_refused(client: Any, body: Any) -> None:
    assert_error(client.post(f"{ROOT}/events/e/reward", body), 400, "InvalidRewardRequest")


@pytest.mark.parametrize("value", [-1, 0, 1, 0.5, 1e-300])
def test_every_reward_from_minus_one_to_one_is_taken(client: Any, value: float) -> None:
    assert client.post(f"{ROOT}/events/e/reward", {"value": value}).status_code == 204


def test_ids_in_paths_are_bounded_and_may_hold_slashes(client: Any) -> None:
    assert_error(client.post(f"{ROOT}/events/{'e' * 257}/reward", {"value": 1}), 400, "InvalidRewardRequest")
    assert_error(client.post(f"{ROOT}/events/{'e' * 257}/activate"), 400, "InvalidEventIdToActivate")
    assert_error(client.post(f"{ROOT}/events/a%00b/activate"), 400, "InvalidEventIdToActivate")
    client.post(f"{ROOT}/rank", with_(eventId="a/b ü", deferActivation=True))
    assert client.post(f"{ROOT}/events/a%2Fb%20%C3%BC/activate").status_code == 204
    (history,) = client.bench.workspace.journal.ranks.histories()
    assert len(history.feedback) == 1


def test_what_is_not_offered_is_told_in_their_words(client: Any) -> None:
    assert_error(client.post(f"{ROOT}/multislot/rank", DOCUMENTED), 404, "ResourceNotFound")
    assert_error(client.get(f"{ROOT}/configurations/service"), 404, "ResourceNotFound")
    assert_error(client.get(f"{ROOT}/rank"), 405, "BadRequest")
    assert_error(client.post(f"{ROOT}/rank", content=b" " * 1_000_001), 400, "PayloadSizeExceeded")
    assert_error(client.post(f"{ROOT}/rank", content=b"{}", headers={"Content-Encoding": "br"}), 415, "BadRequest")


def test_the_key_is_taken_from_their_header_and_from_the_usual_ones(bench: Any, client: Any) -> None:
    guarded = type(client)(bench, load_settings(home=bench.workspace.settings.home, api_key="secret"))
    assert_error(guarded.post(f"{ROOT}/rank", DOCUMENTED), 401, "401")
    wrong = {"Ocp-Apim-Subscription-Key": "wrong"}
    assert_error(guarded.post(f"{ROOT}/rank", DOCUMENTED, headers=wrong), 401, "401")
    for headers in ({"Ocp-Apim-Subscription-Key": "secret"}, {"X-API-Key": "secret"}, {"Authorization": "Bearer secret"}):
        assert guarded.post(f"{ROOT}/rank", DOCUMENTED, headers=headers).status_code == 201
    elsewhere = guarded.get("/v1/customers/ann", headers={"Ocp-Apim-Subscription-Key": "secret"})
    assert elsewhere.status_code == 401 and elsewhere.headers["content-type"] == "application/problem+json"


def test_when_the_journal_fails_nothing_is_answered(client: Any, tmp_path: Path) -> None:
    client.bench.workspace.journal.close()
    for name in ("journal.db", "journal.db-wal", "journal.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    refused = client.post(f"{ROOT}/rank", DOCUMENTED)
    assert_error(refused, 503, "OperationNotAllowed")
    assert refused.headers["retry-after"] == "1"


def test_the_openapi_document_describes_the_calls(client: Any) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    for root in ROOTS:
        assert {f"{root}/rank", f"{root}/events/{{event_id}}/reward", f"{root}/events/{{event_id}}/activate"} <= set(paths)
        assert "contextFeatures" in json.dumps(paths[f"{root}/rank"])
        assert "problem+json" not in json.dumps([path for name, path in paths.items() if name.startswith(root)])


def test_callers_at_once_with_one_event_id_all_get_one_answer(client: Any) -> None:
    import httpx

    async def asked() -> set[bytes]:
        transport = httpx.ASGITransport(client.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as caller:
            answers = await asyncio.gather(*(caller.post(f"{ROOT}/rank", json=DOCUMENTED) for _ in range(16)))
            return {answer.content for answer in answers}

    assert len(asyncio.run(asked())) == 1
