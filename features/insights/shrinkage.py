"""Draws what few were counted for towards the mean of its like, as far as the like differ less than chance makes them.

`shrink_shares` is for shares, `shrink_means` for means. Both learn from all groups how much they differ (empirical Bayes).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.insights.intervals import LEVEL, Z

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Shrunk:
    """Posterior means and 95 % intervals, each of shape (groups,)."""

    mean: Floats
    low: Floats
    high: Floats


def prior_of_shares(shares: Floats, counts: Floats) -> tuple[float, float]:
    """The mean of all groups, and how many observations it is worth: the beta prior, by moments.

    Groups that differ no more than by chance give a prior worth all observations together, which is as sure as it can be;
    groups that have nothing in common give one of a single observation, so that 0 of 1 is not taken to be certain.

    References
    ----------
    J. C. Kleinman, "Proportions with Extraneous Variance: Single and Independent Samples", JASA 1973.

    Examples
    --------
    20 % and 60 % of ten each: S = 0.8, of which chance explains 0.24; (0.8 - 0.24) / (0.24 * (10 - 1)) = 7/27 = 1 / (1 + 20/7).

    >>> mean, strength = prior_of_shares(np.array([0.2, 0.6]), np.array([10.0, 10.0]))
    >>> round(mean, 3), round(strength * 7, 3)
    (0.4, 20.0)
    """
    known = counts > 0
    shares, counts = shares[known], counts[known]
    total = counts.sum()
    mean = float(np.clip(shares @ counts / total, 0.5 / (total + 1), (total + 0.5) / (total + 1)))
    rest = 1 - counts / total
    chance = mean * (1 - mean)
    between = (counts @ (shares - mean) ** 2 - chance * rest.sum()) / max(chance * (counts @ rest - rest.sum()), 1e-12)
    return mean, float(np.clip(1 / between - 1, min(1.0, total), total)) if between > 0 else float(total)


def shrink_shares(shares: Floats, counts: Floats) -> Shrunk:
    """Beta-binomial posteriors of shares.

    Parameters
    ----------
    shares, counts : shape (groups,); shares without a count may be NaN, and become the mean of the others.

    Examples
    --------
    The prior of `prior_of_shares` is worth 20/7 observations of 40 %: (2 + 8/7) / (10 + 20/7) = 22/90.

    >>> round(float(shrink_shares(np.array([0.2, 0.6]), np.array([10.0, 10.0])).mean[0]) * 90, 6)
    22.0
    """
    from scipy.special import betaincinv

    mean, strength = prior_of_shares(shares, counts)
    successes = np.nan_to_num(shares) * counts
    yes, no = successes + mean * strength, counts - successes + (1 - mean) * strength
    low, high = (betaincinv(yes, no, tail) for tail in (0.5 - LEVEL / 2, 0.5 + LEVEL / 2))
    return Shrunk(yes / (yes + no), low, high)


def spread_of_means(means: Floats, variances: Floats) -> float:
    """Variance of the true means beyond what sampling explains, by moments; 0 where it explains all.

    References
    ----------
    R. DerSimonian, N. Laird, "Meta-analysis in Clinical Trials", Controlled Clinical Trials 1986.

    Examples
    --------
    2 and 4, each with variance 1: Q = 2, and (2 - 1) / (2 - 2/2) = 1.

    >>> spread_of_means(np.array([2.0, 4.0]), np.array([1.0, 1.0]))
    1.0
    """
    weights = 1 / variances
    mean = weights @ means / weights.sum()
    excess = weights @ (means - mean) ** 2 - (len(means) - 1)
    return float(max(excess / max(weights.sum() - weights @ weights / weights.sum(), 1e-12), 0.0))


def shrink_means(means: Floats, variances: Floats) -> Shrunk:
    """Normal posteriors of means.

    Parameters
    ----------
    means, variances : shape (groups,); variances are positive.

    References
    ----------
    C. N. Morris, "Parametric Empirical Bayes Inference: Theory and Applications", JASA 1983.

    Examples
    --------
    >>> shrink_means(np.array([2.0, 4.0]), np.array([1.0, 1.0])).mean.tolist()
    [2.5, 3.5]
    """
    spread = spread_of_means(means, variances)
    weights = 1 / (variances + spread)
    centre = weights @ means / weights.sum()
    kept = spread / (variances + spread)
    posterior = kept * variances + (1 - kept) ** 2 / weights.sum()
    mean, half = centre + kept * (means - centre), Z * np.sqrt(posterior)
    return Shrunk(mean, mean - half, mean + half)
