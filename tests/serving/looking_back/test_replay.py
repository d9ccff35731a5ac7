"""Decisions taken again from their records alone: the same to the last digit, or with something changed; and no trace is left."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from features.domain import Consent, ConsentStatus
from features.errors import NotReplayableError, RequestError
from features.experiment import Arm, arm_of
from serving.deciding.live import LoadedPolicy
from serving.http.wire import Changes
from serving.looking_back.archive import Archive
from serving.looking_back.decisions import Decisions
from serving.running.local import changes_of

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
RULES = """
[exploration]
sharpness = 0.3
[experiment]
random = 0.2
propensity = 0.2
rules = 0.2
[[budgets]]
contacts = 40
[[conditions]]
touchpoint = "mail.offer"
value = "context.weather"
equals = "rain"
unknown = "allow"
[[levers]]
touchpoint = "email.news"
weight = 1.5
"""


ARMS = ("treatment", "random", "propensity", "rules")


def somebody_in(arm: Arm, client: Any) -> str:
    catalogue = client.bench.workspace.catalogue
    return next(f"c{n}" for n in range(999) if arm_of([f"c{n}"], catalogue) is arm)


def decisions_of(client: Any) -> Decisions:
    workspace = client.bench.workspace
    live = client.bench.assembly.live
    return Decisions(workspace.journal, Archive(workspace.settings, workspace.journal, workspace.catalogue, live))


def ask(client: Any, decision_id: str, **asked: Any) -> Any:
    response = client.post("/v1/recommend", {"customer_id": "ann", "decision_id": decision_id, **asked})
    assert response.status_code == 200, response.text
    return client.get(f"/v1/decisions/{decision_id}").json()


def replay(client: Any, decision_id: str, **changes: Any) -> Any:
    response = client.post(f"/v1/decisions/{decision_id}/replay", {"changes": changes})
    assert response.status_code == 200, response.text
    return response.json()


def everything(journal: Path) -> dict[str, list[Any]]:
    with sqlite3.connect(journal) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables}


@pytest.fixture
def ruled(with_rules: Any) -> Any:
    return with_rules(RULES)


def test_the_same_record_gives_the_same_answer_to_the_last_digit(ruled: Any) -> None:
    visit = {"touchpoint": "store.checkout", "kind": "purchase", "value": 12.34}
    asked: list[dict[str, Any]] = [
        {"limit": 3},
        {"candidates": ["email.news"]},
        {"exclude": ["email.news"], "context": {"weather": "rain", "new": True, "n": 3, "x": 0.1}},
        {"slots": 3},
        {"interactions": [visit], "defer": True},
        {"context": {"weather": "sun"}},
    ]
    for index in range(24):
        ruled.bench.clock.now += timedelta(hours=7)
        customer = somebody_in(Arm(ARMS[index % 4]), ruled) if index % 3 else "ann"
        ask(ruled, f"d{index}", customer_id=customer, **asked[index % len(asked)])
        for decision_id in (f"d{index}", *([f"d{index}/2", f"d{index}/3"] if index % len(asked) == 3 else [])):
            again = replay(ruled, decision_id)
            assert again["same"], again["differences"]
            assert again["replayed"]["chosen"] == again["recorded"]["chosen"]
            assert again["replayed"]["candidates"] == again["recorded"]["candidates"]


def test_a_decision_of_the_priors_is_taken_again_as_well(client: Any) -> None:
    client.bench.assembly.live.current = None
    ask(client, "d1")
    assert replay(client, "d1")["same"]


def test_the_body_may_be_left_out(client: Any) -> None:
    ask(client, "d1")
    assert client.post("/v1/decisions/d1/replay").json()["same"]


def test_a_replay_leaves_no_trace(ruled: Any, tmp_path: Path) -> None:
    ask(ruled, "d1", context={"weather": "rain"})
    before, metrics = everything(tmp_path / "journal.db"), ruled.metrics.exposition()
    counted = b"\n".join(line for line in metrics.splitlines() if b"http_request" not in line)
    replay(ruled, "d1")
    replay(ruled, "d1", contacts=[], features={"trait_age_number": 3}, at="2026-02-03T00:00:00Z")
    ruled.get("/v1/decisions/d1/explanation")
    after = b"\n".join(line for line in ruled.metrics.exposition().splitlines() if b"http_request" not in line)
    assert everything(tmp_path / "journal.db") == before
    assert after == counted
    assert before["decisions"] and before["catalogues"]


def test_a_feature_that_had_been_otherwise_changes_the_money(client: Any) -> None:
    ask(client, "d1")
    offer = replay(client, "d1", features={"kind_purchase_lifetime_count": 0})
    was, now = (side["candidates"][1] for side in (offer["recorded"], offer["replayed"]))
    assert not offer["same"]
    assert now["uplift"] < was["uplift"]
    assert any(words.startswith("mail.offer: expected ") for words in offer["differences"])


def test_without_its_contacts_the_cap_would_not_have_stood_in_the_way(client: Any) -> None:
    client.bench.workspace.journal.add_contacts([("c1", "ann", "mail.offer", NOW - timedelta(days=3))])
    kept = ask(client, "d1")
    assert not kept["candidates"][1]["eligible"] and kept["candidates"][1]["until"] is not None
    free = replay(client, "d1", contacts=[])
    assert free["replayed"]["candidates"][1]["eligible"]
    assert any(words.startswith("mail.offer: eligible; it was not eligible") for words in free["differences"])
    later = replay(client, "d1", at="2026-03-01T12:00:00Z")
    assert later["replayed"]["candidates"][1]["eligible"]
    supposed = [{"touchpoint": "email.news", "at": "2026-01-30T12:00:00Z"}]
    assert not replay(client, "d1", contacts=supposed)["replayed"]["candidates"][2]["eligible"]


def test_a_consent_that_had_been_refused_would_have_stood_in_the_way(client: Any) -> None:
    said = Consent(
        message_id="k1", customer_id="ann", status=ConsentStatus.DENIED, at=NOW, received_at=NOW, source="test", channel="email"
    )
    ask(client, "d1")
    refused = replay(client, "d1", consents=[{"status": "denied", "channel": "email"}])
    assert refused["replayed"]["candidates"][2]["stage"] == "consent"
    client.bench.workspace.journal.append_consents([said])
    ask(client, "d2")
    assert replay(client, "d2", consents=[], contacts=[])["replayed"]["candidates"][2]["eligible"]


def test_other_candidates_and_another_context_would_have_given_another_answer(ruled: Any) -> None:
    ask(ruled, "d1", context={"weather": "sun", "place": "home"})
    rain = replay(ruled, "d1", context={"weather": "rain"})["replayed"]["candidates"]
    assert [each["eligible"] for each in rain] == [True, True, True]
    only = replay(ruled, "d1", candidates=["mail.offer"], exclude=[])["replayed"]["candidates"]
    assert [each["stage"] for each in only] == [None, "suitable" if only[1]["stage"] == "suitable" else "eligible", "available"]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"features": {"no_such_feature": 1}}, "/changes/features"),
        ({"features": {"trait.height": 1}}, "/changes/features"),
        ({"features": {"trait.tier": "platinum"}}, "/changes/features/trait_tier_category"),
        ({"context": {"timezone": "Mars/X"}}, "/changes/context/timezone"),
        ({"features": {"trait_age_number": "old"}}, "/changes/features/trait_age_number"),
        ({"features": {"trait_tier_category": "platinum"}}, "/changes/features/trait_tier_category"),
        ({"features": {"trait_tier_category": 1}}, "/changes/features/trait_tier_category"),
        ({"candidates": ["email.nothing"]}, "/candidates"),
        ({"contacts": [{"touchpoint": "mail.offer", "at": "2026-01-01T00:00:00Z", "kind": "visit"}]}, "/changes/contacts"),
        ({"colour": "red"}, "/changes/colour"),
        ({"at": "yesterday"}, "/changes/at"),
    ],
)
def test_changes_that_cannot_be_are_refused(client: Any, changes: dict[str, Any], pointer: str) -> None:
    ask(client, "d1")
    response = client.post("/v1/decisions/d1/replay", {"changes": changes})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, pointer)


def test_what_was_not_decided_here_or_cannot_be_decided_again_says_so(client: Any, make_policy: Any) -> None:
    assert client.post("/v1/decisions/none/replay").json()["type"] == "/problems/unknown-decision"
    ask(client, "d1")
    client.bench.assembly.live.current = LoadedPolicy(make_policy("2"), "1" * 64)
    gone = client.post("/v1/decisions/d1/replay").json()
    assert (gone["type"], gone["status"]) == ("/problems/not-replayable", 409)
    told = client.get("/v1/decisions/d1/explanation").json()
    assert told["contributions"] == [] and "What features contributed is not known" in told["words"][-1]


def test_a_record_under_another_catalogue_is_taken_again_with_that_one(with_rules: Any, client: Any) -> None:
    before = with_rules("[exploration]\nsharpness = 0.1\n", caps=False)
    ask(before, "d1")
    now = with_rules("[exploration]\nsharpness = 9.0\n")
    now.bench.assembly.live.current = before.bench.assembly.live.current
    assert now.bench.workspace.catalogue.version != before.bench.workspace.catalogue.version
    assert replay(now, "d1")["same"]


def test_a_catalogue_or_a_situation_that_was_not_kept_is_named(client: Any) -> None:
    ask(client, "d1")
    found, record = decisions_of(client), decisions_of(client).decision("d1")
    archive = found._archive
    from dataclasses import replace

    from serving.looking_back.replay import replay as replayed

    for changed, words in (
        ({"catalogue_version": "0" * 12}, "catalogue 000000000000 is not in this home's journal"),
        ({"features_version": "0" * 12}, "taken with other features"),
        ({"situation": None}, "recorded before situations were"),
    ):
        with pytest.raises(NotReplayableError, match=words):
            replayed(replace(record, **changed), Changes(), archive)


def test_other_software_is_named_where_it_computes_something_else(client: Any) -> None:
    from dataclasses import replace

    from serving.looking_back.replay import replay as replayed

    ask(client, "d1")
    record = decisions_of(client).decision("d1")
    first, *others = record.candidates
    other = replace(record, candidates=(replace(first, probability=0.123), *others), software_version="0.0.1")
    found = replayed(other, Changes(), decisions_of(client)._archive)
    assert not found.same
    assert found.differences[-1] == "It was taken by version 0.0.1 of the software; this is another one."


def test_settings_of_the_command_line_become_changes() -> None:
    changes = changes_of(["trait_tier_category=gold", "n=null"], exclude=["mail.offer"], without_contacts=True, at=NOW)
    assert changes == {
        "features": {"trait_tier_category": "gold", "n": None},
        "context": {},
        "exclude": ["mail.offer"],
        "contacts": [],
        "at": NOW,
    }
    with pytest.raises(RequestError, match="must be name=value"):
        changes_of(["gold"], exclude=None, without_contacts=False, at=None)


@pytest.mark.parametrize("at", ["0001-01-02T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_a_time_near_the_end_of_the_calendar_is_refused_in_words(client: Any, at: str) -> None:
    ask(client, "d1")
    response = client.post("/v1/decisions/d1/replay", {"changes": {"at": at}})
    assert response.status_code == 422
    assert "more than a century" in response.json()["detail"]


def test_a_trait_may_be_named_as_conditions_name_it(client: Any) -> None:
    ask(client, "d1")
    named = replay(client, "d1", features={"trait.age": 15, "trait.tier": "gold"})
    assert named == replay(client, "d1", features={"trait_age_number": 15, "trait_tier_category": "gold"})


@pytest.mark.parametrize(
    ("misspelt", "meant"),
    [("trait.aeg", "trait.age"), ("trait_age_numbr", "trait_age_number"), ("trait_age", "trait.age")],
)
def test_a_misspelt_feature_is_answered_with_what_was_probably_meant(client: Any, misspelt: str, meant: str) -> None:
    ask(client, "d1")
    detail = client.post("/v1/decisions/d1/replay", {"changes": {"features": {misspelt: 3}}}).json()["detail"]
    assert f"did you mean {meant!r}" in detail


def test_a_probability_that_differs_is_told_as_a_percentage(client: Any) -> None:
    from dataclasses import replace

    from serving.looking_back.replay import replay as replayed

    record = decisions_of(client).decision(ask(client, "d1")["decision_id"])
    first, *others = record.candidates
    other = replace(record, candidates=(replace(first, probability=0.123), *others))
    words = replayed(other, Changes(), decisions_of(client)._archive).differences
    assert any(each.startswith("none: probability ") and each.endswith(" % instead of 12.3 %.") for each in words)


def test_the_help_of_replay_says_that_the_time_stays_as_recorded() -> None:
    from typer.testing import CliRunner

    from serving.cli import app

    shown = " ".join(CliRunner().invoke(app, ["replay", "--help"], env={"COLUMNS": "300"}).output.split())
    assert "default: the recorded time" in shown and "default: now" not in shown and "trait.age=15" in shown
