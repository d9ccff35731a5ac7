import numpy as np
import pytest

from training.calibration import Calibration, Link, cross_isotonic, fit_exponential, fit_logistic


def test_the_logistic_link_finds_the_slope_and_intercept_that_made_the_labels():
    rng = np.random.default_rng(0)
    raw = rng.normal(size=40_000)
    label = (rng.random(40_000) < 1 / (1 + np.exp(-(0.5 * raw - 1.0)))).astype(float)
    fitted = fit_logistic(raw, label)
    assert (fitted.slope, fitted.intercept) == pytest.approx((0.5, -1.0), abs=0.05)
    assert fitted.apply(raw).mean() == pytest.approx(label.mean(), abs=1e-4)


def test_scores_that_rank_backwards_are_replaced_by_the_rate():
    raw = np.linspace(-1, 1, 100)
    label = (raw < 0).astype(float)
    assert fit_logistic(raw, label).apply(raw) == pytest.approx(np.full(100, 0.5))


def test_one_class_gives_its_rate():
    assert fit_logistic(np.array([0.0, 1.0]), np.ones(2)).apply(np.zeros(1)) == pytest.approx([1.0], abs=1e-5)


def test_amounts_are_right_in_the_mean():
    raw, value = np.log(np.array([1.0, 2.0, 3.0])), np.array([10.0, 0.0, 50.0])
    assert fit_exponential(raw, value).apply(raw) == pytest.approx([10.0, 20.0, 30.0])


def test_extreme_scores_stay_finite():
    for link in Link:
        assert np.isfinite(Calibration(link).apply(np.array([-1e4, 1e4]))).all()


def test_isotonic_probabilities_come_from_the_other_folds():
    folds = np.array([0, 0, 1, 1])
    raw, label = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 0.0, 0.0, 1.0])
    assert cross_isotonic(raw, label, folds).tolist() == [0.0, 1.0, 0.0, 0.0]
