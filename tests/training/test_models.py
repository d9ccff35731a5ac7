import numpy as np
import pytest

from features.errors import ArtifactError
from training.calibration import Calibration, Link
from training.models import BINARY, MEAN, Booster, Predictor, fit_booster, fit_together, with_trees


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(500, 3))
    features[::7, 2] = np.nan
    return features, (features[:, 0] + rng.normal(size=500) > 0).astype(float)


@pytest.fixture(scope="module")
def booster(data):
    return fit_booster(*data, recipe=with_trees(BINARY, 20), seed=1, names=["a", "b", "c"])


def test_a_booster_read_from_its_text_predicts_the_very_same(booster, data):
    again = Booster.load(booster.text)
    assert (again.raw(data[0]) == booster.raw(data[0])).all()
    assert (again.width, again.trees) == (3, 20)


def test_the_same_seed_fits_the_same_text(booster, data):
    assert fit_booster(*data, recipe=with_trees(BINARY, 20), seed=1, names=["a", "b", "c"]).text == booster.text


def test_contributions_sum_to_the_raw_score(booster, data):
    assert booster.contributions(data[0]).sum(axis=1) == pytest.approx(booster.raw(data[0]), abs=1e-9)


def test_the_feature_that_matters_is_the_most_important(booster):
    assert booster.importances().argmax() == 0


def test_validation_stops_early(data):
    features, label = data
    noise = np.random.default_rng(1).permutation(label)
    stopped = fit_booster(features, noise, recipe=BINARY, seed=1, validation=(features[::-1], noise, None))
    assert stopped.trees < BINARY.trees


def test_a_label_of_one_class_still_gives_a_predictor(data):
    booster = fit_booster(data[0], np.zeros(500), recipe=BINARY, seed=1)
    predictor = Predictor(booster, Calibration(Link.LOGISTIC, 0.0, -3.0))
    assert predictor.predict(data[0]) == pytest.approx(np.full(500, 1 / (1 + np.exp(3))))


def test_text_that_is_no_model_is_refused():
    with pytest.raises(ArtifactError, match="train and register it again"):
        Booster.load("tree\nnonsense")


def test_boosters_fitted_together_share_a_goal():
    # two scores whose sum is to be the label: each alone would overshoot
    rng = np.random.default_rng(4)
    features = rng.normal(size=(2000, 2))
    label = features[:, 0] + features[:, 1]

    def gradient(raw):
        beyond = raw.sum(axis=1, keepdims=True) - label[:, None]
        return np.repeat(beyond, 2, axis=1), np.ones(raw.shape)

    first, second = fit_together(features, 2, gradient=gradient, recipe=with_trees(MEAN, 80), seed=1)
    assert (first.trees, first.width, second.trees) == (80, 2, 80)
    both = first.raw(features) + second.raw(features)
    assert np.corrcoef(both, label)[0, 1] > 0.97
    assert np.abs(both - label).mean() < 0.3


def test_boosters_that_are_fitted_together_know_what_they_have_said_even_where_one_finds_nothing_to_add():
    features, seen = np.random.default_rng(4).normal(size=(1000, 2)), []

    def gradient(raw):
        seen.append(raw.copy())
        first = raw - features
        if len(seen) == 2:
            first[:, 1] = 0.0  # nothing to split by, so that no tree comes of it
        return first, np.ones(raw.shape)

    boosters = fit_together(features, 2, gradient=gradient, recipe=with_trees(MEAN, 6), seed=1)
    assert [booster.trees for booster in boosters] == [6, 5]
    before_the_last = [booster.native.predict(features, num_iteration=booster.trees - 1) for booster in boosters]
    assert seen[-1] == pytest.approx(np.column_stack(before_the_last))
