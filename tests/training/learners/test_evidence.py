from dataclasses import replace

import numpy as np
import pytest

from training.arms import with_arms
from training.calibration import Calibration
from training.crossfit import cross_fit
from training.dataset import Dataset
from training.learners import Evidence, shown_by_conversion
from training.learners.calibration import mean_uplifts
from training.learners.evidence import robust
from training.models import BINARY, with_trees
from training.splits import customer_folds

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
        churned=1.0 - conversion,
        unsubscribed=np.zeros(n),
        reward=conversion * 5.0,
        experiment=np.full(n, "treatment", dtype=object),
        features=x,
    )


def mean_effects(log):
    """By probabilities alone: one small tree knows next to nothing of who converts."""
    return mean_uplifts(shown_by_conversion(evidence_of(log)), np.zeros(3))


def evidence_of(log):
    inputs = with_arms(log.features, log.arm, log.arms)
    folds = customer_folds(log.customer_id, count=3, seed=1)
    crossed = cross_fit(inputs, log.conversion, folds, recipe=with_trees(BINARY, 1), seed=1)
    return Evidence.of(log, crossed, Calibration(BINARY.link), seed=1)


def test_with_every_probability_known_no_effect_is_found_where_there_is_none(log):
    assert mean_effects(log) == pytest.approx(np.zeros(3), abs=0.05)


def test_with_the_chosen_arms_probability_alone_no_effect_is_found_where_there_is_none(log):
    # were decisions weighted by the guessed probabilities, mail would seem to take 15 % of the customers away
    unknown = np.full(log.probabilities.shape, np.nan)
    guessed = replace(log, probabilities=unknown, shared=np.ones(len(log), dtype=bool)).with_estimates(unknown)
    assert mean_effects(guessed) == pytest.approx(np.zeros(3), abs=0.05)


def test_a_robust_outcome_is_what_was_expected_mended_where_the_arm_was_chosen(log):
    one = log.where(
        np.arange(len(log)) == int(np.flatnonzero((log.arm == 1) & (log.conversion == 1) & (log.features[:, 0] > 0))[0])
    )
    # expected 0.3 under the mail, which had probability 0.1, and a conversion came: 0.3 + 0.7 / 0.1
    assert robust(np.array([[0.2, 0.3, 0.4]]), one.conversion, one).tolist() == [[0.2, pytest.approx(7.3), 0.4]]


def test_rare_choices_count_less_and_arms_that_could_not_be_chosen_do_not_count(log):
    eligible = log.eligible.copy()
    eligible[:6000, 2] = log.arm[:6000] == 2
    evidence = evidence_of(replace(log, eligible=eligible))
    assert (evidence.weights[~eligible] == 0).all() and (evidence.weights[:, 0] == 0).all()
    buys = log.features[:, 0] > 0
    # 0.5 * 0.1 / 0.6 whichever of the two was likely; the call: 0.5 * 0.4 / 0.9 against 0.1 * 0.4 / 0.5
    ratio = evidence.weights[eligible[:, 2] & buys, 2][0] / evidence.weights[buys, 1][0]
    assert ratio == pytest.approx((0.2 / 0.9) / (0.05 / 0.6))


def test_arms_that_hardly_anybody_got_are_not_known(log):
    few = log.where((log.arm != 2) | (np.cumsum(log.arm == 2) <= 9))
    evidence = evidence_of(few)
    assert evidence.known.tolist() == [True, True, False]
    assert evidence.tried.tolist() == [1]
    assert set(evidence.pairs[1].tolist()) == {1}
