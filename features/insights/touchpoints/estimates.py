"""Turns sums into values with intervals, and draws those of small counts to the mean of their like."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.insights.intervals import effective_count, ratio, ratio_variance, student, wilson
from features.insights.shrinkage import Shrunk, shrink_means, shrink_shares
from features.insights.sums import Sums
from features.insights.touchpoints.measure import Measure

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """One value as it is told.

    Attributes
    ----------
    value : shrunk where `shrunk`; None where nothing was counted.
    low, high : of the 95 % interval; None where too little is known for one.
    raw : before shrinking.
    n : what it is out of, in what the measure counts.
    variance : of the value; 0 where it is not known.
    """

    value: float | None
    low: float | None
    high: float | None
    raw: float | None
    n: int
    shrunk: bool
    variance: float


NOTHING = Estimate(None, None, None, None, 0, False, 0.0)


def estimates(measure: Measure, sums: Sums, *, small_count: int, like: Sequence[str] | None = None) -> tuple[Estimate, ...]:
    """One estimate per group.

    Parameters
    ----------
    small_count : groups that count fewer are shrunk, if there is another group of their like.
    like : of each group, whom it is alike; by default all are.
    """
    kinds = np.array(like if like is not None else [""] * len(sums.n), dtype=object)
    found = [NOTHING] * len(sums.n)
    for kind in dict.fromkeys(kinds.tolist()):
        rows = np.flatnonzero((kinds == kind) & (sums.n > 0))
        for row, estimate in zip(rows.tolist(), _alike(measure, sums.of(rows), small_count), strict=True):
            found[row] = estimate
    return tuple(found)


def _alike(measure: Measure, sums: Sums, small_count: int) -> Iterator[Estimate]:
    small = (sums.n < small_count) & (len(sums.n) > 1)
    raw, variance = ratio(sums), ratio_variance(sums)
    counts = effective_count(sums)
    low, high = wilson(raw, counts) if measure.is_share else student(raw, variance, sums.customers)
    if measure.is_share:
        variance = raw * (1 - raw) / counts
    value, drawn = raw.copy(), _drawn(measure, raw, counts, sums) if small.any() else None
    if drawn is None:
        small = np.zeros(len(raw), dtype=np.bool_)
    else:
        value, low, high = (np.where(small, new, old) for new, old in zip(_of(drawn), (value, low, high), strict=True))
        variance = np.where(small, ((drawn.high - drawn.low) / 4) ** 2, variance)
    for row in range(len(raw)):
        told, least, most, plain = (_scaled(measure, float(each[row])) for each in (value, low, high, raw))
        spread = float(np.nan_to_num(variance[row])) * measure.scale**2
        yield Estimate(told, least, most, plain, int(sums.n[row]), bool(small[row]), spread)


def _of(drawn: Shrunk) -> tuple[Floats, Floats, Floats]:
    return drawn.mean, drawn.low, drawn.high


def _drawn(measure: Measure, raw: Floats, counts: Floats, sums: Sums) -> Shrunk | None:
    if measure.is_share:
        return shrink_shares(raw, counts)
    single = pooled_variance(sums)
    return shrink_means(raw, single / sums.customers) if single > 0 else None


def pooled_variance(sums: Sums) -> float:
    """What one customer adds to the uncertainty of a mean, over all groups alike; 0 where nothing tells."""
    variance, known = ratio_variance(sums), sums.customers > 1
    freedom = (sums.customers - 1)[known]
    return float((variance * sums.customers)[known] @ freedom / freedom.sum()) if known.any() else 0.0


def _scaled(measure: Measure, value: float) -> float | None:
    if not np.isfinite(value):
        return None
    least = -np.inf if measure.least is None else measure.least
    most = np.inf if measure.most is None else measure.most
    return float(min(max(value * measure.scale, least), most))
