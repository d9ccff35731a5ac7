"""Splits that do not leak: by time with a gap as long as the label window, and by customer."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.errors import TrainingError


@dataclass(frozen=True, slots=True)
class TimeSplit:
    """Earlier and later rows, with no label window of an earlier row reaching into the later ones.

    Attributes
    ----------
    earlier, later : masks, shape (n,); rows in the gap are in neither.
    cutoff : first time of the later rows, microseconds since the epoch.
    """

    earlier: NDArray[np.bool_]
    later: NDArray[np.bool_]
    cutoff: int


def time_split(at: NDArray[np.int64], *, gap: int, later_share: float = 0.3, after: int | None = None) -> TimeSplit:
    """Split rows so that about `later_share` of them are later, and windows of `gap` microseconds do not overlap.

    Rows of one time stay together, so the share is met as nearly as the distinct times allow.

    Parameters
    ----------
    after : only rows after this time may be later ones; None allows all.

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
            "collect decisions for longer, or shorten objective.window_days in the catalogue"
        )
    distance = np.where(possible, np.abs(later_rows - later_share * len(at)), np.inf)
    cutoff = int(times[int(distance.argmin())])
    return TimeSplit(earlier=at + gap < cutoff, later=at >= cutoff, cutoff=cutoff)


def customer_folds(customers: NDArray[np.object_], *, count: int, seed: int) -> NDArray[np.int64]:
    """The fold of every row, shape (n,), all rows of a customer in the same one.

    Folds are drawn over the sorted distinct customers, so they do not depend on the order of the rows.

    >>> customer_folds(np.array(["b", "a", "b"], dtype=object), count=2, seed=0).tolist()
    [1, 0, 1]
    """
    names, row_of = np.unique(customers.astype(str), return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    return np.asarray((order % count)[row_of], dtype=np.int64)
