"""95 % intervals of shares and means; rows of the same customer count together, because they are no independent witnesses."""

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from features.insights.sums import Sums

Floats = NDArray[np.float64]

LEVEL = 0.95
Z = NormalDist().inv_cdf(0.5 + LEVEL / 2)


def wilson(share: Floats, count: Floats) -> tuple[Floats, Floats]:
    """Wilson's interval of shares out of counts; NaN where nothing was counted.

    Parameters
    ----------
    share, count : same shape; a count may be an effective number, which is no whole one.

    References
    ----------
    E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", JASA 1927.

    Examples
    --------
    2 of 10: with z = 1.96 the centre is (0.2 + 3.84/20) / 1.384 = 0.283, and the half-width
    1.96 * sqrt(0.2*0.8/10 + 3.84/400) / 1.384 = 0.227.

    >>> low, high = wilson(np.array([0.2]), np.array([10.0]))
    >>> round(float(low[0]), 3), round(float(high[0]), 3)
    (0.057, 0.51)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = (share + Z**2 / (2 * count)) / (1 + Z**2 / count)
        half = Z / (1 + Z**2 / count) * np.sqrt(np.maximum(share * (1 - share), 0.0) / count + Z**2 / (4 * count**2))
    return np.clip(centre - half, 0.0, share), np.clip(centre + half, share, 1.0)  # rounding must not put a share outside


def wilson_of(count: float, whole: float) -> tuple[float, float]:
    """The ends of Wilson's interval of one share: `count` out of `whole`; see `wilson`.

    >>> [round(end, 3) for end in wilson_of(2, 10)]
    [0.057, 0.51]
    """
    low, high = wilson(np.array([count / whole if whole else np.nan]), np.array([float(whole)]))
    return float(low[0]), float(high[0])


def ratio(sums: Sums) -> Floats:
    """What is summed over how many there are, per group; NaN where there are none."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sums.n > 0, sums.x / sums.n, np.nan)


def ratio_variance(sums: Sums) -> Floats:
    """Sampling variance of `ratio` when customers are drawn; NaN where fewer than two of them count.

    References
    ----------
    W. G. Cochran, "Sampling Techniques", 3rd edition, 1977, section 6.3.

    Examples
    --------
    Two customers with one rating each, 3 and 5: the mean is 4, and its variance 2 / 2 = 1.

    >>> one = np.array([1.0])
    >>> ratio_variance(Sums(customers=2 * one, n=2 * one, x=8 * one, xx=34 * one, xm=8 * one, mm=2 * one)).tolist()
    [1.0]
    """
    mean = ratio(sums)
    squares = np.maximum(sums.xx - 2 * mean * sums.xm + mean**2 * sums.mm, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(sums.customers > 1, sums.customers / (sums.customers - 1) * squares / sums.n**2, np.nan)


def effective_count(sums: Sums) -> Floats:
    """How many independent yes or no answers tell as much as the group's; never more than it has.

    Where all answers are alike, nothing tells how alike those of one customer are: then each customer counts once.

    References
    ----------
    J. N. K. Rao, A. J. Scott, "A Simple Method for the Analysis of Clustered Binary Data", Biometrics 1992.
    """
    share, variance = ratio(sums), ratio_variance(sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        known = np.where(variance > 1e-15, share * (1 - share) / variance, sums.customers)
    return np.where(sums.n > 0, np.minimum(np.nan_to_num(known, nan=1.0), sums.n), 0.0)


def student(mean: Floats, variance: Floats, customers: Floats) -> tuple[Floats, Floats]:
    """Student's interval of means with as many degrees of freedom as customers beyond the first; NaN where there is none."""
    from scipy.special import stdtrit

    known = (customers > 1) & (variance > 0)
    with np.errstate(invalid="ignore"):
        half = np.where(
            known, stdtrit(np.maximum(customers - 1, 1.0), 0.5 + LEVEL / 2) * np.sqrt(np.maximum(variance, 0.0)), np.nan
        )
    return mean - half, mean + half
