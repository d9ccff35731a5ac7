"""Whether values are distributed as before: features that the policy sees, and scores that it gives.

References
----------
Naeem Siddiqi, "Credit Risk Scorecards", 2006 (population stability index, and its limits 0.1 and 0.25); Bilal Yurdakul and Joshua
Naranjo, "Statistical properties of the population stability index", 2020 (what chance makes of it).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import chi2

from features.quality.alarms import stability_index
from training.join import Floats
from training.monitor.alarm import Alarm, Level

MODERATE, LARGE = 0.1, 0.25
"""Limits of the index."""

ERROR = 0.002
"""P(some feature raises an alarm in a window although none changed)."""

_LEAST_CUSTOMERS = 50
_BINS = 10


def drift_alarms(
    name: str, recent: Mapping[str, Sequence[Any]], before: Mapping[str, Sequence[Any]], *, words: str
) -> Iterator[Alarm]:
    """An alarm for every column that is distributed otherwise than before.

    A column drifts where its index is above the limit, and above what chance makes of it: the more columns are looked at, the
    more of it is put down to chance.

    Parameters
    ----------
    name : of the alarm.
    recent, before : values by column, one per customer; None where not known. Of windows of the same length: the longer one is,
        the more of those are in it who seldom come.
    """
    both = [column for column in recent if column in before]
    for column in both:
        counts = binned(recent[column], before[column])
        n, m = (float(side.sum()) for side in counts)
        if min(n, m) < _LEAST_CUSTOMERS or len(counts[0]) < 2:
            continue
        index = stability_index(*counts)
        chance = float(chi2.ppf(1.0 - ERROR / len(both), len(counts[0]) - 1)) * (1.0 / n + 1.0 / m)
        if index > (threshold := max(MODERATE, chance)):
            level = Level.CRITICAL if index > max(LARGE, chance) else Level.WARNING
            yield Alarm(name=f"{name}: {column}", level=level, figure=index, threshold=threshold, words=words)


def binned(recent: Sequence[Any], before: Sequence[Any]) -> tuple[Floats, Floats]:
    """How many values of both sides are in each bin: tenths of what was before, or the categories; and one bin for the unknown.

    >>> [counts.tolist() for counts in binned(["a", "b", None], ["a", "a", "b"])]
    [[1.0, 1.0, 1.0], [2.0, 1.0, 0.0]]
    """
    if any(isinstance(value, str) for side in (recent, before) for value in side):
        return _by_category(recent, before)
    new, old = (np.array([np.nan if value is None else float(value) for value in side]) for side in (recent, before))
    known = old[~np.isnan(old)]
    edges = np.unique(np.quantile(known, np.arange(1, _BINS) / _BINS)) if len(known) else np.empty(0)
    counts = [np.bincount(_bins(side, edges), minlength=len(edges) + 2).astype(float) for side in (new, old)]
    used = counts[0] + counts[1] > 0
    return counts[0][used], counts[1][used]


def _bins(values: Floats, edges: Floats) -> Any:
    """The number of the bin: up to and with an edge; the unknown have the last."""
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left"))


def _by_category(recent: Sequence[Any], before: Sequence[Any]) -> tuple[Floats, Floats]:
    sides = [[None if value is None else str(value) for value in side] for side in (recent, before)]
    found = sorted({value for side in sides for value in side}, key=lambda value: (value is None, value or ""))
    place = {value: number for number, value in enumerate(found)}
    new, old = (np.bincount([place[value] for value in side], minlength=len(found)).astype(float) for side in sides)
    return new, old
