from dataclasses import replace

import numpy as np
import pytest

from training.calibration import Calibration
from training.crossfit import cross_fit
from training.dataset import Dataset
from training.effects import fit_effects
from training.models import BINARY, with_trees
from training.splits import customer_folds
from training.uplift import with_arms

ARMS = ("none", "mail.offer", "call.adviser")


@pytest.fixture(scope="module")
def log():
    """Nothing changes anything, but those who buy anyway are left alone, and those who do not are mailed."""
    rng, n = np.random.default_rng(11), 12_000
    x = rng.choice([-1.0, 1.0], size=(n, 3))
    buys = x[:, 0] > 0
    probabilities = np.where(buys[:, None], [0.5, 0.1, 0.4], [0.1, 0.5, 0.4])
    arm = (rng.random(n)[:, None] > probabilities.cumsum(axis=1)).sum(axis=1)
    conversion = (rng.random(n) < np.where(buys, 0.8, 0.2)).astype(np.float64)
    names = np.array([f"c{row}" for row in range(n)], dtype=object)
    return Dataset(
        arms=ARMS,
        feature_names=("f0", "f1", "f2"),
        decision_id=names,
        customer_id=names,
        at=np.arange(n, dtype=np.int64),
        wave=np.full(n, None, dtype=object),
        implied=np.zeros(n, dtype=bool),
        arm=arm,
        eligible=np.ones((n, 3), dtype=bool),
        probability=probabilities[np.arange(n), arm],
        estimated=np.zeros(n, dtype=bool),
        probabilities=probabilities,
        shared=np.zeros(n, dtype=bool),
        conversion=conversion,
        value=conversion * 10.0,
        reward=conversion * 5.0,
        features=x,
    )


def mean_effects(log):
    """By probabilities alone: one small tree knows next to nothing of who converts."""
    inputs = with_arms(log.features, log.arm, log.arms)
    folds = customer_folds(log.customer_id, count=3, seed=1)
    crossed = cross_fit(inputs, log.conversion, folds, recipe=with_trees(BINARY, 1), seed=1)
    return fit_effects(log, crossed, Calibration(BINARY.link), prior=np.zeros(3), seed=1).offsets


def test_with_every_probability_known_no_effect_is_found_where_there_is_none(log):
    assert mean_effects(log) == pytest.approx(np.zeros(3), abs=0.05)


def test_with_the_chosen_arms_probability_alone_no_effect_is_found_where_there_is_none(log):
    # were decisions weighted by the guessed probabilities, mail would seem to take 15 % of the customers away
    unknown = np.full(log.probabilities.shape, np.nan)
    guessed = replace(log, probabilities=unknown, shared=np.ones(len(log), dtype=bool)).with_estimates(unknown)
    assert mean_effects(guessed) == pytest.approx(np.zeros(3), abs=0.05)
