"""Shares with their intervals, and differences between shares; what cannot be told from chance is called so."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from features.insights.intervals import Z, wilson
from features.insights.shrinkage import shrink_shares

Floats = NDArray[np.float64]

FALSE_SHARE = 0.05
"""Of what is called distinguishable, at most this share is expected to be chance."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % interval.

    Attributes
    ----------
    n : what it is out of.
    shrunk : whether it is drawn to the mean of its like, because it is out of few.
    """

    value: float
    low: float
    high: float
    n: int
    shrunk: bool = False


def rates(
    successes: ArrayLike, counts: ArrayLike, *, witnesses: ArrayLike | None = None, small_count: int = 0
) -> tuple[Rate, ...]:
    """A rate for each of several groups that are alike.

    Parameters
    ----------
    successes, counts : shape (groups,), counts at least 1.
    witnesses : as how many independent ones the counts tell; by default as many as they are.
    small_count : of groups out of fewer, the rate is drawn to that of all, as far as groups differ no more than by chance.

    Examples
    --------
    >>> [(round(rate.low, 3), round(rate.high, 3)) for rate in rates([2], [10])]
    [(0.057, 0.51)]
    """
    n = np.asarray(counts, dtype=np.float64)
    share, effective = (
        np.asarray(successes, dtype=np.float64) / n,
        n if witnesses is None else np.asarray(witnesses, dtype=np.float64),
    )
    low, high = wilson(share, effective)
    small = (n < small_count) & (len(n) > 1)
    if small.any():
        drawn = shrink_shares(share, effective)
        share, low, high = (np.where(small, new, old) for new, old in ((drawn.mean, share), (drawn.low, low), (drawn.high, high)))
    columns = zip(*(each.tolist() for each in (share, low, high)), n.astype(int).tolist(), small.tolist(), strict=True)
    return tuple(Rate(*row) for row in columns)


@dataclass(frozen=True, slots=True)
class Differences:
    """Shares of ones less shares of others, each of shape (pairs,).

    Attributes
    ----------
    low, high : of the 95 % interval of each alone.
    distinguishable : whether chance does not explain it, with all pairs taken together.
    """

    value: Floats
    low: Floats
    high: Floats
    distinguishable: NDArray[np.bool_]


def differences(one: Floats, one_witnesses: Floats, other: Floats, other_witnesses: Floats) -> Differences:
    """Compare pairs of shares.

    Parameters
    ----------
    one, other : shape (pairs,), shares.
    one_witnesses, other_witnesses : as how many independent observations each tells; positive.

    References
    ----------
    Robert G. Newcombe, "Interval estimation for the difference between independent proportions: comparison of eleven methods",
    Statistics in Medicine 1998 (method 10).

    Examples
    --------
    Newcombe's own example: 56 of 70 against 48 of 80.

    >>> of = differences(np.array([56 / 70]), np.array([70.0]), np.array([48 / 80]), np.array([80.0]))
    >>> round(float(of.low[0]), 4), round(float(of.high[0]), 4)
    (0.0524, 0.3339)
    """
    from scipy.stats import norm

    value = one - other
    (one_low, one_high), (other_low, other_high) = wilson(one, one_witnesses), wilson(other, other_witnesses)
    low = value - np.sqrt((one - one_low) ** 2 + (other_high - other) ** 2)
    high = value + np.sqrt((one_high - one) ** 2 + (other - other_low) ** 2)
    pooled = (one * one_witnesses + other * other_witnesses) / (one_witnesses + other_witnesses)
    error = np.sqrt(np.maximum(pooled * (1 - pooled), 0.0) * (1 / one_witnesses + 1 / other_witnesses))
    z = np.divide(np.abs(value), error, out=np.zeros_like(value), where=error > 0)
    # The test and the interval are different approximations: only what both say is said
    told = believable(2 * norm.sf(z)) & ((low > 0) | (high < 0))
    return Differences(value, low, high, told)


def believable(p_values: Floats) -> NDArray[np.bool_]:
    """Which of several findings are not chance, so that at most `FALSE_SHARE` of them is expected to be.

    References
    ----------
    Yoav Benjamini and Yosef Hochberg, "Controlling the False Discovery Rate", Journal of the Royal Statistical Society B 1995.

    Examples
    --------
    >>> believable(np.array([0.01, 0.02, 0.9])).tolist()
    [True, True, False]
    """
    from scipy.stats import false_discovery_control

    if not len(p_values):
        return np.zeros(0, dtype=np.bool_)
    adjusted: Floats = false_discovery_control(p_values)
    return adjusted < FALSE_SHARE


def interval(value: Floats, error: Floats) -> tuple[Floats, Floats]:
    """The 95 % interval of what is spread normally with a standard error."""
    return value - Z * error, value + Z * error
