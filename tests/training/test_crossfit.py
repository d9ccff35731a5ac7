import numpy as np

from training.calibration import Link
from training.crossfit import cross_fit, fit_calibrated
from training.models import BINARY
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
    assert [booster.text for booster in first.boosters] == [booster.text for booster in second.boosters]


def test_a_calibrated_predictor_is_right_in_the_mean(log):
    folds = customer_folds(log.customer_id, count=3, seed=0)
    predictor = fit_calibrated(log.features, log.conversion, folds, recipe=BINARY, names=log.feature_names, seed=3)
    assert predictor.calibration.link is Link.LOGISTIC
    assert abs(predictor.predict(log.features).mean() - log.conversion.mean()) < 0.01
