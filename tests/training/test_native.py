"""LightGBM's C functions say what its own `predict` says, to the last bit, also to several threads at once."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from lightgbm.basic import LightGBMError

from training.models import BINARY, Booster, fit_booster, with_trees
from training.stored import Blend

ROWS, COLUMNS = 600, 8


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(3)
    found = rng.normal(size=(ROWS, COLUMNS))
    found[rng.random(found.shape) < 0.2] = np.nan
    found[:, -2:] = rng.integers(0, 2, size=(ROWS, 2))
    return found


@pytest.fixture(scope="module")
def booster(features):
    rng = np.random.default_rng(4)
    known = np.nan_to_num(features)
    label = known[:, 0] + known[:, -1] * known[:, 1] + 0.5 * known[:, -2] + rng.normal(size=ROWS) > 0
    return fit_booster(features, label.astype(float), recipe=with_trees(BINARY, 60), seed=1)


def predicted(booster, features, **how):
    return booster.native.predict(features, num_threads=1, **how)


def test_every_row_alone_and_all_together_are_what_lightgbm_predicts(booster, features):
    expected = predicted(booster, features, raw_score=True)
    assert (booster.raw(features) == expected).all()
    assert np.array_equal(np.concatenate([booster.raw(features[[row]]) for row in range(ROWS)]), expected)
    assert np.array_equal(booster.contributions(features), predicted(booster, features, pred_contrib=True))
    assert np.array_equal(booster.contributions(features[:1]), predicted(booster, features[:1], pred_contrib=True))


@pytest.mark.parametrize("turn", [np.asfortranarray, lambda rows: rows[::2], lambda rows: rows.astype(np.float32)])
@pytest.mark.parametrize("count", [1, 40])
def test_however_rows_lie_in_memory(booster, features, turn, count):
    rows = turn(features)[:count]
    assert np.array_equal(booster.raw(rows), predicted(booster, rows, raw_score=True))


@pytest.mark.parametrize("wrong", [np.zeros((1, COLUMNS + 1)), np.zeros((3, COLUMNS - 1))])
def test_rows_of_another_width_are_refused_and_not_misread(booster, wrong):
    with pytest.raises(LightGBMError, match="number of features"):
        booster.raw(wrong)


def test_threads_that_ask_at_once_get_each_their_own_answer(booster, features):
    expected = predicted(booster, features, raw_score=True)

    def asked(row):
        return booster.raw(features[[row]])[0] == expected[row]

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(asked, [row % ROWS for row in range(4 * ROWS)]))


@pytest.mark.parametrize("columns", [range(1), range(COLUMNS - 2, COLUMNS - 1), range(COLUMNS - 1, COLUMNS), range(1, COLUMNS)])
def test_where_some_columns_change_their_part_changes_as_the_whole_does(booster, features, columns):
    without, with_it = features.copy(), features.copy()
    without[:, columns], with_it[:, columns] = 0.0, 1.0
    for model in (booster, Blend((booster, booster))):
        part = model.part(columns)
        np.testing.assert_allclose(part.raw(with_it) - part.raw(without), model.raw(with_it) - model.raw(without), atol=1e-12)
        moved = model.contributions(with_it) - model.contributions(without)
        np.testing.assert_allclose(part.contributions(with_it) - part.contributions(without), moved, atol=1e-12)


def test_a_column_that_no_tree_reads_moves_nothing(features):
    label = (np.nan_to_num(features[:, 0]) > 0).astype(float)
    silent = np.column_stack([features[:, 0], np.zeros(ROWS)])
    part = fit_booster(silent, label, recipe=with_trees(BINARY, 5), seed=1).part(range(1, 2))
    assert part.trees == 1
    assert (part.raw(silent) == part.raw(silent + np.array([0.0, 1.0]))).all()


def test_a_part_has_the_trees_that_split_by_its_column_and_is_made_once(booster):
    last = range(COLUMNS - 1, COLUMNS)
    part = booster.part(last)
    assert 0 < part.trees < booster.trees
    assert part is booster.part(last)
    assert (part.width, Booster.load(part.text).trees) == (booster.width, part.trees)
