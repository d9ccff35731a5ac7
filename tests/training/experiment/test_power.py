import math

import numpy as np
import pytest
from scipy.stats import norm

from training.experiment.power import Plan, PowerError, customers_for, effect_for


def test_an_amount_takes_the_textbooks_16_variances_over_the_squared_effect_in_each_half():
    # Lehr's rule: 16 s² / d² a group; exactly 2 (1.95996 + 0.84162)² = 15.698
    assert customers_for(1.0, Plan(baseline=0.0, deviation=10.0, holdout_share=0.5)) == pytest.approx(2 * 1569.8, abs=1)


def test_a_smaller_holdout_takes_more_customers():
    # by hand: 1/0.9 + 1/0.1 = 11.11 instead of 4
    even, tenth = (customers_for(1.0, Plan(baseline=0.0, deviation=10.0, holdout_share=share)) for share in (0.5, 0.1))
    assert tenth / even == pytest.approx(11.1111 / 4, rel=1e-3)


def test_what_is_known_before_takes_the_square_of_its_correlation_off():
    plain, with_before = (customers_for(0.1, Plan(baseline=0.0, deviation=1.0, correlation=rho)) for rho in (0.0, 0.7))
    assert with_before / plain == pytest.approx(0.51, rel=1e-3)


@pytest.mark.parametrize("deviation", [None, 4.0])
def test_the_smallest_effect_that_so_many_customers_show_takes_so_many_customers(deviation):
    plan = Plan(baseline=0.1, deviation=deviation, holdout_share=0.2, correlation=0.3)
    assert customers_for(effect_for(20_000, plan), plan) == pytest.approx(20_000, abs=2)


def test_the_power_is_what_simulated_experiments_have():
    plan, rng, runs = Plan(baseline=0.1, holdout_share=0.2, power=0.8), np.random.default_rng(7), 4000
    n = customers_for(0.03, plan)
    held_out = round(n * 0.2)
    treated = rng.binomial(n - held_out, 0.13, runs) / (n - held_out)
    control = rng.binomial(held_out, 0.1, runs) / held_out
    error = np.sqrt(treated * (1 - treated) / (n - held_out) + control * (1 - control) / held_out)
    seen = np.mean(np.abs(treated - control) / error > norm.ppf(0.975))
    assert seen == pytest.approx(0.8, abs=0.025)


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"baseline": 1.2}, "deviation"),
        ({"baseline": 0.1, "holdout_share": 0.0}, "holdout_share"),
        ({"baseline": 0.1, "correlation": 1.0}, "correlation"),
        ({"baseline": 3.0, "deviation": -1.0}, "above 0"),
        ({"baseline": 3.0, "deviation": math.inf}, "above 0"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(plan, words):
    with pytest.raises(PowerError, match=words):
        Plan(**plan)


def test_a_question_without_an_answer_is_refused():
    plan = Plan(baseline=0.9)
    for impossible in (
        lambda: customers_for(0.0, plan),
        lambda: customers_for(0.2, plan),
        lambda: customers_for(math.nan, Plan(baseline=3.0, deviation=1.0)),
        lambda: effect_for(1, plan),
        lambda: effect_for(20, plan),
    ):
        with pytest.raises(PowerError):
            impossible()
