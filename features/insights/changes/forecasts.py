"""How series will go on for 28 days, with 80 % and 95 % intervals, and how good the same way was on the last 28 days.

The way is learnt from the time before the last 28 days, tried on these, and then continued from today: so what is told of its
accuracy is what it was worth on days that it had not seen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from features.insights.changes.plain import plain_paths
from features.insights.changes.series import DAYS_PER_WEEK, FloatArray, Grain, Measure, Series
from features.insights.changes.smoothing import fit_smoothing, smoothed_paths

HORIZON_DAYS = 28

_PATHS = 1000
_LEAST_WEEKS = 3  # of which a weekly pattern can be learnt
_LEAST_MEAN = 10.0  # of fewer counts a day, the logarithm is no scale on which errors are alike
_RECENT = 56
_TRIED = 3  # times the points held back must be there, so that the way can be tried on them
_QUANTILES = (0.5, 0.1, 0.9, 0.025, 0.975)

Continue = Callable[[Series, int], FloatArray]


class Method(StrEnum):
    """How a series is continued."""

    SMOOTHING = "exponential smoothing"
    WEEKDAY_MEAN = "mean by weekday"
    MEAN = "mean"


@dataclass(frozen=True, slots=True)
class Interval:
    """A value, and between which ones it will be in 80 and 95 of 100 cases."""

    middle: float
    low_80: float
    high_80: float
    low_95: float
    high_95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """How good a way was on points that were held back.

    Attributes
    ----------
    points : how many.
    mase : mean absolute error over that of taking the same weekday of the week before, in the time before; below 1 is better.
    naive : the same of repeating the last week over the points held back; None, as `mase`, where weeks do not differ.
    inside_80, inside_95 : share of the points within the interval.
    """

    points: int
    mase: float | None
    naive: float | None
    inside_80: float
    inside_95: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """How a series will go on.

    Attributes
    ----------
    series : as it was.
    points : one for each point after its last.
    total : over all of them: the sum, or the mean where the figure is a rate.
    before : the figure over as many points before.
    accuracy : None where there are too few points to hold any back.
    """

    series: Series
    method: Method
    points: tuple[Interval, ...]
    total: Interval
    before: float
    accuracy: Accuracy | None


def forecast(series: Series, usual: Series, *, rng: np.random.Generator) -> Forecast | None:
    """Continue a series; None where there is nothing to continue.

    Parameters
    ----------
    usual : the same without its spikes and drops, up to the same last point; it is what is continued.
    """
    points = HORIZON_DAYS // series.grain.days
    held = points if len(usual.counts) >= _TRIED * points else 0
    learnt = usual.between(0, len(usual.counts) - held)
    method, go_on = _way(learnt, rng)
    if series.measure is Measure.VALUE and method is not Method.SMOOTHING:
        return None  # money is not counted
    accuracy = _accuracy(series.between(len(series.counts) - held), learnt, go_on(learnt, held)) if held else None
    ways = go_on(usual, points)
    together = ways.sum(axis=0) if series.exposure is None else ways.mean(axis=0)
    return Forecast(
        series=series,
        method=method,
        points=tuple(_interval(way) for way in ways),
        total=_interval(together),
        before=series.over(-points),
        accuracy=accuracy,
    )


def _way(learnt: Series, rng: np.random.Generator) -> tuple[Method, Continue]:
    weeks = len(learnt.counts) * learnt.grain.days / DAYS_PER_WEEK
    daily = learnt.grain is Grain.DAY and weeks >= _LEAST_WEEKS
    if daily and learnt.counts[-_RECENT:].mean() >= _LEAST_MEAN:
        parameters = fit_smoothing(learnt)
        if parameters is not None:
            return Method.SMOOTHING, lambda of, points: smoothed_paths(of, parameters, points=points, paths=_PATHS, rng=rng)
    method = Method.WEEKDAY_MEAN if daily else Method.MEAN
    return method, lambda of, points: plain_paths(of, points=points, paths=_PATHS, rng=rng)


def _accuracy(actual: Series, learnt: Series, ways: FloatArray) -> Accuracy:
    values, before = actual.values, learnt.values
    season = DAYS_PER_WEEK if learnt.grain is Grain.DAY else 1
    scale = float(np.abs(before[season:] - before[:-season]).mean())
    middle, low_80, high_80, low_95, high_95 = np.quantile(ways, _QUANTILES, axis=1)
    repeated = np.resize(before[-season:], len(values))
    return Accuracy(
        points=len(values),
        mase=float(np.abs(values - middle).mean()) / scale if scale > 0 else None,
        naive=float(np.abs(values - repeated).mean()) / scale if scale > 0 else None,
        inside_80=float(((low_80 <= values) & (values <= high_80)).mean()),
        inside_95=float(((low_95 <= values) & (values <= high_95)).mean()),
    )


def _interval(ways: FloatArray) -> Interval:
    return Interval(*(float(value) for value in np.quantile(ways, _QUANTILES)))
