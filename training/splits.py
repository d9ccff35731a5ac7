"""Splits that do not leak: by time with a gap as long as the label window, and by customer."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import TrainingError

_PARTS = 10
_LONGEST = "objective.window_days or, with objective.lifetime_days, objective.churn_days: the longer"


@dataclass(frozen=True, slots=True)
class Split:
    """Rows to learn from and rows to judge on.

    Attributes
    ----------
    learning, judging : masks, shape (n,); no row is in both, and those in a gap are in neither.
    cutoff : first time of the judging rows, microseconds since the epoch; None where customers were split instead.
    """

    learning: NDArray[np.bool_]
    judging: NDArray[np.bool_]
    cutoff: int | None


def time_split(
    at: NDArray[np.int64], *, gap: int, judging_share: float = 0.3, after: int | None = None, window: str = _LONGEST
) -> Split:
    """Learn from earlier rows, judge on about `judging_share` later ones; windows of `gap` microseconds do not overlap.

    Rows of one time stay together, so the share is met as nearly as the distinct times allow.

    Parameters
    ----------
    after : only rows after this time may judge; None allows all.
    window : what in the catalogue sets the gap, for the message: see `training.labels.closing_key`.

    Raises
    ------
    TrainingError
        When no cutoff leaves rows on both sides of the gap.
    """
    times, counts = np.unique(at, return_counts=True)
    later_rows = counts[::-1].cumsum()[::-1]
    possible = times > max(times[0] + gap, times[0] + gap if after is None else after)
    if not possible.any():
        days = (int(times[-1]) - int(times[0])) / 86_400e6 if len(times) else 0.0
        raise TrainingError(
            f"decisions cover {days:.1f} days, which is not longer than the label window of {gap / 86_400e6:g} days; "
            f"collect decisions for longer, or shorten {window} in the catalogue"
        )
    distance = np.where(possible, np.abs(later_rows - judging_share * len(at)), np.inf)
    cutoff = int(times[int(distance.argmin())])
    return Split(learning=at + gap < cutoff, judging=at >= cutoff, cutoff=cutoff)


def customer_split(customers: NDArray[np.object_], *, seed: int, judging_share: float = 0.3) -> Split:
    """Learn from some customers, judge on about `judging_share` others, at whatever time.

    What holds at one time only, such as a season, is learnt and judged alike: a split by time is better where there is one.
    """
    folds = customer_folds(customers, count=_PARTS, seed=seed)
    judging = folds < round(judging_share * _PARTS)
    return Split(learning=~judging, judging=judging, cutoff=None)


def sampled_customers(customers: NDArray[np.object_], *, most: int, seed: int) -> NDArray[np.bool_]:
    """A mask of at most so many rows, shape (n,): all rows of customers who are drawn at random, in whatever order rows come.

    >>> sampled_customers(np.array(["b", "a", "b"], dtype=object), most=2, seed=0).tolist()
    [False, True, False]
    """
    row_of, count = numbered(customers)
    order = np.random.default_rng(seed).permutation(count)
    kept = np.bincount(row_of)[order].cumsum() <= most
    chosen = np.zeros(count, dtype=bool)
    chosen[order[kept]] = True
    return np.asarray(chosen[row_of])


def customer_folds(customers: NDArray[np.object_], *, count: int, seed: int) -> NDArray[np.int64]:
    """The fold of every row, shape (n,), all rows of a customer in the same one.

    Folds are drawn over the sorted distinct customers, so they do not depend on the order of the rows.

    >>> customer_folds(np.array(["b", "a", "b"], dtype=object), count=2, seed=0).tolist()
    [1, 0, 1]
    """
    row_of, customers_there = numbered(customers)
    order = np.random.default_rng(seed).permutation(customers_there)
    return np.asarray((order % count)[row_of], dtype=np.int64)


def numbered(names: NDArray[np.object_]) -> tuple[NDArray[np.int64], int]:
    """Each row's number among the distinct names in their order, shape (n,), and how many distinct ones there are.

    >>> codes, count = numbered(np.array(["b", "a", "b"], dtype=object))
    >>> codes.tolist(), count
    ([1, 0, 1], 2)
    """
    codes, distinct = pd.factorize(np.array(list(map(str, names)), dtype=object), sort=True)
    return np.asarray(codes, dtype=np.int64), len(distinct)
