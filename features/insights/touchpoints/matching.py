"""Compares customers after a touchpoint with customers alike who had none: standardized over strata, with jackknife intervals.

References
----------
W. G. Cochran, "The Effectiveness of Adjustment by Subclassification in Removing Bias in Observational Studies", Biometrics 1968.
P. S. Kott, "The Delete-a-Group Jackknife", Journal of Official Statistics 2001.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from features.insights.intervals import LEVEL, Z, wilson
from features.insights.shrinkage import shrink_means

Floats = NDArray[np.float64]

PARTS = 30
"""Customers are put into so many parts; leaving one out at a time tells how much chance there is, whoever counts how often."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Counts of customers at landmarks, each of shape (strata, PARTS).

    Attributes
    ----------
    exposed, exposed_left : had the touchpoint; of these, who left.
    unexposed, unexposed_left : had it neither then nor shortly before.
    """

    exposed: Floats
    exposed_left: Floats
    unexposed: Floats
    unexposed_left: Floats


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % interval, NaN where too little is known, out of a number of customers at landmarks."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """Churn after a touchpoint against customers alike.

    Attributes
    ----------
    customers : different ones who were exposed, matched or not.
    matched : share of the exposed who had anybody alike to compare with; only these are in all that follows.
    after, baseline : who left, of the exposed, and of the unexposed as if they were in the strata of the exposed.
    difference : after minus baseline; `n` is that of the exposed.
    raw : the difference before shrinking.
    variance : of `raw`; NaN where too little is known.
    """

    customers: int
    matched: float
    after: Rate
    baseline: Rate
    difference: Rate
    raw: float
    variance: float
    shrunk: bool = False

    @property
    def differs(self) -> bool:
        """Whether the interval of the difference leaves zero out."""
        return bool(self.difference.low > 0 or self.difference.high < 0)


def matched(cells: Cells, *, customers: int) -> Matched:
    """The comparison, weighted as the exposed are.

    Parameters
    ----------
    customers : different ones who were exposed.
    """
    rows = cells.exposed.sum(axis=1) > 0
    counts = tuple(each[rows] for each in (cells.exposed, cells.exposed_left, cells.unexposed, cells.unexposed_left))
    usable = (counts[0].sum(axis=1) > 0) & (counts[2].sum(axis=1) > 0)
    n, everybody = int(counts[0][usable].sum()), counts[0].sum()
    whole = _standardized(*(each.sum(axis=1, keepdims=True) for each in counts))[:, 0]
    left_out = _standardized(*(each.sum(axis=1, keepdims=True) - each for each in counts))
    active = np.sum([each.sum(axis=0) for each in counts], axis=0) > 0
    after, baseline, difference = (_jackknifed(value, each[active], n) for value, each in zip(whole, left_out, strict=True))
    if whole[0] in (0.0, 1.0):  # all stayed, or all left: there the jackknife sees no chance at all
        after, difference = _of_one_kind(difference, whole[0], customers)
    return Matched(
        customers=customers,
        matched=float(n / everybody) if everybody else 0.0,
        after=after[0],
        baseline=baseline[0],
        difference=difference[0],
        raw=difference[0].value,
        variance=difference[1],
    )


def _of_one_kind(difference: tuple[Rate, float], after: float, customers: int) -> tuple[tuple[Rate, float], tuple[Rate, float]]:
    """The share after by Wilson's interval of the customers, and its chance added to that of the difference."""
    rate, variance = difference
    low, high = wilson(np.array([after]), np.array([float(customers)]))
    guess = 1 / (customers + 2)  # one more who did otherwise, of two more
    variance += guess * (1 - guess) / (customers + 2)
    half = Z * variance**0.5
    alone = Rate(float(after), float(low[0]), float(high[0]), rate.n)
    return (alone, np.nan), (Rate(rate.value, rate.value - half, rate.value + half, rate.n), variance)


def rate(n: Floats, x: Floats) -> Rate:
    """The share x of n over all strata and parts, both of shape (strata, PARTS)."""
    parts, of_parts = n.sum(axis=0), x.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        whole, left_out = of_parts.sum() / parts.sum(), (of_parts.sum() - of_parts) / (parts.sum() - parts)
    return _jackknifed(float(whole), left_out[parts > 0], int(parts.sum()))[0]


def shrink(found: Mapping[str, Matched], *, small_count: int) -> dict[str, Matched]:
    """Differences behind which fewer than so many customers stand, drawn to the mean of all, as far as these are alike."""
    known = {key: each for key, each in found.items() if each.variance > 0}
    few = [key for key, each in known.items() if each.customers < small_count]
    if not few or len(known) < 2:
        return dict(found)
    drawn = shrink_means(np.array([each.raw for each in known.values()]), np.array([each.variance for each in known.values()]))
    ends = dict(zip(known, zip(drawn.mean.tolist(), drawn.low.tolist(), drawn.high.tolist(), strict=True), strict=True))
    return {
        key: replace(each, difference=Rate(*ends[key], each.difference.n), shrunk=True) if key in few else each
        for key, each in found.items()
    }


def _standardized(exposed: Floats, exposed_left: Floats, unexposed: Floats, unexposed_left: Floats) -> Floats:
    """After, baseline and difference, shape (3, columns); NaN where nobody is exposed who has anybody alike."""
    usable = (exposed > 0.5) & (unexposed > 0.5)
    weights = np.where(usable, exposed, 0.0)
    alike = np.where(usable, unexposed_left / np.maximum(unexposed, 1.0), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        after = np.where(usable, exposed_left, 0.0).sum(axis=0) / weights.sum(axis=0)
        baseline = (weights * alike).sum(axis=0) / weights.sum(axis=0)
    return np.stack([after, baseline, after - baseline])


def _jackknifed(value: float, left_out: Floats, n: int) -> tuple[Rate, float]:
    from scipy.special import stdtrit

    parts = len(left_out)
    if parts < 3 or not np.isfinite(left_out).all():
        return Rate(float(value), np.nan, np.nan, n), np.nan
    variance = (parts - 1) / parts * float(((left_out - left_out.mean()) ** 2).sum())
    half = float(stdtrit(parts - 1, 0.5 + LEVEL / 2)) * variance**0.5
    if half == 0:  # where all are alike, their likeness is no measure of chance
        return Rate(float(value), np.nan, np.nan, n), np.nan
    return Rate(float(value), float(value - half), float(value + half), n), variance
