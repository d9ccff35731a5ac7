"""Days and weeks."""

from datetime import date

import numpy as np
import pytest

from features.insights.changes.series import Grain, in_its_grain


def test_a_part_of_a_series_begins_on_its_own_day(series_of):
    part = series_of([1, 2, 3, 4]).between(-3, 3)
    assert (part.first, part.counts.tolist()) == (date(2025, 1, 7), [2, 3])


def test_the_figure_of_some_points_is_a_sum_or_a_rate(series_of):
    assert series_of([1, 2, 3]).over(1) == 5
    assert series_of([1, 2, 3], exposure=np.array([10.0, 10, 40])).over(-2) == pytest.approx(5 / 50)


def test_days_are_judged_where_they_say_something(series_of):
    assert in_its_grain(series_of([5.0, 5, 5, 5, 5, 0, 0] * 10)).grain is Grain.DAY  # closed on weekends


def test_weeks_are_judged_where_most_days_are_empty(series_of):
    weekly = in_its_grain(series_of([0.0, 0, 0, 4, 0, 0, 0] * 10))
    assert (weekly.grain, weekly.counts.tolist()) == (Grain.WEEK, [4.0] * 10)


def test_one_delivery_or_nothing_at_all_is_not_judged(series_of):
    assert in_its_grain(series_of([0.0, 800, 0, 0] + [0] * 60)) is None
    assert in_its_grain(series_of(np.zeros(100))) is None


def test_a_touchpoint_that_ended_is_judged_by_what_it_was(series_of):
    assert in_its_grain(series_of([20.0] * 60 + [0] * 200)).grain is Grain.DAY
