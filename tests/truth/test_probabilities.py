"""The probabilities that are logged are those with which touchpoints are drawn, whatever is eligible and however one explores."""

import os

import numpy as np
import pytest
from scipy.stats import chi2

from features.catalogue import Exploration
from features.synthetic import synthetic_catalogue
from training.policy import Policy, Scores, draw, rng_for, variant

DECISIONS = int(os.environ.get("EXACTNESS_DECISIONS", "40000"))
CATALOGUE = synthetic_catalogue()
ARMS = CATALOGUE.arms


class Known:
    """Scores that differ from customer to customer."""

    def score(self, features):
        propensity = 1 / (1 + np.exp(2 - features[:, :1] * np.arange(len(ARMS)) / 3))
        return Scores.of(propensity, np.exp(3 + features[:, 1]))


EXPLORATIONS = {
    "squarecb": Exploration(sharpness=2.0),
    "softmax": Exploration(method="softmax", sharpness=0.3, floor=0.0),
    "epsilon greedy": Exploration(method="epsilon_greedy", epsilon=0.3),
    "ramping up": Exploration(sharpness=2.0, ramp_decisions=1000, ramp_share=0.1),
}


def policy_of(exploration):
    catalogue = CATALOGUE.model_copy(update={"exploration": exploration})
    return Policy.of(catalogue, Known(), name="p", version="1", chosen={ARMS[1]: 500})


def choices(seed):
    rng = np.random.default_rng(seed)
    eligible = rng.random((DECISIONS, len(ARMS))) < 0.7
    eligible[:, 0] |= ~eligible.any(axis=1)
    return rng.normal(size=(DECISIONS, 2)), eligible


def p_value(probabilities, drawn):
    """Of the fit of draws to probabilities, arm by arm and from the rare to the likely: shape (n, k) and (n,)."""
    chosen = np.zeros(probabilities.shape, dtype=bool)
    chosen[np.arange(len(drawn)), drawn] = True
    assert not chosen[probabilities == 0.0].any()
    statistic, cells = 0.0, 0
    for arm in range(1, probabilities.shape[1]):  # what the others got, `none` did not
        possible = np.flatnonzero((probabilities[:, arm] > 0.0) & (probabilities[:, arm] < 1.0))
        order = possible[np.argsort(probabilities[possible, arm], kind="stable")]
        for cell in np.array_split(order, 8):
            expected = probabilities[cell, arm]
            statistic += (chosen[cell, arm].sum() - expected.sum()) ** 2 / (expected * (1 - expected)).sum()
            cells += 1
    return chi2.sf(statistic, cells)


@pytest.mark.parametrize("name", sorted(EXPLORATIONS))
@pytest.mark.parametrize("arm", ["treatment", "random", "propensity", "rules"])
def test_draws_of_many_decisions_have_the_frequencies_that_are_logged(name, arm):
    policy = variant(policy_of(EXPLORATIONS[name]), arm, CATALOGUE)
    features, eligible = choices(seed=sorted(EXPLORATIONS).index(name))
    probabilities = policy.as_probabilities(features, eligible)
    if arm == "treatment":
        drawn = [draw(row, rng_for(f"{name}-{number}", 5)) for number, row in enumerate(probabilities)]
    else:
        rng = np.random.default_rng(6)
        drawn = [draw(row, rng) for row in probabilities]
    assert p_value(probabilities, np.array(drawn)) > 0.001


def test_what_the_check_is_for_is_found_by_it():
    policy = policy_of(EXPLORATIONS["squarecb"])
    features, eligible = choices(seed=0)
    probabilities = policy.as_probabilities(features, eligible)
    rng = np.random.default_rng(6)
    tilted = np.where(probabilities > 0.0, probabilities**1.05, 0.0)
    drawn = [draw(row / row.sum(), rng) for row in tilted]
    assert p_value(probabilities, np.array(drawn)) < 1e-6
