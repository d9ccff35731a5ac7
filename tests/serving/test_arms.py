"""The arms of the experiment, the challenger, and what it would have done in the shadow of the champion."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from features.experiment import Arm, arm_of
from serving.deciding.live import LoadedPolicy

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
EXPERIMENT = "[experiment]\nrandom = 0.2\npropensity = 0.2\nrules = 0.2\nchallenger = 0.2\n"


def somebody_in(arm: Arm, client: Any) -> str:
    catalogue = client.bench.workspace.catalogue
    return next(f"c{n}" for n in range(999) if arm_of([f"c{n}"], catalogue) is arm)


def record(client: Any, customer_id: str, decision_id: str = "d1", **asked: Any) -> Any:
    response = client.post("/v1/recommend", {"customer_id": customer_id, "decision_id": decision_id, **asked})
    assert response.status_code == 200, response.text
    return client.get(f"/v1/decisions/{decision_id}").json()


def test_in_arm_random_every_eligible_touchpoint_is_equally_likely(with_rules: Any) -> None:
    client = with_rules(EXPERIMENT, caps=False)
    kept = record(client, somebody_in(Arm.RANDOM, client))
    assert kept["arm"] == "random"
    assert [each["probability"] for each in kept["candidates"]] == pytest.approx([1 / 3] * 3)
    assert any("equally likely" in reason for reason in kept["recommendations"][0]["reasons"])


def test_in_arm_propensity_a_contact_is_ordered_by_what_is_likely_anyway(with_rules: Any) -> None:
    client = with_rules(EXPERIMENT, caps=False)
    kept = record(client, somebody_in(Arm.PROPENSITY, client))
    offer = kept["candidates"][1]
    assert kept["arm"] == "propensity"
    assert offer["priority"] == pytest.approx(offer["propensity"] * offer["value"] * 0.25 - 0.5)
    assert offer["net_value"] == pytest.approx(offer["uplift"] * offer["value"] * 0.25 - 0.5)


def test_in_arm_rules_the_catalogues_priors_decide(with_rules: Any) -> None:
    client = with_rules(EXPERIMENT, caps=False)
    kept = record(client, somebody_in(Arm.RULES, client))
    assert kept["arm"] == "rules"
    assert [each["uplift"] for each in kept["candidates"]] == pytest.approx([0.0, 0.02, 0.0])


def test_in_arm_challenger_the_challenger_decides_and_without_one_the_champion(with_rules: Any, make_policy: Any) -> None:
    client = with_rules(EXPERIMENT, caps=False)
    customer = somebody_in(Arm.CHALLENGER, client)
    assert record(client, customer, "d1")["policy"]["version"] == "1"
    client.bench.assembly.live.challenger = LoadedPolicy(make_policy("2", uplift=0.3), "2" * 64)
    kept = record(client, customer, "d2")
    assert (kept["arm"], kept["policy"]["version"], kept["policy"]["sha256"]) == ("challenger", "2", "2" * 64)
    assert record(client, somebody_in(Arm.TREATMENT, client), "d3")["policy"]["version"] == "1"
    assert client.post("/v1/decisions/d2/replay").json()["same"]


def test_the_customers_page_names_the_same_arm(with_rules: Any) -> None:
    client = with_rules(EXPERIMENT, caps=False)
    for arm in (Arm.RANDOM, Arm.TREATMENT):
        customer = somebody_in(arm, client)
        record(client, customer, f"d-{arm}")
        assert client.get(f"/v1/customers/{customer}").json()["arm"] == arm


def test_in_shadow_mode_each_record_has_what_the_challenger_would_have_done_and_the_answer_is_the_same(
    with_rules: Callable[..., Any], make_policy: Any
) -> None:
    plain = with_rules()
    without = record(plain, "ann", "d1", dry_run=False)
    shadowed = with_rules(shadow=True, journal_url=f"{plain.bench.workspace.settings.journal_url}2")
    shadowed.bench.assembly.live.challenger = LoadedPolicy(make_policy("2", uplift=0.3), "2" * 64)
    kept = record(shadowed, "ann", "d1")
    assert without["shadow"] is None
    assert kept["shadow"]["policy"] == {"name": "touchpoint-policy", "version": "2", "sha256": "2" * 64}
    assert kept["shadow"]["net_values"]["mail.offer"] > kept["candidates"][1]["net_value"]
    assert sum(kept["shadow"]["probabilities"].values()) == pytest.approx(1.0)
    for key in ("chosen", "candidates", "draw", "recommendations", "policy"):
        assert kept[key] == without[key]


def test_only_what_is_eligible_has_a_chance_in_the_shadow(with_rules: Any, make_policy: Any) -> None:
    client = with_rules(shadow=True)
    client.bench.assembly.live.challenger = LoadedPolicy(make_policy("2"), "2" * 64)
    kept = record(client, "ann", candidates=["email.news"])
    assert kept["shadow"]["probabilities"]["mail.offer"] == 0.0


def test_the_challenger_is_looked_for_only_where_it_is_needed(with_rules: Any) -> None:
    assert not with_rules().bench.assembly.live._with_challenger
    assert with_rules(shadow=True).bench.assembly.live._with_challenger
    assert with_rules(EXPERIMENT).bench.assembly.live._with_challenger
