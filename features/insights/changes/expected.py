"""What was to be expected of every point from the points before it: level times weekly pattern, and how far it may be off."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.insights.changes.chance import FloatArray, dispersion, variance, widening
from features.insights.changes.level import Followed, Observed, follow
from features.insights.changes.season import weekly_pattern
from features.insights.changes.series import Series

_GAINS = (0.03, 0.1, 0.25)  # of each series that with which it would have been expected best
_FIRST_DISPERSION = 0.05
_ROUNDS = 2
_KEPT = 0.9  # of the points, those best expected, say which gain is best


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Series of one grain side by side with what was expected of them; shape (n, s), nan where nothing is judged.

    Attributes
    ----------
    series : the columns; all have the same last point.
    mean, spread : mean and variance of what was expected.
    settled : where a new level was taken to be there.
    widening : how much wider windows vary than points let expect, shape (s,).
    """

    series: tuple[Series, ...]
    counts: FloatArray
    mean: FloatArray
    spread: FloatArray
    settled: NDArray[np.bool_]
    widening: FloatArray


def expect(series: Sequence[Series]) -> Expected:
    """What was expected of series that have one grain and the same last point."""
    observed = _side_by_side(series)
    judged, s = observed.judged, len(series)
    gain, spread, wide = np.full(s, _GAINS[1]), np.full(s, _FIRST_DISPERSION), np.ones(s)
    for _ in range(_ROUNDS):
        tried = [follow(observed, np.full(s, each), dispersion=spread, widening=wide) for each in _GAINS]
        best = np.argmin([_loss(observed.counts * judged, each.means) for each in tried], axis=0)
        gain = np.array(_GAINS)[best]
        spread = dispersion(observed.counts * judged, _chosen(tried, best, "means"), observed.bound)
        wide = wide * widening(_chosen(tried, best, "windows") * judged)
    last = follow(observed, gain, dispersion=spread, widening=wide)
    return Expected(
        series=tuple(series),
        counts=observed.counts * judged,
        mean=last.means * judged,
        spread=variance(last.means, spread, observed.bound) * judged,
        settled=last.settled,
        widening=wide,
    )


def _side_by_side(series: Sequence[Series]) -> Observed:
    longest = max(len(each.counts) for each in series)
    counts, bound = np.full((longest, len(series)), np.nan), np.full((longest, len(series)), np.inf)
    usual = np.zeros((longest, len(series)))
    for column, each in enumerate(series):
        own = slice(longest - len(each.counts), None)
        counts[own, column], usual[own, column] = each.counts, weekly_pattern(each)
        if each.exposure is not None:
            bound[own, column] = each.exposure
            usual[own, column] *= each.exposure
    return Observed(counts=counts, bound=bound, usual=usual, grain=series[0].grain)


def _loss(counts: FloatArray, means: FloatArray) -> FloatArray:
    errors = np.sort((counts - means) ** 2 / np.maximum(means, 1.0), axis=0)
    kept = np.arange(len(errors))[:, None] < _KEPT * (~np.isnan(errors)).sum(axis=0)
    return np.asarray(np.where(kept, np.nan_to_num(errors), 0.0).sum(axis=0))


def _chosen(tried: Sequence[Followed], best: NDArray[np.int_], name: str) -> FloatArray:
    return np.asarray(np.take_along_axis(np.stack([getattr(each, name) for each in tried]), best[None, None, :], axis=0)[0])
