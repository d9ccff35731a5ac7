import numpy as np
import pytest

from features.errors import TrainingError
from training.splits import customer_folds, customer_split, numbered, sampled_customers, time_split


def test_no_window_of_an_earlier_row_reaches_the_later_ones():
    at = np.arange(100, dtype=np.int64)
    split = time_split(at, gap=10, judging_share=0.3)
    assert split.cutoff == 70
    assert at[split.learning].max() == 59
    assert at[split.judging].min() == 70


def test_rows_of_one_time_stay_together():
    at = np.repeat(np.array([0, 100, 200], dtype=np.int64), [10, 10, 80])
    split = time_split(at, gap=50, judging_share=0.3)
    assert split.cutoff == 200
    assert (split.learning.sum(), split.judging.sum()) == (20, 80)


def test_later_rows_can_be_held_to_come_after_a_time():
    at = np.arange(100, dtype=np.int64)
    assert time_split(at, gap=10, judging_share=0.3, after=89).cutoff == 90


def test_a_log_no_longer_than_the_gap_is_refused():
    with pytest.raises(TrainingError, match="not longer than the label window"):
        time_split(np.array([0, 5, 10], dtype=np.int64), gap=10)


def test_a_log_that_is_too_short_names_the_window_that_closes_last():
    at = np.array([0, 5, 10], dtype=np.int64)
    with pytest.raises(TrainingError, match=r"or shorten objective\.churn_days in the catalogue"):
        time_split(at, gap=10, window="objective.churn_days")
    with pytest.raises(TrainingError, match=r"objective\.window_days or, with objective\.lifetime_days, objective\.churn_days"):
        time_split(at, gap=10)


def test_a_split_by_customer_has_nobody_on_both_sides():
    customers = np.array([f"c{row % 100}" for row in range(300)], dtype=object)
    split = customer_split(customers, seed=1)
    assert set(customers[split.judging]).isdisjoint(customers[split.learning])
    assert (split.learning.sum(), split.judging.sum(), split.cutoff) == (210, 90, None)


def test_all_rows_of_a_customer_are_in_one_fold_whatever_the_order():
    customers = np.array([f"c{row % 30}" for row in range(90)], dtype=object)
    folds = customer_folds(customers, count=3, seed=1)
    assert np.bincount(folds).tolist() == [30, 30, 30]
    assert all(len(set(folds[customers == name])) == 1 for name in set(customers))
    assert (customer_folds(customers[::-1], count=3, seed=1)[::-1] == folds).all()


def test_a_sample_holds_all_rows_of_whom_it_holds_and_the_same_ones_whatever_the_order():
    customers = np.array([f"c{row % 100}" for row in range(300)], dtype=object)
    chosen = sampled_customers(customers, most=100, seed=1)
    assert chosen.sum() == 99
    assert set(customers[chosen]).isdisjoint(customers[~chosen])
    assert (sampled_customers(customers[::-1], most=100, seed=1)[::-1] == chosen).all()


def test_names_are_numbered_in_their_order_as_numpy_would():
    names = np.random.default_rng(0).choice(np.array(["ä", "Z", "a", "b10", "b2", ""], dtype=object), 50)
    assert numbered(names)[0].tolist() == np.unique(names.astype(str), return_inverse=True)[1].tolist()
