"""Slates: several touchpoints together, by number or by placement, at once or deferred, whole again after a crash."""

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from serving.deciding.judge import TAKEN_BEFORE
from training.policy import rng_for

EVEN = "[exploration]\nsharpness = 0.0\nfloor = 0.0\n"
PLACES = f"""
{EVEN}
[[touchpoints]]
name = "web.hero"
stage = "consideration"
recommendable = true
placements = ["top"]

[[touchpoints]]
name = "web.tip"
stage = "consideration"
recommendable = true
placements = ["top", "side"]
"""


def record(client: Any, decision_id: str) -> Any:
    return client.get(f"/v1/decisions/{decision_id}").json()


def slate(client: Any, decision_id: str = "s", **asked: Any) -> Any:
    response = client.post("/v1/recommend", {"customer_id": "ann", "decision_id": decision_id, "slots": 3, **asked})
    assert response.status_code == 200, response.text
    return response.json()["recommendations"]


def chosen(recommendations: list[dict[str, Any]]) -> list[str]:
    return [each["touchpoint"] for each in recommendations]


def contacts(client: Any) -> list[str]:
    journal, now = client.bench.workspace.journal, client.bench.clock.now
    return [contact.touchpoint for contact in journal.contacts_of(["ann"], now - timedelta(days=365)).contacts]


def test_each_slot_is_a_decision_of_its_own_with_its_probability_given_the_slots_before(with_rules: Any) -> None:
    client = with_rules(EVEN, caps=False)
    for index in range(8):
        given = slate(client, f"s{index}")
        assert [each["decision_id"] for each in given] == [f"s{index}", f"s{index}/2", f"s{index}/3"]
        assert [each["rank"] for each in given] == [1, 2, 3]
        left = 3  # none and two touchpoints, all equally likely
        for slot, each in enumerate(given, start=1):
            kept = record(client, each["decision_id"])
            assert kept["chosen"] == each["touchpoint"]
            assert each["probability"] == pytest.approx(1 / left)
            assert kept["slate"]["slot"] == slot
            assert sum(candidate["probability"] for candidate in kept["candidates"]) == pytest.approx(1.0)
            left -= each["touchpoint"] != "none"


def test_the_draw_of_every_slot_comes_from_its_own_id(with_rules: Any) -> None:
    client = with_rules(EVEN, caps=False)
    for each in slate(client):
        draw = record(client, each["decision_id"])["draw"]
        assert draw["u"] == rng_for(each["decision_id"], draw["seed"]).random()


def test_a_touchpoint_appears_once_and_nothing_may_appear_again(with_rules: Any) -> None:
    client = with_rules(EVEN, caps=False)
    slates = [chosen(slate(client, f"s{index}", slots=5)) for index in range(12)]
    for each in slates:
        sent = [touchpoint for touchpoint in each if touchpoint != "none"]
        assert len(sent) == len(set(sent)) <= 2
    assert any(each[0] == "none" and set(each) > {"none"} for each in slates)  # an empty slot ends no slate
    index, first = next((i, slate[0]) for i, slate in enumerate(slates) if slate[0] != "none")
    dropped = next(each for each in record(client, f"s{index}/2")["candidates"] if each["touchpoint"] == first)
    assert (dropped["stage"], dropped["rule"]) == ("available", TAKEN_BEFORE)


@pytest.mark.parametrize("how", [{}, {"dry_run": True}, {"defer": True}])
def test_no_cap_is_broken_within_a_slate_however_it_is_asked_for(with_rules: Any, how: dict[str, Any]) -> None:
    client = with_rules(EVEN)  # at most one contact in 7 days
    for index in range(6):
        client.bench.clock.now += timedelta(days=7)
        given = chosen(slate(client, f"s{index}", slots=4, **how))
        assert len(given) - given.count("none") <= 1


def test_a_budget_holds_within_a_slate(with_rules: Any) -> None:
    client = with_rules(EVEN + "[[budgets]]\ncontacts = 1\npaced = false\n", caps=False)
    given = [chosen(slate(client, f"s{index}", **({"defer": True} if index else {}))) for index in range(6)]
    every = [touchpoint for each in given for touchpoint in each if touchpoint != "none"]
    assert len(contacts(client)) <= 1
    assert all(len(each) - each.count("none") <= 1 for each in given)
    assert every


def test_the_same_id_gives_the_same_slate_and_another_question_is_refused(with_rules: Any) -> None:
    client = with_rules(EVEN, caps=False)
    first = slate(client)
    assert slate(client) == first
    other = client.post("/v1/recommend", {"customer_id": "ann", "decision_id": "s", "slots": 2})
    assert (other.status_code, other.json()["type"]) == (409, "/problems/decision-conflict")


def test_a_slate_of_which_one_id_is_taken_is_refused_before_anything_is_kept(client: Any) -> None:
    client.post("/v1/recommend", {"customer_id": "bob", "decision_id": "s/2"})
    response = client.post("/v1/recommend", {"customer_id": "ann", "decision_id": "s", "slots": 3})
    assert (response.status_code, response.json()["type"]) == (409, "/problems/decision-conflict")
    assert client.get("/v1/decisions/s").status_code == 404


def test_a_slate_that_broke_off_is_completed_by_asking_again(with_rules: Any) -> None:
    client = with_rules(EVEN, caps=False)
    visit = {"touchpoint": "store.checkout", "kind": "purchase", "value": 5.0, "message_id": "m1"}
    whole = slate(client, interactions=[visit])
    with sqlite3.connect(client.bench.workspace.settings.journal_url.removeprefix("sqlite:///")) as journal:
        journal.execute("DELETE FROM decisions WHERE decision_id IN ('s/2', 's/3')")
    again = slate(client, interactions=[visit])
    assert again[0] == whole[0]
    assert chosen(again) == chosen(whole)
    assert client.bench.workspace.journal.head() == 1
    assert record(client, "s")["interactions"] and not record(client, "s/2")["interactions"]


def test_a_slate_by_placements_shows_at_each_only_what_fits_there(with_rules: Any) -> None:
    client = with_rules(PLACES, caps=False)
    seen = set()
    for index in range(25):
        given = client.post(
            "/v1/recommend", {"customer_id": "ann", "decision_id": f"p{index}", "placements": ["side", "top"]}
        ).json()["recommendations"]
        assert [each["placement"] for each in given] == ["side", "top"]
        assert given[0]["touchpoint"] != "web.hero"
        seen |= {(each["placement"], each["touchpoint"]) for each in given}
    assert {("side", "web.tip"), ("top", "web.hero"), ("top", "email.news")} <= seen
    assert record(client, "p0")["slate"] == {"id": "p0", "slot": 1, "placement": "side", "before": []}
    hero = record(client, "p0")["candidates"][3]
    assert (hero["touchpoint"], hero["stage"]) == ("web.hero", "available")


def test_a_placement_that_nothing_is_shown_at_is_refused_before_anything_is_kept(with_rules: Any) -> None:
    client = with_rules(PLACES, caps=False)
    response = client.post("/v1/recommend", {"customer_id": "ann", "decision_id": "p", "placements": ["top", "bottom"]})
    assert response.status_code == 422
    assert "bottom" in response.json()["detail"]
    assert client.get("/v1/decisions/p").status_code == 404


@pytest.mark.parametrize(
    "asked",
    [
        {"slots": 2, "limit": 2},
        {"placements": ["a"], "slots": 1},
        {"placements": ["a", "a"]},
        {"placements": []},
        {"slots": 0},
        {"slots": 11},
        {"slots": 2, "decision_id": "d" * 198},
    ],
)
def test_questions_that_contradict_themselves_are_refused(client: Any, asked: dict[str, Any]) -> None:
    assert client.post("/v1/recommend", {"customer_id": "ann", **asked}).status_code == 422


def test_a_deferred_decision_is_a_contact_once_it_is_activated_and_only_once(with_rules: Any) -> None:
    client = with_rules(EVEN, caps=False)
    given = slate(client, defer=True)
    assert contacts(client) == []
    sent = next(each for each in given if each["touchpoint"] != "none")
    assert record(client, sent["decision_id"])["deferred"] is True
    for _ in range(2):
        response = client.post(f"/v1/decisions/{sent['decision_id']}/activate")
        assert (response.status_code, response.content) == (204, b"")
    assert contacts(client) == [sent["touchpoint"]]


def test_what_was_not_deferred_or_does_nothing_may_be_activated_without_effect(with_rules: Any) -> None:
    client = with_rules(EVEN, caps=False)
    before = [each for each in slate(client) if each["touchpoint"] != "none"]
    for each in slate(client, "deferred", slots=4, defer=True):
        if each["touchpoint"] == "none":
            assert client.post(f"/v1/decisions/{each['decision_id']}/activate").status_code == 204
    for each in before:
        assert client.post(f"/v1/decisions/{each['decision_id']}/activate").status_code == 204
    assert contacts(client) == chosen(before)
    assert client.post("/v1/decisions/nowhere/activate").json()["type"] == "/problems/unknown-decision"


def test_a_deferred_decision_carried_out_by_its_own_channel_counts_as_well(with_rules: Callable[..., Any]) -> None:
    client = with_rules(EVEN, caps=False)
    sent = next(each for each in slate(client, slots=6, defer=True) if each["touchpoint"] != "none")
    posted = {"customer_id": "ann", "touchpoint": sent["touchpoint"], "kind": "contact", "decision_id": sent["decision_id"]}
    client.post("/v1/interactions", posted)
    client.post(f"/v1/decisions/{sent['decision_id']}/activate")
    assert contacts(client) == [sent["touchpoint"]]


def test_many_customers_may_be_asked_about_with_slots(client: Any) -> None:
    answers = client.post("/v1/recommend", {"customers": ["ann", "bob"], "slots": 2}).json()
    assert [len(answer["recommendations"]) for answer in answers] == [2, 2]
    assert all(datetime.fromisoformat(answer["at"]) for answer in answers)
