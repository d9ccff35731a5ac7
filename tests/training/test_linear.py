import json

import numpy as np
import pytest

from features.errors import ArtifactError
from training.calibration import Link
from training.linear import Columns, Linear
from training.penalized import fit_linear, ridge_path
from training.stored import Blend, load_model


def rows(n=2000):
    rng = np.random.default_rng(0)
    features = np.column_stack([rng.normal(size=n), rng.lognormal(2, 1.5, n), rng.random(n) < 0.002, np.full(n, 7.0)]).astype(
        float
    )
    features[rng.random(n) < 0.3, 0] = np.nan
    return features


def test_columns_are_standardized_gaps_are_zero_and_heavy_tails_are_taken_in_logarithms():
    features = rows()
    columns = Columns.of(features)
    standardized = columns.standardized(features)
    known = ~np.isnan(features[:, 0])
    assert (standardized[~known, 0] == 0).all()
    assert standardized[known, 0].std() == pytest.approx(1.0)
    assert columns.logarithm[[0, 1, 3]].tolist() == [0.0, 1.0, 0.0]
    assert np.abs(standardized[:, 1]).max() < 4  # 16 standard deviations, were it neither clipped nor in logarithms
    assert np.ptp(standardized[:, 2]) > 0  # what is rare is not clipped away
    assert (standardized[:, 3] == 0).all()


def test_a_column_that_is_never_known_says_nothing():
    features = np.column_stack([np.arange(40.0), np.full(40, np.nan)])
    model = fit_linear(features, 2 * features[:, 0] + 1, link=Link.IDENTITY, penalty=1e-9)
    assert model.raw(features) == pytest.approx(2 * features[:, 0] + 1, abs=0.2)
    assert model.importances()[1] == 0.0


def test_least_squares_with_a_penalty_is_worked_by_hand():
    # one standardized column, target equal to it: the weight is 1 / (1 + penalty)
    column = np.array([-1.0, 1.0, -1.0, 1.0])
    (weight, base), (heavier, _) = ridge_path(column[:, None], column + 5.0, np.ones(4), [0.25, 1.0])
    assert (weight[0], base, heavier[0]) == pytest.approx((0.8, 5.0, 0.5))


def test_weights_count_as_repeated_rows():
    rng = np.random.default_rng(1)
    design, target = rng.normal(size=(30, 3)), rng.normal(size=30)
    counts = rng.integers(1, 4, 30)
    weighed, _ = ridge_path(design, target, counts.astype(float), [0.1])[0]
    repeated, _ = ridge_path(np.repeat(design, counts, axis=0), np.repeat(target, counts), np.ones(counts.sum()), [0.1])[0]
    assert weighed == pytest.approx(repeated)


def test_a_logistic_fit_finds_the_weights_that_made_the_labels():
    rng = np.random.default_rng(2)
    features = rng.normal(size=(20_000, 2))
    label = (rng.random(20_000) < 1 / (1 + np.exp(-(features[:, 0] - 1.0)))).astype(float)
    model = fit_linear(features, label, link=Link.LOGISTIC, penalty=1e-6)
    assert model.weights / model.columns.scale == pytest.approx([1.0, 0.0], abs=0.06)


@pytest.mark.parametrize(("link", "label", "raw"), [(Link.IDENTITY, 3.0, 3.0), (Link.EXPONENTIAL, 4.0, np.log(4.0))])
def test_labels_that_are_all_alike_give_a_constant(link, label, raw):
    model = fit_linear(rows(50), np.full(50, label), link=link, penalty=0.1)
    assert model.raw(rows(50)) == pytest.approx(np.full(50, raw))


@pytest.fixture(scope="module")
def model():
    features = rows()
    target = np.nan_to_num(features[:, 0]) + np.log1p(features[:, 1]) + 3 * np.isnan(features[:, 0])
    return fit_linear(features, target, link=Link.IDENTITY, penalty=0.001)


def test_a_row_scores_the_same_alone_and_among_others(model):
    features = rows()
    assert [model.raw(features[[row]])[0] for row in range(50)] == model.raw(features)[:50].tolist()


def test_contributions_sum_to_the_raw_score_and_a_gap_is_its_columns(model):
    features = rows()
    parts = model.contributions(features)
    assert parts.sum(axis=1) == pytest.approx(model.raw(features), abs=1e-9)
    assert parts[np.isnan(features[:, 0]), 0].min() > parts[~np.isnan(features[:, 0]), 0].mean()


def test_models_read_from_their_text_score_the_very_same(model):
    both = Blend((model, Linear.constant(4, 2.0)))
    for original in (model, both):
        again = load_model(original.text)
        assert (again.raw(rows()) == original.raw(rows())).all()
        assert (again.width, again.text) == (4, original.text)
    assert both.raw(rows()) == pytest.approx((model.raw(rows()) + 2.0) / 2)
    assert both.contributions(rows()).sum(axis=1) == pytest.approx(both.raw(rows()))


def test_one_row_is_scored_as_in_a_batch(model):
    batch = model.raw(rows())
    assert [model.raw(rows()[i : i + 1])[0] for i in range(50)] == batch[:50].tolist()


def changed(model, **values):
    return json.dumps(json.loads(model.text) | values)


UNREADABLE = {
    "no JSON": lambda model: "{",
    "another kind": lambda model: changed(model, kind="pickle"),
    "a weight too few": lambda model: changed(model, weights=[1.0]),
    "not a number": lambda model: changed(model, base=float("nan")),
    "a scale of zero": lambda model: changed(model, scale=[0.0] * 4),
    "words for numbers": lambda model: changed(model, mean=["a"] * 4),
    "a blend of nothing": lambda model: '{"kind": "blend", "models": []}',
    "a blend of unequal widths": lambda model: Blend((model, Linear.constant(2, 0.0))).text,
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_text_that_is_no_model_is_refused(model, kind):
    with pytest.raises(ArtifactError, match="train and register it again"):
        load_model(UNREADABLE[kind](model))
