"""The probabilities that are logged are those with which touchpoints are drawn."""

import numpy as np
import pytest
from scipy.stats import chisquare

from training.policy import draw, inverse_gap_probabilities, rng_for

DRAWS = 100_000
PROBABILITIES = inverse_gap_probabilities(
    np.array([[0.0, 1.3, -0.4, 2.0, 0.2, 9.0]]),
    np.array([[True, True, True, True, True, False]]),
    sharpness=2.0,
    floor=0.02,
)[0]


def p_value(drawn, probabilities):
    counts = np.bincount(drawn, minlength=len(probabilities))
    possible = probabilities > 0.0
    assert counts[~possible].sum() == 0
    return chisquare(counts[possible], probabilities[possible] * len(drawn)).pvalue


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_draws_of_many_decisions_have_the_frequencies_that_are_logged(seed):
    drawn = [draw(PROBABILITIES, rng_for(f"decision-{number}", seed)) for number in range(DRAWS)]
    assert p_value(drawn, PROBABILITIES) > 0.001


def test_draws_of_one_generator_have_the_frequencies_that_are_logged():
    rng = np.random.default_rng(4)
    assert p_value([draw(PROBABILITIES, rng) for _ in range(DRAWS)], PROBABILITIES) > 0.001
