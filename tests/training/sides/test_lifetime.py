from dataclasses import replace

import numpy as np
import pytest

from features.catalogue import Objective
from training.sides.lifetime import expected_lifetime, fit_lifetime, lifetime_factor
from training.snapshots import Snapshots

OBJECTIVE = Objective(window_days=28, churn_days=56, lifetime_days=364, margin=0.5)


@pytest.fixture(scope="module")
def snapshots(log):
    """Two thirds stay; those with a high first feature then bring 90 in the churn window, the others 30."""
    rng, n = np.random.default_rng(4), 3000
    features = rng.normal(size=(n, 6))
    churned = (rng.random(n) < 1 / 3).astype(np.float64)
    spent = np.where(features[:, 0] > 0, 90.0, 30.0) * rng.gamma(4.0, 0.25, size=n) * (1 - churned)
    return Snapshots(
        customer_id=np.array([f"c{row % 2000}" for row in range(n)], dtype=object),
        at=np.arange(n, dtype=np.int64),
        churned=churned,
        converted=churned == 0,
        value=spent / 2,
        later_value=spent,
        features=features,
    )


def test_the_window_whose_money_is_counted_as_conversion_is_not_counted_again():
    assert lifetime_factor(OBJECTIVE) == 0.5 * (364 - 28) / 56
    assert lifetime_factor(OBJECTIVE.model_copy(update={"lifetime_days": 20.0})) == 0.0
    assert lifetime_factor(OBJECTIVE.model_copy(update={"lifetime_days": None})) == 0.0


def test_what_those_who_stay_bring_is_learnt_from_those_who_stayed(log, snapshots):
    predicted = fit_lifetime(log.feature_names, snapshots, seed=1).predict(log.features)
    rich = log.features[:, 0] > 0
    assert predicted[rich].mean() == pytest.approx(90.0, rel=0.05)
    assert predicted[~rich].mean() == pytest.approx(30.0, rel=0.1)


def test_what_is_lost_with_a_customer_is_profit_until_the_end_of_their_lifetime(log, snapshots):
    expected = expected_lifetime(log, snapshots, OBJECTIVE, seed=1)
    assert expected.mean() == pytest.approx(3.0 * 60.0, rel=0.05)
    assert (expected >= 0).all()


def test_nobodys_own_purchases_are_in_what_is_expected_of_them(log, snapshots):
    own = snapshots.customer_id == "c7"
    changed = replace(snapshots, later_value=np.where(own, 1e6, snapshots.later_value), churned=snapshots.churned * ~own)
    before, after = (expected_lifetime(log, each, OBJECTIVE, seed=1) for each in (snapshots, changed))
    rows = log.customer_id == "c7"
    assert rows.sum() == 2
    assert (before[rows] == after[rows]).all()
    assert (before != after).any()


def test_where_hardly_anybody_stayed_or_nobody_spent_anything_nothing_is_lost(log, snapshots):
    few = replace(snapshots, churned=np.where(np.arange(len(snapshots.at)) < 19, snapshots.churned, 1.0))
    poor = replace(snapshots, later_value=np.zeros(len(snapshots.at)))
    gone = replace(snapshots, churned=np.ones(len(snapshots.at)))
    for each in (few, poor, gone):
        assert fit_lifetime(log.feature_names, each, seed=1) is None
        assert (expected_lifetime(log, each, OBJECTIVE, seed=1) == 0).all()
