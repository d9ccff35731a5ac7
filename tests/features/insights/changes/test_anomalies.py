"""What is flagged and what is not."""

from datetime import date, timedelta

import numpy as np
import pytest

from features.insights.changes import Kind, judge
from features.insights.changes.anomalies import Anomaly

WEEK = np.array([1.0, 1, 1, 1.2, 1.6, 0.7, 0.5])
MONDAY = date(2025, 1, 6)


def weekly(days: int, level: float = 200.0) -> np.ndarray:
    return level * WEEK[np.arange(days) % 7]


def drawn(days: int, level: float = 200.0, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).poisson(weekly(days, level)).astype(float)


def anomalies_of(*series) -> list[Anomaly]:
    return [anomaly for each in judge(series) for anomaly in each.anomalies]


def test_what_happens_every_week_is_no_anomaly(series_of):
    assert anomalies_of(series_of(weekly(140)), series_of(drawn(140), name="drawn")) == []


def test_one_outlier_is_flagged_on_its_day_with_what_was_expected(series_of):
    counts = drawn(140)
    counts[100] = 500
    (found,) = anomalies_of(series_of(counts))
    assert (found.kind, found.start, found.end) == (Kind.SPIKE, MONDAY + timedelta(days=100), MONDAY + timedelta(days=100))
    assert found.observed == 500
    assert found.expected == pytest.approx(200 * WEEK[2], rel=0.1)
    assert found.low < found.expected < found.high < 500
    assert found.change == pytest.approx(1.5, abs=0.3) and found.deviations > 10 and not found.ongoing


def test_days_out_in_a_row_are_one_anomaly_and_what_follows_is_none(series_of):
    counts = drawn(140)
    counts[90:96] = 0
    (found,) = anomalies_of(series_of(counts))
    assert (found.kind, found.start, found.end) == (Kind.DROP, MONDAY + timedelta(days=90), MONDAY + timedelta(days=95))
    assert found.observed == 0 and found.change == -1


def test_days_of_which_none_is_out_alone_are_out_together(series_of):
    counts = np.random.default_rng(4).poisson(4.0, 200).astype(float)
    counts[150:158] = 0  # e^-4 on each day, e^-32 on all
    (found,) = anomalies_of(series_of(counts))
    assert found.kind is Kind.DROP
    assert abs((found.start - MONDAY).days - 150) <= 1 and abs((found.end - MONDAY).days - 157) <= 1


def test_a_level_that_stays_is_a_level_shift_once(series_of):
    counts = np.concatenate([drawn(105), drawn(105, level=400, seed=2)])
    (found,) = anomalies_of(series_of(counts))
    assert found.kind is Kind.LEVEL_SHIFT
    assert (found.start - MONDAY).days == pytest.approx(105, abs=1)


def test_a_trend_is_no_anomaly(series_of):
    rising = np.random.default_rng(5).poisson(weekly(200) * np.linspace(1, 1.6, 200)).astype(float)
    assert anomalies_of(series_of(rising)) == []


def test_what_lasts_up_to_the_last_day_is_going_on(series_of):
    counts = drawn(140)
    counts[-2:] = 0
    (found,) = anomalies_of(series_of(counts))
    assert found.ongoing and found.kind is Kind.DROP


def test_an_outage_of_a_small_series_is_told_whole_while_the_level_goes_with_it(series_of):
    counts = np.random.default_rng(4).poisson(4.0, 200).astype(float)
    counts[190:] = 0
    (found,) = anomalies_of(series_of(counts))
    assert found.kind is Kind.DROP and found.ongoing and found.end == MONDAY + timedelta(days=199)
    assert abs((found.start - MONDAY).days - 190) <= 1
    assert found.observed == 0 and found.expected == pytest.approx(40, rel=0.25)  # ten days of four


def test_one_that_lasts_two_weeks_is_a_level_shift_and_no_longer_going_on(series_of):
    counts = np.random.default_rng(4).poisson(4.0, 230).astype(float)
    counts[190:] = 0
    (found,) = anomalies_of(series_of(counts))
    assert found.kind is Kind.LEVEL_SHIFT and not found.ongoing
    assert (found.end - MONDAY).days == pytest.approx(203, abs=2)


def test_an_outage_that_is_over_ends_where_counts_are_back(series_of):
    counts = np.random.default_rng(4).poisson(4.0, 230).astype(float)
    counts[190:200] = 0
    first, *others = anomalies_of(series_of(counts))
    assert first.kind is Kind.DROP and not first.ongoing
    assert (first.end - MONDAY).days == pytest.approx(199, abs=1)
    assert not [each for each in others if each.deviations < 0]


def test_a_drop_of_conversion_is_told_as_rates(series_of):
    rng = np.random.default_rng(6)
    met = rng.integers(900, 1100, 140).astype(float)
    converted = rng.binomial(met.astype(int), 0.1).astype(float)
    converted[100:103] = rng.binomial(met[100:103].astype(int), 0.04)
    (found,) = anomalies_of(series_of(converted, exposure=met))
    assert found.kind is Kind.DROP
    assert found.expected == pytest.approx(0.1, abs=0.01) and found.observed == pytest.approx(0.04, abs=0.01)


def test_more_customers_alone_change_no_conversion(series_of):
    rng = np.random.default_rng(7)
    met = np.where(np.arange(140) == 100, 5000, 1000).astype(float)
    assert anomalies_of(series_of(rng.binomial(met.astype(int), 0.1), exposure=met)) == []


@pytest.mark.parametrize(
    "counts",
    [np.zeros(100), np.full(100, 7.0), np.arange(5.0), np.ones(1), 1e9 + drawn(100), np.full(30, 1e12)],
    ids=["zeros", "constant", "five days", "one day", "huge", "huge and constant"],
)
def test_series_that_say_little_are_judged_without_an_anomaly(series_of, counts):
    (judged,) = judge([series_of(counts)])
    assert judged.anomalies == ()
    assert judged.mean.shape == counts.shape and np.isfinite(judged.usual.counts).all()
    assert np.isfinite(judged.mean[28:]).all()


def test_a_touchpoint_that_comes_back_after_a_long_gap_is_two_level_shifts(series_of):
    counts = drawn(250)
    counts[100:160] = 0
    found = anomalies_of(series_of(counts))
    assert [each.kind for each in found] == [Kind.LEVEL_SHIFT, Kind.LEVEL_SHIFT]
    assert [(each.start - MONDAY).days for each in found] == pytest.approx([100, 160], abs=1)


def test_weeks_are_judged_beside_days(series_of):
    sparse = np.tile([0.0, 0, 9, 0, 0, 0, 3], 30)
    sparse[29 * 7 + 2] = 90
    (found,) = anomalies_of(series_of(drawn(140)), series_of(sparse, name="sparse").by_week())
    assert (found.series.name, found.start, found.end) == ("sparse", date(2025, 7, 28), date(2025, 8, 3))


def test_what_is_continued_is_free_of_spikes_and_begins_with_the_last_level(series_of):
    counts = np.concatenate([drawn(105), drawn(105, level=400, seed=2)])
    counts[180] = 5000
    (judged,) = judge([series_of(counts)])
    assert (judged.usual.first - MONDAY).days == pytest.approx(105, abs=1)
    assert judged.usual.counts.max() < 1000


def test_two_hundred_series_without_anything_raise_as_many_alarms_as_is_said(series_of):
    found = anomalies_of(*(series_of(drawn(252, level=5.0 * 2 ** (seed % 9), seed=seed), name=str(seed)) for seed in range(200)))
    assert len(found) <= 8  # 0.25 in 28 days; 8 times 28 days are judged: 2 on average
