"""The rules of the alarms, on numbers worked by hand."""

import math

import numpy as np
import pytest

from features.quality.alarms import Share, drift_excess, quiet_limit_hours, share_excess, stability_index, volume_excess


def test_quiet_is_twice_the_median_of_the_weeks_longest_pauses():
    assert quiet_limit_hours(400, [10, 12, 14, 72]) == 26  # twice (12 + 14) / 2: the outage of 72 h changes nothing


def test_what_usually_lasts_longest_rules():
    assert quiet_limit_hours(400, [10, 12, 14], [168, 168, 175], []) == 336  # a file a week


def test_nothing_is_learnt_from_fewer_than_twenty_pauses():
    assert quiet_limit_hours(19, [10, 12, 14, 16]) is None
    assert quiet_limit_hours(0, []) is None


def test_a_day_is_compared_with_its_own_weekday():
    weeks = np.tile([100.0, 100, 100, 100, 100, 400, 400], 8)
    excess, expected = volume_excess(np.append(weeks, 100.0))
    assert (excess, expected) == (0, 100)
    # 100 records have a deviation of 10 by chance, and of 10 by the least spread: 50 too few are 5 deviations, the limit
    excess, _ = volume_excess(np.append(weeks, 50.0))
    assert excess == pytest.approx(-1)


def test_an_unsteady_source_may_deviate_further():
    steady, unsteady = np.full(56, 1000.0), np.tile([700.0] * 7 + [1300.0] * 7, 4)
    assert volume_excess(np.append(steady, 400.0))[0] == pytest.approx(-1.2)  # 6 times the least spread of 10 %
    assert abs(volume_excess(np.append(unsteady, 400.0))[0]) < 0.5  # its deviation is 30 % x 1.48


def test_four_weeks_are_the_least_to_compare_with():
    assert volume_excess(np.full(28, 10.0)) is None
    assert volume_excess(np.full(29, 10.0)) is not None


def test_a_weekday_that_mostly_brings_nothing_tells_nothing_of_what_should_come():
    waves, fortnightly = np.zeros(56), np.zeros(56)
    waves[[0, 21, 42]], fortnightly[0::14] = 350, 350
    assert volume_excess(np.append(waves, 350.0)) is None  # of eight such weekdays, three brought something
    assert volume_excess(np.append(fortnightly, 9000.0))[0] > 1  # four did


def test_the_stability_index_is_that_of_the_textbook():
    # shares 0.6 and 0.4 against 0.5 and 0.5: 0.1 ln 1.2 - 0.1 ln 0.8
    index = stability_index(np.array([59_999.5, 39_999.5]), np.array([49_999.5, 49_999.5]))
    assert index == pytest.approx(0.1 * math.log(1.2) - 0.1 * math.log(0.8), rel=1e-4)


def test_few_records_need_a_larger_difference_than_many():
    many = drift_excess(np.array([900.0, 100]), np.array([600.0, 400]))
    few = drift_excess(np.array([45.0, 5]), np.array([30.0, 20]))
    assert many[0] > 1 > few[0] and few[1] > 0.25
    assert drift_excess(np.array([40.0, 5]), np.array([600.0, 400])) is None


def test_a_share_must_rise_by_the_limit_and_beyond_chance():
    assert share_excess(Share(300, 1000), Share(100, 1000), limit=0.1) == pytest.approx(2)
    assert share_excess(Share(100, 1000), Share(300, 1000), limit=0.1) == pytest.approx(-2)
    # 15 of 50 against 5 of 50: +0.2, its standard error sqrt(0.2 x 0.8 x 2 / 50) = 0.08, five of them 0.4
    assert share_excess(Share(15, 50), Share(5, 50), limit=0.1) == pytest.approx(0.5)
    assert share_excess(Share(40, 49), Share(0, 1000), limit=0.1) is None
