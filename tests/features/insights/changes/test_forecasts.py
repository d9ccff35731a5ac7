"""Forecasts: what is continued, how wide, and what is told where little is known."""

import numpy as np
import pytest

from features.insights.changes import forecast
from features.insights.changes.forecasts import Method

WEEK = np.array([1.0, 1, 1, 1.2, 1.6, 0.7, 0.5])


def drawn(days: int, level: float, rng: np.random.Generator) -> np.ndarray:
    return rng.poisson(level * WEEK[np.arange(days) % 7] * rng.gamma(1 / 0.01, 0.01, days)).astype(float)


def forecast_of(series, usual=None):
    return forecast(series, usual or series, rng=np.random.default_rng(0))


def test_a_weekly_pattern_goes_on(series_of):
    found = forecast_of(series_of(drawn(182, 200, np.random.default_rng(1))))
    assert found.method is Method.SMOOTHING
    assert [point.middle for point in found.points] == pytest.approx(200 * np.tile(WEEK, 4), rel=0.15)
    assert found.total.middle == pytest.approx(4 * 1400, rel=0.05)
    assert found.accuracy.mase < 1 and found.accuracy.points == 28


def test_intervals_contain_each_other_and_never_go_below_zero(series_of):
    rng = np.random.default_rng(2)
    for level in (0.5, 3, 12, 1e7):
        found = forecast_of(series_of(drawn(120, level, rng)))
        for each in (*found.points, found.total):
            assert 0 <= each.low_95 <= each.low_80 <= each.middle <= each.high_80 <= each.high_95
        assert found.total.high_95 > found.total.middle > 0


def test_an_interval_of_counts_is_wider_upwards(series_of):
    total = forecast_of(series_of(drawn(120, 15, np.random.default_rng(3)))).points[6]
    assert total.high_95 - total.middle > total.middle - total.low_95


@pytest.mark.parametrize(
    ("days", "level", "method"),
    [(200, 1, Method.WEEKDAY_MEAN), (14, 50, Method.MEAN), (5, 50, Method.MEAN), (40, 50, Method.SMOOTHING)],
)
def test_what_is_short_or_rare_is_continued_by_its_mean_and_says_so(series_of, days, level, method):
    found = forecast_of(series_of(drawn(days, level, np.random.default_rng(4))))
    assert found.method is method
    assert found.total.low_95 < 28 * level < found.total.high_95
    assert (found.accuracy is None) == (days < 84)


def test_constants_and_nothing_at_all_are_continued(series_of):
    nothing = forecast_of(series_of(np.zeros(100)))
    assert (nothing.total.middle, nothing.total.high_95, nothing.accuracy.mase) == (0, 0, None)
    constant = forecast_of(series_of(np.full(100, 40.0)))
    assert constant.total.low_95 <= 28 * 40 <= constant.total.high_95


def test_rates_stay_between_zero_and_one(series_of):
    rng = np.random.default_rng(5)
    for rate in (0.002, 0.3, 0.999, 1.0):
        met = rng.integers(50, 100, 120)
        found = forecast_of(series_of(rng.binomial(met, rate), exposure=met.astype(float)))
        assert 0 <= found.total.low_95 <= found.total.middle <= found.total.high_95 <= 1
        assert found.total.middle == pytest.approx(rate, abs=0.02)


def test_weeks_are_forecast_in_weeks(series_of):
    found = forecast_of(series_of(np.tile([0.0, 0, 9, 0, 0, 0, 3], 30)).by_week())
    assert (len(found.points), found.before, found.accuracy.points) == (4, 48, 4)
    assert found.total.low_95 < 48 < found.total.high_95


def test_a_spike_is_not_continued_and_counts_against_the_forecast(series_of):
    counts = drawn(120, 100, np.random.default_rng(6))
    usual = series_of(counts)
    spoilt = counts.copy()
    spoilt[-3] = 10_000
    found = forecast_of(series_of(spoilt), usual)
    assert found.total.middle == pytest.approx(2800, rel=0.1)
    assert found.accuracy.inside_95 < 1 and found.before > 12_000


def test_the_same_chance_gives_the_same_forecast(series_of):
    series = series_of(drawn(60, 100, np.random.default_rng(7)))
    assert forecast_of(series) == forecast_of(series)


def test_ninety_five_percent_intervals_hold_what_comes_in_ninety_five_percent(series_of):
    inside, totals, trials = [], 0, 60
    rng = np.random.default_rng(8)
    for trial in range(trials):
        counts = drawn(56 + 28 * (trial % 5) + 28, 10 ** rng.uniform(0, 3), rng)
        found = forecast_of(series_of(counts[:-28]))
        inside += [point.low_95 <= count <= point.high_95 for point, count in zip(found.points, counts[-28:], strict=True)]
        totals += found.total.low_95 <= counts[-28:].sum() <= found.total.high_95
    assert 0.93 <= np.mean(inside) <= 0.99  # counts are whole: of small ones, no interval holds exactly 95 %
    assert totals >= 51  # of 60; 57 on average, and fewer than 51 of them in one of 200 such tests
