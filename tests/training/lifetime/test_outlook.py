import numpy as np
import pytest

from training.lifetime.bgnbd import BgNbd, expected, fit_bgnbd
from training.lifetime.outlook import Forecast, discounted, draw_conversions
from training.lifetime.transactions import Transactions

LOGS = np.log([0.8, 60.0, 0.8, 2.5])


def kinds(n=4):
    rows = np.array([[0, 0, 10], [1, 20, 90], [5, 200, 210], [9, 50, 300]][:n], dtype=float)
    return Transactions(repeats=rows[:, 0], recency=rows[:, 1], age=rows[:, 2], count=np.ones(n))


def model(covariance=None):
    r, alpha, a, b = np.exp(LOGS)
    none = np.zeros((4, 4))
    return BgNbd(
        r=r, alpha=alpha, a=a, b=b, covariance=none if covariance is None else covariance, log_likelihood=0.0, customers=4
    )


def test_without_interest_a_discount_changes_nothing():
    assert discounted(LOGS, kinds(), 365.0, annual=0.0) == pytest.approx(expected(LOGS, kinds(), 365.0))


def test_a_conversion_within_a_year_is_worth_about_half_a_years_interest_less():
    ratio = discounted(LOGS, kinds(), 365.0, annual=0.1) / expected(LOGS, kinds(), 365.0)
    assert (ratio > 1.1**-0.5).all() and (ratio < 1.0).all()  # more come early than late


def test_conversions_drawn_have_the_mean_that_the_formula_gives():
    many = kinds().take(np.repeat(np.arange(4), 50_000))
    drawn = draw_conversions(model(), many, 365.0, rng=np.random.default_rng(1)).reshape(4, -1)
    error = drawn.std(axis=1) / np.sqrt(drawn.shape[1])
    assert (np.abs(drawn.mean(axis=1) - expected(LOGS, kinds(), 365.0)) < 4 * error).all()


def test_a_total_is_the_weighted_sum_and_its_interval_has_each_source_of_error():
    rng = np.random.default_rng(1)
    forecast = Forecast.made(model(), kinds(), 365.0)
    weights = np.array([10.0, 0.0, 5.0, 0.0])
    none = forecast.total(weights, np.zeros(4), rng=rng)
    assert none.value == pytest.approx(10 * forecast.mean[0] + 5 * forecast.mean[2])
    assert none.low == none.value == none.high
    luck = forecast.total(weights, weights, rng=rng)
    assert luck.low < none.value < luck.high
    money = forecast.total(weights, np.zeros(4), rng=rng, relative=0.1)
    assert money.high / money.value == pytest.approx(1.196, abs=1e-3)
    parameters = Forecast.made(model(np.eye(4) * 0.01), kinds(), 365.0).total(weights, np.zeros(4), rng=rng)
    assert parameters.high > parameters.value


def test_the_interval_holds_what_comes_true_nineteen_times_in_twenty(world):
    buyers, transactions_of = world
    held = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        customers, times = buyers(800, r=0.8, alpha=30.0, a=0.8, b=2.5, until=500.0, rng=rng)
        of, seen = transactions_of(customers, times, until=400.0)
        actual = ((times >= 400.0) & seen[np.minimum(customers, len(seen) - 1)] & (customers < len(seen))).sum()
        total = Forecast.made(fit_bgnbd(of), of, 100.0).total(of.count, of.count, rng=rng)
        held += total.low <= actual <= total.high
    assert held >= 17  # of 20; fewer come once in sixty times
