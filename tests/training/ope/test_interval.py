from math import log as ln
from math import sqrt

import numpy as np
import pytest

from features.errors import TrainingError
from training.ope import Bernstein, Bootstrap, Log, difference, ips, snips

REWARDS = np.array([0.0, 1.0, 0.0, 1.0, 1.0])
LOG = Log(rewards=REWARDS, actions=np.zeros(5, dtype=int), probabilities=np.ones(5))
ALL = np.ones((5, 1))  # one arm, weight 1: every estimate is the mean reward, 0.6


def test_the_bernstein_bound_is_that_of_maurer_and_pontil():
    found = ips(LOG, ALL, interval=Bernstein())
    # sample variance 0.3, five terms of range 1, a risk of 0.025 to each side
    risk = ln(2 / 0.025)
    assert found.high - 0.6 == pytest.approx(sqrt(2 * 0.3 * risk / 5) + 7 * risk / (3 * 4))
    assert found.high - 0.6 == pytest.approx(0.6 - found.low)
    assert found.span == 1.0


def test_the_bernstein_bound_takes_the_span_that_is_given_and_tells_it():
    found = ips(LOG, ALL, interval=Bernstein(span=3.0))
    assert found.high - ips(LOG, ALL, interval=Bernstein()).high == pytest.approx(2.0 * 7 * ln(80) / 12)
    assert found.span == 3.0
    with pytest.raises(TrainingError, match=r"span 0\.5 is less than 1\.0, which occurs in the log"):
        ips(LOG, ALL, interval=Bernstein(span=0.5))


def test_customers_are_the_terms_of_the_bernstein_bound():
    log = Log(rewards=REWARDS, actions=np.zeros(5, dtype=int), probabilities=np.ones(5), clusters=np.array([1, 1, 2, 2, 3]))
    # three customers; the largest is 2 of 5 decisions, so 2 x 3/5 of a mean one; pulls -0.2, -0.2, 0.4
    risk = ln(80)
    variance = 0.24 * (3 / 5) ** 2 / 2
    expected = sqrt(2 * variance * risk / 3) + 7 * 1.2 * risk / (3 * 2)
    assert ips(log, ALL, interval=Bernstein()).high - 0.6 == pytest.approx(expected)


def test_the_bootstrap_takes_the_quantiles_of_distances_in_standard_errors():
    log = Log(rewards=np.repeat([0.0, 1.0], 50), actions=np.zeros(100, dtype=int), probabilities=np.ones(100))
    found = ips(log, np.ones((100, 1)), interval=Bootstrap(1, samples=20_000))
    # ones among 100 draws are binomial: 2.5 % quantiles at 40 and 60, where the standard error is that of a share of 0.4
    distance = 0.1 / sqrt(0.4 * 0.6 / 99)
    assert found.high == pytest.approx(0.5 + distance * sqrt(0.25 / 99))
    assert found.low == pytest.approx(0.5 - distance * sqrt(0.25 / 99))


def test_the_bootstrap_reaches_farther_to_where_the_log_is_skewed():
    log = Log(rewards=np.repeat([0.0, 1.0], [95, 5]), actions=np.zeros(100, dtype=int), probabilities=np.ones(100))
    found = ips(log, np.ones((100, 1)), interval=Bootstrap(1))
    assert found.high - found.value > 1.3 * (found.value - found.low)


def test_the_bootstrap_draws_customers_with_all_that_they_did():
    rewards, customers = np.array([0.0, 1.0, 0.0, 5.0, 2.0, 1.0]), np.arange(6)
    log = Log(rewards=rewards, actions=np.zeros(6, dtype=int), probabilities=np.ones(6), clusters=customers)
    thrice = Log(
        rewards=np.repeat(rewards, 3),
        actions=np.zeros(18, dtype=int),
        probabilities=np.ones(18),
        clusters=np.repeat(customers, 3),
    )
    once, again = (ips(each, np.ones((len(each.rewards), 1)), interval=Bootstrap(1)) for each in (log, thrice))
    assert (again.low, again.high) == pytest.approx((once.low, once.high))


def test_a_draw_without_any_weight_does_not_count_in_the_bootstrap_of_snips():
    target = np.eye(2)[[0, 0, 0, 1, 1, 1]]
    log = Log(rewards=np.array([2.0, 4.0, 5.0, 9.0, 9.0, 9.0]), actions=np.zeros(6, dtype=int), probabilities=np.full(6, 0.5))
    found = snips(log, target, interval=Bootstrap(1))
    assert np.isfinite([found.low, found.high]).all()
    assert found.low < found.value < found.high


def test_the_seed_draws_the_bootstrap():
    log = Log(rewards=np.linspace(0.0, 1.0, 50) ** 3, actions=np.zeros(50, dtype=int), probabilities=np.ones(50))
    first, again, other = (ips(log, np.ones((50, 1)), interval=Bootstrap(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first.low != other.low


def test_many_decisions_are_drawn_in_parts(monkeypatch):
    log = Log(rewards=np.linspace(0.0, 1.0, 50), actions=np.zeros(50, dtype=int), probabilities=np.ones(50))
    whole = ips(log, np.ones((50, 1)), interval=Bootstrap(1))
    monkeypatch.setattr("training.ope.interval._CELLS", 50 * 7)
    assert ips(log, np.ones((50, 1)), interval=Bootstrap(1)) == whole


def test_too_few_samples_are_refused():
    with pytest.raises(TrainingError, match="50 bootstrap samples are too few"):
        Bootstrap(1, samples=50)


@pytest.mark.parametrize("interval", [Bootstrap(1), Bernstein()])
def test_a_policy_does_not_differ_from_itself_by_any_interval(interval):
    found = difference(LOG, ALL, ALL, ALL, interval=interval)
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)
