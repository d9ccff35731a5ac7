"""Shares and means with 95 % intervals; those of few are drawn to the mean of their like, and say so."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from features.insights.intervals import LEVEL, Z, student, wilson
from features.insights.shrinkage import prior_of_shares, shrink_means

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share or mean.

    Attributes
    ----------
    value, low, high : with the ends of the interval; None where nothing can be told.
    n : out of so many.
    shrunk : whether it was drawn to the mean of its like.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    shrunk: bool = False


NO_RATE = Rate(None, None, None, 0)


def shares(hits: Floats, counts: Floats, *, small_count: int = 0) -> tuple[Rate, ...]:
    """A share per group.

    >>> [rate] = shares(np.array([2.0]), np.array([10.0]))
    >>> rate.value, round(rate.low, 3), round(rate.high, 3), rate.n
    (0.2, 0.057, 0.51, 10)
    """
    with np.errstate(invalid="ignore"):
        raw = np.where(counts > 0, hits / np.maximum(counts, 1), np.nan)
    low, high = wilson(raw, counts)
    drawn = (counts > 0) & (counts < small_count) & ((counts > 0).sum() > 1)
    if drawn.any():
        raw, low, high = np.where(drawn, _posterior(raw, hits, counts), [raw, low, high])
    return _rates(raw, low, high, counts, drawn)


def _posterior(raw: Floats, hits: Floats, counts: Floats) -> Floats:
    """Means and ends of the intervals of beta-binomial posteriors, shape (3, groups)."""
    from scipy.special import betaincinv

    mean, strength = prior_of_shares(raw, counts)
    yes, no = hits + mean * strength, counts - hits + (1 - mean) * strength
    tail = (1 - LEVEL) / 2
    return np.array([yes / (yes + no), betaincinv(yes, no, tail), betaincinv(yes, no, 1 - tail)])


def means(sums: Floats, squares: Floats, counts: Floats, *, small_count: int = 0) -> tuple[Rate, ...]:
    """A mean per group, from sums of values and of their squares.

    2, 4 and 6 have mean 4 and variance 4; Student's t with 2 degrees of freedom is 4.303, times sqrt(4 / 3).

    >>> [rate] = means(np.array([12.0]), np.array([56.0]), np.array([3.0]))
    >>> rate.value, round(rate.high - 4, 2)
    (4.0, 4.97)
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        raw = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
        variance = np.where(counts > 1, np.maximum(squares - counts * raw**2, 0) / np.maximum(counts - 1, 1) / counts, np.nan)
    low, high = student(raw, variance, counts)
    small = (counts > 0) & (counts < small_count)
    if small.any() and counts.sum() > len(counts):  # few tell little of how much they differ, so all groups together say it
        pooled = np.nansum(np.where(counts > 1, variance * counts * (counts - 1), 0.0)) / np.maximum(counts - 1, 0).sum()
        variance = np.where(small, pooled / np.maximum(counts, 1), variance)
    sure = np.isfinite(variance) & (variance > 0)
    drawn = sure & small & (sure.sum() > 1)
    if drawn.any():
        shrunk = shrink_means(raw[sure], variance[sure])
        for old, new in ((raw, shrunk.mean), (low, shrunk.low), (high, shrunk.high)):
            spread = np.full(len(old), np.nan)
            spread[sure] = new
            old[drawn] = spread[drawn]
    return _rates(raw, low, high, counts, drawn)


def ratio(top: float, bottom: float, *, squares: tuple[float, float, float], n: int) -> Rate:
    """A sum over a sum, both over the same n customers.

    Parameters
    ----------
    squares : sums over customers of the top's square, of top times bottom, of the bottom's square.

    References
    ----------
    W. G. Cochran, "Sampling Techniques", 3rd edition, 1977, section 6.3.

    Examples
    --------
    Two customers cost 1 and 3 for one success each: 2 in the mean, variance 2 / (2 - 1) * (1 + 1) / 2**2 = 1.

    >>> rate = ratio(4, 2, squares=(10, 4, 2), n=2)
    >>> rate.value, round(rate.high, 2)
    (2.0, 3.96)
    """
    if not bottom > 0:
        return NO_RATE
    value = top / bottom
    if n < 2:
        return Rate(value, None, None, n)
    spread = max(squares[0] - 2 * value * squares[1] + value**2 * squares[2], 0.0)
    half = Z * sqrt(n / (n - 1) * spread) / bottom
    return Rate(value, value - half, value + half, n)


def _rates(value: Floats, low: Floats, high: Floats, counts: Floats, shrunk: NDArray[np.bool_]) -> tuple[Rate, ...]:
    def told(number: float) -> float | None:
        return float(number) if np.isfinite(number) else None

    return tuple(
        Rate(told(value[row]), told(low[row]), told(high[row]), int(counts[row]), bool(shrunk[row])) for row in range(len(value))
    )
