"""How much counts vary by chance: mean and variance decide between binomial, Poisson and negative binomial.

References
----------
Panjer, Recursive evaluation of a family of compound distributions, 1981 (the class that has just these three).
"""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

LEAST_DISPERSION = 1e-4  # a spread of 1 %: nobody needs to know of smaller changes, however certain

_MOST_DISPERSION = 100.0
_LEAST_VARIANCE = 0.5  # one where there was none before is no surprise
_QUANTILE = 0.8  # of deviations: up to a fifth of the points may be anomalies and do not widen what is usual
_AT_QUANTILE = 1.2815515655446004  # standard deviations of a normal distribution
_HALVINGS = 40
_EQUAL = 1e-5
_ALMOST_NONE = 1e-9


def variance(mean: FloatArray, dispersion: FloatArray | float, exposure: FloatArray | float) -> FloatArray:
    """Of counts with a mean: what chance does to each, and what points differ by beyond that.

    Parameters
    ----------
    dispersion : squared coefficient of variation beyond chance.
    exposure : of how many; infinite where counts have no bound, so that chance is Poisson's and not binomial.
    """
    share = np.minimum(mean / np.maximum(exposure, _ALMOST_NONE), 1.0)
    return np.asarray(np.maximum(mean * (1 - share) + dispersion * mean**2, _LEAST_VARIANCE))


def tails(counts: FloatArray, mean: FloatArray, spread: FloatArray) -> tuple[FloatArray, FloatArray]:
    """P(so few or fewer) and P(so many or more) under the distribution with that mean and variance `spread`.

    Examples
    --------
    >>> few, many = tails(np.array([0.0, 3.0]), np.array([2.0, 1.0]), np.array([2.0, 0.75]))
    >>> few.round(4).tolist(), many.round(4).tolist()  # Poisson: e^-2; 3 of 4, each with 1/4: 13/256
    ([0.1353, 0.9961], [1.0, 0.0508])
    """
    counts, mean, spread = np.maximum(counts, 0.0), np.maximum(mean, _ALMOST_NONE), np.maximum(spread, _ALMOST_NONE)
    few, many = _poisson(counts, mean)
    for apart, distribution in (
        (spread > mean * (1 + _EQUAL), _negative_binomial),
        (spread < mean * (1 - _EQUAL), _binomial),
    ):
        few[apart], many[apart] = distribution(counts[apart], mean[apart], spread[apart])
    return few, np.where(counts > 0, many, 1.0)


def dispersion(counts: FloatArray, mean: FloatArray, exposure: FloatArray) -> FloatArray:
    """What points of each series differ by beyond chance: as much as explains the deviation that a fifth of them exceed.

    Parameters
    ----------
    counts, mean, exposure : shape (n, s), a column per series; nan where nothing is judged.

    Returns
    -------
    shape (s,) : squared coefficients of variation, at least that of a spread of 1 %.
    """
    deviation = np.abs(counts - mean)
    low, high = (np.full(counts.shape[1], np.log(end)) for end in (LEAST_DISPERSION, _MOST_DISPERSION))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        too_narrow = _usual(deviation / np.sqrt(variance(mean, np.exp(middle), exposure))) > _AT_QUANTILE
        low, high = np.where(too_narrow, middle, low), np.where(too_narrow, high, middle)
    return np.asarray(np.exp(low))


def widening(scores: FloatArray) -> FloatArray:
    """By how much the scores of each column, which should be standard normal, are wider than that, at least 1; shape (s,)."""
    return np.asarray(np.maximum(_usual(np.abs(scores)) / _AT_QUANTILE, 1.0))


def _usual(deviations: FloatArray) -> FloatArray:
    ordered = np.sort(deviations, axis=0)  # nan come last
    known = (~np.isnan(ordered)).sum(axis=0)
    at = np.clip(np.ceil(_QUANTILE * known).astype(int) - 1, 0, None)
    return np.asarray(np.nan_to_num(ordered[at, np.arange(ordered.shape[1])]))


# Written with the incomplete beta and gamma functions, because the parameters that moments give are no whole numbers.


def _poisson(counts: FloatArray, mean: FloatArray) -> tuple[FloatArray, FloatArray]:
    from scipy.special import gammainc, gammaincc

    return gammaincc(counts + 1, mean), gammainc(np.maximum(counts, _ALMOST_NONE), mean)


def _negative_binomial(counts: FloatArray, mean: FloatArray, spread: FloatArray) -> tuple[FloatArray, FloatArray]:
    from scipy.special import betainc

    size, share = mean**2 / (spread - mean), mean / spread
    return betainc(size, counts + 1, share), betainc(np.maximum(counts, _ALMOST_NONE), size, 1 - share)


def _binomial(counts: FloatArray, mean: FloatArray, spread: FloatArray) -> tuple[FloatArray, FloatArray]:
    from scipy.special import betainc

    trials, share = mean**2 / (mean - spread), 1 - spread / mean
    missing = trials - counts
    few = np.where(missing > 0, betainc(np.maximum(missing, _ALMOST_NONE), counts + 1, 1 - share), 1.0)
    many = betainc(np.maximum(counts, _ALMOST_NONE), np.maximum(missing, 0.0) + 1, share)
    return few, np.where(missing > -1, many, 0.0)
