"""When a figure of a source is worth an alarm: the rules, each with its threshold, as plain functions of numbers.

References
----------
Siddiqi, Credit Risk Scorecards, 2006 (population stability index and the limit 0.25); Yurdakul and Naranjo, Statistical
properties of the population stability index, 2020 (its distribution when nothing changed); Leys et al., Detecting outliers: do
not use standard deviation around the mean, use absolute deviation around the median, 2013.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

RECENT_DAYS = 7
"""The days that are judged."""

BEFORE_DAYS = 28
"""The days before those, which they are compared with."""

WEEKS = 8
"""As many of the same weekday tell what volume a day should have had."""

LATE_HOURS = 24.0

_QUIET_TIMES = 2.0
_LEAST_GAPS = 20
_LEAST_WEEKDAYS = 4
_LEAST_ACTIVE = 0.5  # of them
_VOLUME_DEVIATIONS = 5.0
_USUAL_SPREAD = 0.1  # a source that was steadier than this may still come 10 % higher or lower
_STABILITY = 0.25
_CHANCE = 0.9999  # so rarely does a difference within a source that did not change raise an alarm
_SHARE_DEVIATIONS = 5.0
_LEAST_RECORDS = 50  # on both sides of a comparison
_TO_NORMAL = 1.4826  # median absolute deviation to standard deviation


class AlarmKind(StrEnum):
    """What is wrong with a source."""

    QUIET = "quiet"  # nothing happened there for longer than it should
    VOLUME = "volume"  # a day brought far more or far less than its weekday does
    REJECTS = "rejects"  # a larger share goes to the quarantine than before
    LATE = "late"  # a larger share becomes known more than a day after it happened
    MISSING = "missing"  # a field is missing more often than before
    DRIFT = "drift"  # values are distributed otherwise than before


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One thing that somebody should look at.

    Attributes
    ----------
    excess : the figure over its limit, above 1; the larger, the more urgent.
    message : what is wrong, with figure and limit.
    """

    source: str
    kind: AlarmKind
    excess: float
    message: str


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    part: int
    whole: int

    @property
    def value(self) -> float:
        """Between 0 and 1; 0 of nothing is 0."""
        return self.part / self.whole if self.whole else 0.0


def quiet_limit_hours(gaps: int, *weekly: Sequence[float]) -> float | None:
    """Twice what is usually the longest without a sign of life: nights, weekends and the days until the next file raise no alarm.

    Usual is the median of the weeks, so that one outage does not hide the next.

    Parameters
    ----------
    gaps : how many pauses there were at all; of fewer than 20 nothing is learnt, and the limit is None.
    weekly : hours, the longest of every week; of pauses, and of waits until something is known: what lasts longest rules.
    """
    medians = [float(np.median(longest)) for longest in weekly if len(longest)]
    return _QUIET_TIMES * max(medians) if gaps >= _LEAST_GAPS and medians else None


def volume_excess(volumes: NDArray[np.float64]) -> tuple[float, float] | None:
    """How far the last day's volume is from that of its weekday, over the limit of 5 deviations; and the volume it should have.

    The deviation is the median absolute one of all the days before from the median of their own weekday, relative to it, but at
    least 10 %, and at least what chance does to a count.

    Parameters
    ----------
    volumes : records per day without gaps, oldest first; the last one is judged by those at most 8 weeks before it.

    Returns
    -------
    excess, expected : the excess is negative where too little came; None when fewer than four of the same weekday came before, or
        most of them brought nothing: of waves that come every few weeks, a weekday tells nothing.
    """
    before = volumes[:-1][-7 * WEEKS :]
    weekdays = (np.arange(len(before)) - len(before)) % 7
    same = before[weekdays == 0]
    if len(same) < _LEAST_WEEKDAYS or (same > 0).mean() < _LEAST_ACTIVE:
        return None
    medians = np.array([np.median(before[weekdays == weekday]) for weekday in range(7)])
    usual = medians[weekdays]
    relative = np.abs(before - usual)[usual > 0] / usual[usual > 0]
    expected = float(np.median(same))
    spread = max(_TO_NORMAL * float(np.median(relative)) if len(relative) else 0.0, _USUAL_SPREAD)
    deviation = max(spread * expected, np.sqrt(max(expected, 1.0)))
    return float((volumes[-1] - expected) / deviation / _VOLUME_DEVIATIONS), expected


def stability_index(recent: NDArray[np.float64], before: NDArray[np.float64]) -> float:
    """The population stability index of two distributions, from counts per bin; half a record is added to each bin.

    >>> round(stability_index(np.array([99.5, 99.5]), np.array([99.5, 99.5])), 6)
    0.0
    """
    p, q = ((counts + 0.5) / (counts + 0.5).sum() for counts in (recent, before))
    return float(((p - q) * np.log(p / q)).sum())


def drift_excess(recent: NDArray[np.float64], before: NDArray[np.float64]) -> tuple[float, float] | None:
    """The stability index over its limit, and the index: the limit is 0.25, or, of few records, what chance alone may make of it.

    Parameters
    ----------
    recent, before : counts per bin, shape (n,).

    Returns
    -------
    None when there are fewer than 50 records on either side, or but one bin.
    """
    n, m = recent.sum(), before.sum()
    if min(n, m) < _LEAST_RECORDS or len(recent) < 2:
        return None
    index = stability_index(recent, before)
    by_chance = float(chi2.ppf(_CHANCE, len(recent) - 1) * (1 / n + 1 / m))
    return index / max(_STABILITY, by_chance), index


def share_excess(recent: Share, before: Share, *, limit: float) -> float | None:
    """How far a share rose, over the rise that is an alarm: `limit`, or, of few records, five standard errors.

    Returns
    -------
    None when there are fewer than 50 records on either side.
    """
    if min(recent.whole, before.whole) < _LEAST_RECORDS:
        return None
    together = Share(recent.part + before.part, recent.whole + before.whole).value
    error = np.sqrt(together * (1 - together) * (1 / recent.whole + 1 / before.whole))
    return float((recent.value - before.value) / max(limit, _SHARE_DEVIATIONS * error))
