"""Tails against scipy's distributions, and dispersion against what was drawn."""

import numpy as np
import pytest
from scipy.stats import binom, nbinom, poisson

from features.insights.changes.chance import LEAST_DISPERSION, dispersion, tails, variance, widening


@pytest.mark.parametrize("count", [0, 3, 20, 60])
def test_tails_are_those_of_the_distribution_that_mean_and_variance_decide(count):
    mean, n, size = 20.0, 80, 5.0
    spreads = [mean, mean * (1 - mean / n), mean + mean**2 / size]
    few, many = tails(np.full(3, float(count)), np.full(3, mean), np.array(spreads))
    known = (poisson(mean), binom(n, mean / n), nbinom(size, size / (size + mean)))
    assert few == pytest.approx([each.cdf(count) for each in known], rel=1e-6)
    assert many == pytest.approx([each.sf(count - 1) for each in known], rel=1e-6)


def test_tails_of_extreme_counts_are_numbers():
    few, many = tails(np.array([0.0, 1e9, 0.0]), np.array([1e9, 0.0, 0.0]), np.array([1e14, 0.5, 0.5]))
    assert np.isfinite(few).all() and np.isfinite(many).all()
    assert few[0] < 1e-300 and many[1] <= 1e-18 and many[2] == 1  # a mean of 1e-9, over 1e9, bounds the second


def test_rates_vary_by_chance_as_binomial_counts_do():
    assert variance(np.array([20.0]), 0.0, np.array([80.0])) == pytest.approx(15.0)
    assert variance(np.array([20.0]), 0.01, np.inf) == pytest.approx(24.0)


def test_dispersion_is_found_though_a_tenth_of_the_points_are_far_out():
    rng = np.random.default_rng(3)
    mean = np.full((2000, 2), 500.0)
    counts = rng.poisson(mean * np.column_stack([rng.gamma(1 / 0.04, 0.04, 2000), np.ones(2000)])).astype(float)
    counts[::10] *= 5
    found = dispersion(counts, mean, np.full_like(mean, np.inf))
    assert 0.03 < found[0] < 0.07
    assert found[1] < 0.003
    assert dispersion(mean, mean, np.full_like(mean, np.inf)) == pytest.approx(LEAST_DISPERSION)


def test_scores_are_never_taken_for_narrower_than_they_should_be():
    scores = np.random.default_rng(1).standard_normal((5000, 1))
    assert widening(np.hstack([scores, 2 * scores, scores / 2])) == pytest.approx([1, 2, 1], rel=0.05)
