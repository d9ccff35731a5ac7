from dataclasses import replace

import numpy as np
import pytest

from features.catalogue import parse_catalogue
from features.errors import TrainingError
from training.sides.fit import fit_sides
from training.snapshots import Snapshots


def catalogue(**objective):
    mail = {"name": "mail.offer", "stage": "purchase", "recommendable": True, "prior_churn": -0.02, "prior_unsubscribe": 0.01}
    return parse_catalogue({"objective": {"margin": 0.5} | objective, "touchpoints": [mail]})


@pytest.fixture(scope="module")
def snapshots(log):
    return Snapshots(
        customer_id=log.customer_id,
        at=log.at,
        churned=1.0 - log.conversion,
        converted=log.conversion > 0,
        value=log.value,
        later_value=2 * log.value,
        features=log.features,
    )


@pytest.fixture(scope="module")
def sides(log, snapshots):
    return fit_sides(log, snapshots, catalogue(lifetime_days=364), seed=1)


def test_all_that_a_policy_asks_for_is_scored_within_its_bounds(log, sides):
    propensity = np.full((len(log), 2), 0.2)
    scores = sides.scores(log.features, propensity)
    scores.check(2)
    assert scores.propensity is propensity
    assert scores.value.mean() == pytest.approx(40.0, rel=0.01)
    assert scores.lifetime.mean() == pytest.approx(3.0 * 80.0, rel=0.01)
    assert (scores.recent_contacts == 0).all()  # the features of this log count none


def test_each_arm_changes_churn_alike_for_everybody_and_none_nothing(log, sides):
    scores = sides.scores(log.features, np.full((len(log), 2), 0.2))
    assert sides.numbers["churn_change"][0] == 0.0
    assert scores.churn_change[:, 0] == pytest.approx(np.zeros(len(log)))
    inside = (scores.churn[:, 1] > 0) & (scores.churn[:, 1] < 1)
    assert scores.churn_change[inside, 1] == pytest.approx(sides.numbers["churn_change"][1])


def test_without_a_lifetime_nothing_is_lost_with_who_leaves_and_priors_hold(log, snapshots):
    unknown = replace(log, churned=np.full(len(log), np.nan))
    sides = fit_sides(unknown, snapshots, catalogue(), seed=1)
    assert set(sides.predictors) == {"value", "churn"}
    assert sides.numbers["churn_change"] == (0.0, -0.02)
    assert (sides.scores(log.features, np.full((len(log), 2), 0.2)).lifetime == 0).all()


def test_who_unsubscribes_is_learnt_where_it_costs_anything(log, snapshots):
    unsubscribed = ((np.arange(len(log)) % 10 == 0) & (log.arm == 1)).astype(np.float64)
    rows = replace(log, unsubscribed=unsubscribed)
    free, dear = (fit_sides(rows, snapshots, catalogue(unsubscribe_cost=cost), seed=1) for cost in (0.0, 5.0))
    assert "unsubscribe" not in free.predictors
    assert "unsubscribe" in dear.predictors
    assert free.numbers["unsubscribe"] == dear.numbers["unsubscribe"]
    assert free.numbers["unsubscribe"][1] == pytest.approx(0.1, abs=0.02)
    for each in (free, dear):
        mean = each.scores(log.features, np.full((len(log), 2), 0.2)).unsubscribe[:, 1].mean()
        assert mean == pytest.approx(free.numbers["unsubscribe"][1], rel=1e-6)


def test_one_customer_is_scored_as_in_a_batch(log, sides):
    propensity = np.full((20, 2), 0.2)
    batch = sides.scores(log.features[:20], propensity)
    for row in range(20):
        alone = sides.scores(log.features[row : row + 1], propensity[:1])
        assert (alone.value[0], alone.lifetime[0]) == (batch.value[row], batch.lifetime[row])
        assert alone.churn[0].tolist() == batch.churn[row].tolist()


def test_fitting_twice_gives_the_same(log, snapshots, sides):
    again = fit_sides(log, snapshots, catalogue(lifetime_days=364), seed=1)
    assert again == sides


def test_conversions_without_value_are_refused(log, snapshots):
    nothing = np.zeros(len(log))
    with pytest.raises(TrainingError, match="no conversion has a value"):
        fit_sides(replace(log, value=nothing), replace(snapshots, value=nothing), catalogue(), seed=1)
