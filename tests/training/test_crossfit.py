import numpy as np
import pytest

from training.calibration import Link
from training.crossfit import cross_fit, fit_best, fit_calibrated
from training.linear import Linear
from training.models import AMOUNT, BINARY, Booster
from training.splits import customer_folds


def test_a_row_is_scored_by_a_booster_that_never_saw_its_customer():
    # each customer has a label of its own, and a feature that is nothing but its number: only who saw it can know it
    rng = np.random.default_rng(0)
    number = np.repeat(np.arange(200), 10)
    label = rng.integers(0, 2, 200).astype(float)[number]
    features = number[:, None].astype(float)
    folds = customer_folds(number.astype(object), count=3, seed=0)
    raw = cross_fit(features, label, folds, recipe=BINARY, seed=0).raw
    assert abs(np.corrcoef(raw, label)[0, 1]) < 0.25


def test_the_same_seed_gives_the_same_boosters_side_by_side(log):
    folds = customer_folds(log.customer_id, count=3, seed=0)
    first, second = (cross_fit(log.features, log.conversion, folds, recipe=BINARY, seed=3) for _ in range(2))
    assert [model.text for model in first.models] == [model.text for model in second.models]


def straight(n=3000):
    """Conversion depends on a sum of many features: nothing for trees."""
    rng = np.random.default_rng(2)
    features = rng.normal(size=(n, 12))
    label = (rng.random(n) < 1 / (1 + np.exp(-0.5 * features.sum(axis=1)))).astype(float)
    return features, label


def bent(n=3000):
    """Conversion is rare in the middle and frequent on both sides: nothing for a line."""
    features = np.random.default_rng(3).normal(size=(n, 2))
    rate = np.where(np.abs(features[:, 0]) > 0.7, 0.8, 0.2)
    return features, (np.random.default_rng(4).random(n) < rate).astype(float)


@pytest.mark.parametrize(("world", "kind"), [(straight, Linear), (bent, Booster)])
def test_the_kind_of_model_that_suits_the_world_is_kept(world, kind):
    features, label = world()
    folds = np.arange(len(label)) % 3
    found = fit_best(features, label, folds, recipe=BINARY, names=[f"f{i}" for i in range(features.shape[1])], seed=1)
    assert isinstance(found.predictor.model, kind)
    assert all(isinstance(model, kind) for model in found.crossed.models)


def test_amounts_are_fitted_by_both_kinds_and_right_in_the_mean():
    features, _ = straight()
    amount = np.random.default_rng(1).gamma(2.0, 10 * np.exp(0.3 * features[:, 0]))
    folds = np.arange(len(amount)) % 3
    fitted = fit_calibrated(features, amount, folds, recipe=AMOUNT, names=[f"f{i}" for i in range(12)], seed=1)
    assert fitted.predict(features).mean() == pytest.approx(amount.mean(), rel=0.05)
    assert np.corrcoef(fitted.predict(features), np.exp(0.3 * features[:, 0]))[0, 1] > 0.85


def test_a_calibrated_predictor_is_right_in_the_mean(log):
    folds = customer_folds(log.customer_id, count=3, seed=0)
    predictor = fit_calibrated(log.features, log.conversion, folds, recipe=BINARY, names=log.feature_names, seed=3)
    assert predictor.calibration.link is Link.LOGISTIC
    assert abs(predictor.predict(log.features).mean() - log.conversion.mean()) < 0.01
