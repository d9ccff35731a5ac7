"""Reasons in plain words."""

from dataclasses import replace

import numpy as np

from features.catalogue import Catalogue
from features.tables import feature_list
from serving.deciding.reasons import arm_reason, chance_reason, described, feature_reasons, money_reason, percent, span
from serving.deciding.record import Parts, ScoredCandidate


def candidate(touchpoint: str, net_value: float) -> ScoredCandidate:
    return ScoredCandidate(
        touchpoint=touchpoint,
        eligible=True,
        stage=None,
        rule=None,
        propensity=0.121,
        uplift=0.021,
        value=240.0,
        net_value=net_value,
        cost=0.01,
        probability=0.5,
    )


def test_the_money_reason_is_a_sum_that_one_can_check() -> None:
    # 0.021 x 240 x 0.25 - 0.01 = 1.25
    reason = money_reason(candidate("mail.offer", 1.25), margin=0.25, currency="USD")
    assert reason == "expected value 1.25 USD = 2.10 points of conversion x 240.00 USD x 25 % - cost 0.01"


def test_doing_nothing_gains_nothing() -> None:
    assert money_reason(candidate("none", 0.0), margin=0.25, currency="EUR").endswith("0.00 EUR")


def test_only_the_three_strongest_that_raise_the_effect_are_told_strongest_first(catalogue: Catalogue) -> None:
    features = feature_list(catalogue)
    names = [feature.name for feature in features]
    effects = np.zeros(len(features))
    told = {
        "purchase_30d_money": 0.02,
        "kind_purchase_recency_days": 0.01,
        "trait_tier_category": 0.005,
        "trait_age_number": 0.004,
        "tenure_lifetime_days": -0.5,
    }
    for name, effect in told.items():
        effects[names.index(name)] = effect
    values: dict[str, float | int | str | None] = dict.fromkeys(names)
    values |= {"purchase_30d_money": 41.256, "kind_purchase_recency_days": 3.0, "trait_tier_category": "gold"}
    assert feature_reasons(features, values, effects, touchpoint="mail.offer", currency="USD") == (
        "Value of purchases, each halved every 30 days: 41.3 USD; this raises the effect of mail.offer by 2.00 points",
        "Days since the last of interactions of kind purchase: 3 days; this raises the effect of mail.offer by 1.00 points",
        "Last known tier: gold; this raises the effect of mail.offer by 0.50 points",
    )


def test_what_is_unknown_is_said_to_be(catalogue: Catalogue) -> None:
    age = next(feature for feature in feature_list(catalogue) if feature.name == "trait_age_number")
    assert described(age, None, currency="USD") == "Last known age: unknown"


def test_a_choice_that_is_best_needs_no_excuse() -> None:
    best = candidate("mail.offer", 1.0)
    assert chance_reason(best, best, currency="USD") is None
    assert (
        chance_reason(candidate("email.news", 0.6), best, currency="USD") == "chosen to learn: mail.offer looked 0.40 USD better"
    )


def test_parts_of_the_money_that_come_to_something_are_told() -> None:
    # 0.021 x 240 x 0.25 + 0.40 - 0.01 - 0.52 - 0.03 = 1.10
    parts = Parts(gain=1.26, retention=0.4, cost=0.01, incentive=0.52, fatigue=0.03)
    told = replace(candidate("mail.offer", 1.1), parts=parts, lever=1.2)
    assert money_reason(told, margin=0.25, currency="USD") == (
        "expected value 1.10 USD = 2.10 points of conversion x 240.00 USD x 25 % + retention 0.40 - cost 0.01 "
        "- incentive 0.52 - fatigue 0.03 (x lever 1.2)"
    )
    driven = replace(candidate("mail.offer", 0.85), parts=Parts(gain=1.26, retention=-0.4, cost=0.01, incentive=0.004))
    assert "x 25 % - retention 0.40 - cost 0.01" in money_reason(driven, margin=0.25, currency="USD")
    assert "incentive" not in money_reason(driven, margin=0.25, currency="USD")


def test_only_customers_of_other_arms_are_told_that_they_are() -> None:
    assert arm_reason("treatment") is None and arm_reason("holdout") is None
    assert "equally likely" in (arm_reason("random") or "")


def test_what_goes_before_by_a_lever_is_not_said_to_look_better() -> None:
    levered = candidate("email.news", 0.3)
    words = chance_reason(candidate("mail.offer", 0.4), levered, currency="USD")
    assert words == "chosen to learn: email.news went before it"


def test_a_span_is_told_in_the_unit_that_suits_its_length() -> None:
    # 97,107 s are 26.97 h
    assert [span(each) for each in (40, 600, 97_107, 200_000)] == ["40 s", "10 min", "27 h", "2 days"]


def test_a_probability_is_told_as_a_percentage() -> None:
    assert [percent(each) for each in (0.0, 1.0, 0.655, 0.98765, 0.0012)] == ["0 %", "100 %", "65.5 %", "98.77 %", "0.12 %"]
