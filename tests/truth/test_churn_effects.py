"""In a world whose truth is known, what each contact changes about churn is recovered from a log that hides it."""

import numpy as np
import pytest

from training.dataset import Dataset
from training.sides.churn import churn_changes, churn_effects

ARMS = ("none", "mail.offer", "call.adviser", "sms.reminder")
CHANGES = np.array([0.0, -0.06, 0.0, 0.05])
CUSTOMERS = 15_000


def world(n, *, seed):
    """Half of the customers leave anyway, the others stay; the sender writes to those who leave and calls those who stay.

    Changes differ between customers, by a feature that has nothing to do with the sending, and are `CHANGES` on average.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    leaving = 1 / (1 + np.exp(-2 * x[:, 0]))
    scores = np.column_stack([np.zeros(n), x[:, 0], -x[:, 0], 0.5 * x[:, 0]])
    probabilities = 0.05 + 0.8 * np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    arm = (probabilities.cumsum(axis=1) < rng.random(n)[:, None]).sum(axis=1)
    # bounded well inside 0 and 1, so that nothing is cut off and the averages are exactly those above
    chance = 0.2 + 0.6 * leaving + CHANGES[arm] * (1 + np.sign(x[:, 1]))
    churned = (rng.random(n) < chance).astype(np.float64)
    names = np.array([f"c{row}" for row in range(n)], dtype=object)
    return Dataset(
        arms=ARMS,
        feature_names=("f0", "f1", "f2", "f3"),
        decision_id=names,
        customer_id=names,
        at=np.arange(n, dtype=np.int64),
        wave=np.full(n, None, dtype=object),
        implied=np.zeros(n, dtype=bool),
        arm=arm,
        eligible=np.ones((n, 4), dtype=bool),
        probability=probabilities[np.arange(n), arm],
        estimated=np.zeros(n, dtype=bool),
        probabilities=probabilities,
        shared=np.zeros(n, dtype=bool),
        conversion=1.0 - churned,
        value=1.0 - churned,
        churned=churned,
        unsubscribed=np.zeros(n),
        reward=1.0 - churned,
        experiment=np.full(n, "treatment", dtype=object),
        features=x,
    )


@pytest.fixture(scope="module")
def log():
    return world(CUSTOMERS, seed=1)


def test_changes_of_churn_are_recovered_within_three_standard_errors(log):
    effects = churn_effects(log, seed=1)
    assert (np.abs(effects.means - CHANGES)[1:] < 3 * effects.errors[1:]).all()
    assert (effects.errors[1:] < 0.02).all()


def test_a_plain_comparison_of_the_same_log_is_far_off(log):
    rates = np.array([log.churned[log.arm == arm].mean() for arm in range(4)])
    errors = churn_effects(log, seed=1).errors
    assert (np.abs(rates - rates[0] - CHANGES)[1:3] > 3 * errors[1:3]).all()


def test_over_many_logs_the_standard_errors_are_as_large_as_the_errors():
    logs = [churn_effects(world(1500, seed=seed), seed=seed) for seed in range(30)]
    scores = np.array([(effects.means - CHANGES)[1:] / effects.errors[1:] for effects in logs])
    assert np.abs(scores.mean(axis=0)).max() < 3 / np.sqrt(len(logs))
    assert scores.std() == pytest.approx(1.0, abs=0.25)  # 90 draws: three standard errors are 0.22


def test_what_the_policy_is_told_lies_between_the_prior_and_the_data(log):
    prior = np.array([0.0, -0.01, -0.01, -0.01])
    told, means = churn_changes(log, prior=prior, seed=1), churn_effects(log, seed=1).means
    low, high = np.minimum(prior, means), np.maximum(prior, means)
    assert ((low <= told) & (told <= high)).all()
    assert told[3] > 0 > told[1]
