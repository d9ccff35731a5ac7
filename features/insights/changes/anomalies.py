"""Anomalies: spans of points that came out so far from what was expected that chance makes them hardly ever.

Points, and sums over some points, are judged by their negative binomial, Poisson or binomial tails. The limit is such that all
series together raise at most a fixed number of false alarms in 28 days, however many series there are. Neighbouring points that
are out on one side are one anomaly: the span that deviates most, and on from it all that stays on that side.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from features.insights.changes.chance import FloatArray, tails
from features.insights.changes.expected import Expected, expect
from features.insights.changes.lasting import Span, lengthen
from features.insights.changes.level import WINDOW
from features.insights.changes.series import Grain, Series

FALSE_ALARMS = 0.25
"""At most expected in 28 days over all series together, when nothing happens."""

RECENT_DAYS = 28

_SPANS = {Grain.DAY: (1, 3, 7), Grain.WEEK: (1, 4)}  # points whose sums are judged
_SIDES = 2
_MOST_CHANCE = 1e-4  # of few series, too, only what is rare is an anomaly
_GAP = 2  # points between two that are out on one side and still belong to them
_WITHIN_95 = 1.96
_RAREST = 1e-300


class Kind(StrEnum):
    """How a figure departed."""

    SPIKE = "spike"
    DROP = "drop"
    LEVEL_SHIFT = "level shift"  # it stayed where it went


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """One departure of one series from what was expected of it.

    Attributes
    ----------
    start, end : first and last day; of a level shift, until it was taken to be the new level.
    observed, expected : sums over the span, or rates where the figure is one.
    low, high : 95 % interval of what was expected.
    deviations : how rare it is, as standard deviations of a normal distribution; below 0 where there was too little.
    ongoing : whether it lasts up to the last point.
    """

    series: Series
    kind: Kind
    start: date
    end: date
    observed: float
    expected: float
    low: float
    high: float
    deviations: float
    ongoing: bool

    @property
    def change(self) -> float | None:
        """Relative to what was expected; None where nothing was."""
        return self.observed / self.expected - 1 if self.expected > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A series with what was expected of it.

    Attributes
    ----------
    mean, deviation : what was expected of each point from those before it, or of an anomaly that lasts, from those before that;
        shape (n,), nan where it was too early.
    anomalies : the oldest first.
    usual : the series as it would have been without its spikes and drops, from its last level shift on; what is continued.
    """

    series: Series
    mean: FloatArray
    deviation: FloatArray
    anomalies: tuple[Anomaly, ...]
    usual: Series


def judge(series: Sequence[Series], *, false_alarms: float = FALSE_ALARMS) -> tuple[Judged, ...]:
    """Find the anomalies of series that have the same last day, each in its own grain."""
    by_grain = {grain: [each for each in series if each.grain is grain] for grain in Grain}
    tests = sum(len(_SPANS[grain]) * RECENT_DAYS // grain.days * len(of) for grain, of in by_grain.items())
    limit = min(false_alarms / max(tests, 1) / _SIDES, _MOST_CHANCE)
    return tuple(judged for of in by_grain.values() if of for judged in _judge(expect(of), limit))


def _judge(expected: Expected, limit: float) -> Iterator[Judged]:
    spans: dict[int, list[tuple[int, int]]] = {}
    expected, lengthened = lengthen(expected, _spans(expected, limit))
    for column, start, stop in lengthened:
        spans.setdefault(column, []).append((start, stop))
    for column, series in enumerate(expected.series):
        own = slice(len(expected.counts) - len(series.counts), None)
        of = [(span, _anomaly(expected, column, *span)) for span in sorted(spans.get(column, []))]
        yield Judged(
            series=series,
            mean=expected.mean[own, column],
            deviation=np.sqrt(expected.spread[own, column]),
            anomalies=tuple(anomaly for _, anomaly in of),
            usual=_usual(series, expected.mean[own, column], [(span, each.kind) for span, each in of], own.start),
        )


def _usual(series: Series, mean: FloatArray, found: Sequence[tuple[tuple[int, int], Kind]], offset: int) -> Series:
    counts, begins = series.counts.copy(), 0
    for (start, stop), kind in found:
        if kind is not Kind.LEVEL_SHIFT:
            counts[start - offset : stop - offset] = mean[start - offset : stop - offset]
        elif len(counts) - (start - offset) >= RECENT_DAYS // series.grain.days:
            begins = start - offset
    return series.with_counts(counts).between(begins)


def _spans(expected: Expected, limit: float) -> Iterator[Span]:
    """Where every anomaly is strongest."""
    residuals = np.nan_to_num(expected.counts - expected.mean)
    spread = np.nan_to_num(expected.spread)
    for sign, out in zip((-1, 1), _out(expected, limit), strict=True):
        for column in np.flatnonzero(out.any(axis=0)):
            points = np.flatnonzero(out[:, column])
            for run in np.split(points, np.flatnonzero(np.diff(points) > _GAP + 1) + 1):
                own = slice(run[0], run[-1] + 1)
                start, stop = _most_deviating(sign * residuals[own, column], spread[own, column])
                yield int(column), int(run[0] + start), int(run[0] + stop)


def _out(expected: Expected, limit: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which points are in a span that has too little, and in one that has too much; shape (n, s) both."""
    judged = ~np.isnan(expected.counts)
    too_few, too_many = np.zeros_like(judged), np.zeros_like(judged)
    grain = expected.series[0].grain
    for span in filter(len(judged).__ge__, _SPANS[grain]):
        counts, mean, spread = (_sums(np.nan_to_num(each), span) for each in (expected.counts, expected.mean, expected.spread))
        # Windows vary more than points let expect where one point is like the next; shorter spans do so less
        wide = 1 + (expected.widening - 1) * (span - 1) / (WINDOW[grain] - 1)
        whole = _sums(judged.astype(float), span) > span - 1
        few, many = tails(counts, mean, spread * wide**2)
        for out, chance in ((too_few, few), (too_many, many)):
            rare = whole & (chance < limit)
            for back in range(span):
                out[: len(out) - back] |= rare[back:]
    return too_few, too_many


def _sums(values: FloatArray, span: int) -> FloatArray:
    """Over the points of a span that ends at each point; 0 where there are not so many."""
    before = np.vstack([np.zeros(values.shape[1]), np.cumsum(values, axis=0)])
    sums = np.zeros_like(values)
    sums[span - 1 :] = before[span:] - before[:-span]
    return sums


def _most_deviating(residuals: FloatArray, spread: FloatArray) -> tuple[int, int]:
    """First point, and point after the last, of the span whose sum of residuals is largest to its deviation."""
    sums, spreads = (np.concatenate([[0.0], np.cumsum(values)]) for values in (residuals, spread))
    scores = (sums[None, :] - sums[:, None]) / np.sqrt(np.maximum(spreads[None, :] - spreads[:, None], 1e-9))
    scores[np.tril_indices(len(sums))] = -np.inf
    start, stop = np.unravel_index(np.argmax(scores), scores.shape)
    return int(start), int(stop)


def _anomaly(expected: Expected, column: int, start: int, stop: int) -> Anomaly:
    series, points = expected.series[column], len(expected.counts)
    offset = points - len(series.counts)
    own = slice(start, stop)
    count, mean = (float(each[own, column].sum()) for each in (expected.counts, expected.mean))
    deviation = float(np.sqrt(expected.spread[own, column].sum()))
    out_of = 1.0 if series.exposure is None else max(float(series.exposure[start - offset : stop - offset].sum()), 1.0)
    settled = expected.settled[start : stop + WINDOW[series.grain], column].any()
    kind = Kind.LEVEL_SHIFT if settled else Kind.SPIKE if count > mean else Kind.DROP
    return Anomaly(
        series=series,
        kind=kind,
        start=series.day(start - offset),
        end=series.day(stop - offset) - timedelta(days=1),
        observed=count / out_of,
        expected=mean / out_of,
        low=max(mean - _WITHIN_95 * deviation, 0.0) / out_of,
        high=(mean + _WITHIN_95 * deviation) / out_of,
        deviations=_deviations(count, mean, deviation**2),
        ongoing=stop == points,
    )


def _deviations(count: float, mean: float, spread: float) -> float:
    from scipy.special import ndtri

    few, many = (float(tail[0]) for tail in tails(*(np.array([each]) for each in (count, mean, spread))))
    rarer = max(min(few, many), _RAREST)
    return float(ndtri(rarer) if count < mean else -ndtri(rarer))
