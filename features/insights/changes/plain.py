"""Forecasts for what is too short, too rare or too coarse to be smoothed: the mean, and what counts vary by.

The mean of the last points goes on, with a weekly pattern where three weeks are known. A weekday with few counts is drawn to the
mean of all days. Paths are drawn from a Poisson distribution, or, where points differed by more than chance, from a negative
binomial one; and the mean itself is drawn, because few points do not say it exactly.
"""

import numpy as np

from features.insights.changes.series import DAYS_PER_WEEK, FloatArray, Grain, Series

_POINTS = {Grain.DAY: 56, Grain.WEEK: 13}
_LEAST_WEEKS = 3
_DRAWN_BY = 10.0  # counts that a weekday is thought to have had as the mean of all days has


def plain_paths(series: Series, *, points: int, paths: int, rng: np.random.Generator) -> FloatArray:
    """Ways in which a series may go on after its last point, shape (points, paths): counts, or rates where it is one."""
    recent = series.between(-min(_POINTS[series.grain], len(series.counts)))
    exposure = np.ones(len(recent.counts)) if recent.exposure is None else recent.exposure
    level = recent.counts.sum() / max(exposure.sum(), 1.0)
    pattern = _pattern(recent.counts, exposure * level, recent.grain)
    mean = exposure * level * pattern[np.arange(len(exposure)) % len(pattern)]
    beyond_chance = _dispersion(recent.counts, mean)
    # An average point tells of the future how many there may be to convert
    future = exposure.mean() * level * pattern[(len(exposure) + np.arange(points)) % len(pattern)]
    means = future[:, None] * _around_one(_unsure(mean, beyond_chance), rng, (1, paths))
    counts = rng.poisson(means * _around_one(beyond_chance, rng, (points, paths)))
    return np.asarray(counts, dtype=float) if series.exposure is None else np.minimum(counts / max(exposure.mean(), 1.0), 1.0)


def _pattern(counts: FloatArray, usual: FloatArray, grain: Grain) -> FloatArray:
    """Of each weekday, beginning with that of the first point, relative to the mean of all."""
    if grain is Grain.WEEK or len(counts) < _LEAST_WEEKS * DAYS_PER_WEEK:
        return np.ones(1)
    happened, would = (np.array([of[day::DAYS_PER_WEEK].sum() for day in range(DAYS_PER_WEEK)]) for of in (counts, usual))
    return np.asarray((happened + _DRAWN_BY) / (would + _DRAWN_BY))


def _dispersion(counts: FloatArray, mean: FloatArray) -> float:
    """Squared coefficient of variation beyond chance, by moments."""
    squares = float(np.square(mean).sum())
    return max(float((np.square(counts - mean) - mean).sum()) / squares, 0.0) if squares > 0 else 0.0


def _unsure(mean: FloatArray, dispersion: float) -> float:
    """Squared coefficient of variation of the mean."""
    total = float(mean.sum())
    return float((mean + dispersion * np.square(mean)).sum()) / total**2 if total > 0 else 0.0


def _around_one(variance: float, rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    return rng.gamma(1 / variance, variance, size=shape) if variance > 0 else np.ones(shape)
