"""What is watched: one figure of one part of the brand's contacts, day by day or week by week."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

DAYS_PER_WEEK = 7

_LEAST_POINTS = 4  # fewer are a delivery and no series
_LEAST_SHARE = 0.7  # of the points on which something happened; who opens five days a week still has daily figures
_LEAST_MEAN = 2.0  # below it a point says so little that an empty one is nothing unusual


class Measure(StrEnum):
    """Which figure it is."""

    VOLUME = "volume"  # interactions of customers; of a source all that it brings
    CONTACTS = "contacts"  # contacts that the brand made
    CONVERSION = "conversion"  # customers who convert on a day, of those met within the week up to it
    VALUE = "value"  # money of the interactions that convert


class Part(StrEnum):
    """Of what it is the figure."""

    ALL = "all"
    CHANNEL = "channel"
    TOUCHPOINT = "touchpoint"
    SOURCE = "source"


class Grain(StrEnum):
    """What one point stands for."""

    DAY = "day"
    WEEK = "week"

    @property
    def days(self) -> int:
        """Length of a point."""
        return 1 if self is Grain.DAY else DAYS_PER_WEEK


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One figure over time, without gaps.

    Attributes
    ----------
    name : of the part; `all` where it is everything.
    first : the first day.
    counts : shape (n,), at least 0, oldest first; what happened.
    exposure : shape (n,); of how many customers it could happen to, where the figure is a rate.
    """

    measure: Measure
    part: Part
    name: str
    first: date
    counts: FloatArray
    exposure: FloatArray | None = None
    grain: Grain = Grain.DAY

    @property
    def key(self) -> tuple[Measure, Part, str]:
        """What tells it from all others."""
        return self.measure, self.part, self.name

    @property
    def words(self) -> str:
        """What it is, for people.

        >>> Series(measure=Measure.VOLUME, part=Part.CHANNEL, name="web", first=date(2026, 1, 1), counts=np.ones(3)).words
        'volume of channel web'
        """
        return self.measure.value if self.part is Part.ALL else f"{self.measure.value} of {self.part.value} {self.name}"

    def day(self, point: int) -> date:
        """The first day of a point; points after the last one lie in the future."""
        return self.first + timedelta(days=point * self.grain.days)

    @property
    def values(self) -> FloatArray:
        """The figure of each point, shape (n,): a count, or a rate; 0 where there was nobody."""
        return self.counts if self.exposure is None else self.counts / np.maximum(self.exposure, 1.0)

    def over(self, start: int, stop: int | None = None) -> float:
        """The figure of some points together: a sum, or a rate."""
        own = slice(start, stop)
        count = float(self.counts[own].sum())
        return count if self.exposure is None else count / max(float(self.exposure[own].sum()), 1.0)

    def between(self, start: int, stop: int | None = None) -> "Series":
        """Some points of it."""
        own = slice(start, stop)
        exposure = None if self.exposure is None else self.exposure[own]
        first = self.day(range(len(self.counts))[own].start)
        return replace(self, first=first, counts=self.counts[own], exposure=exposure)

    def with_counts(self, counts: FloatArray) -> "Series":
        """The same with other counts."""
        return replace(self, counts=counts)

    def by_week(self) -> "Series":
        """The same in whole weeks up to the last day; the days before the first whole one are left out.

        Examples
        --------
        >>> series = Series(measure=Measure.VOLUME, part=Part.ALL, name="all", first=date(2026, 1, 1), counts=np.arange(9.0))
        >>> series.by_week().first.isoformat(), series.by_week().counts.tolist()
        ('2026-01-03', [35.0])
        """
        rest = len(self.counts) % DAYS_PER_WEEK
        first = self.first + timedelta(days=rest)
        exposure = None if self.exposure is None else _weeks(self.exposure[rest:])
        return replace(self, first=first, counts=_weeks(self.counts[rest:]), exposure=exposure, grain=Grain.WEEK)


@dataclass(frozen=True, slots=True)
class Bonds:
    """Which parts hold interactions of each other.

    Attributes
    ----------
    met : channel, touchpoint and source, each combination in which there are interactions.
    """

    met: frozenset[tuple[str, str, str]]

    def join(self, one: Series, other: Series) -> bool:
        """Whether both are of the same thing: a touchpoint and its channel, a source and what it brings, anything and all.

        >>> web = Series(measure=Measure.VOLUME, part=Part.CHANNEL, name="web", first=date(2026, 1, 1), counts=np.ones(3))
        >>> home, mail = replace(web, part=Part.TOUCHPOINT, name="web.home"), replace(web, name="email")
        >>> bonds = Bonds(frozenset({("web", "web.home", "shop"), ("email", "email.offer", "crm")}))
        >>> bonds.join(web, home), bonds.join(mail, home)
        (True, False)
        """
        wanted = {(_MET.index(each.part), each.name) for each in (one, other) if each.part is not Part.ALL}
        return len(wanted) < 2 or any(all(met[at] == name for at, name in wanted) for met in self.met)


_MET = (Part.CHANNEL, Part.TOUCHPOINT, Part.SOURCE)


def in_its_grain(series: Series) -> Series | None:
    """By day where days say something, else by week; None where even weeks are mostly empty, so that nothing can be expected."""
    return next((each for each in (series, series.by_week()) if _says_something(each.counts)), None)


def _says_something(counts: FloatArray) -> bool:
    happened = np.flatnonzero(counts)
    if not len(happened):
        return False
    alive = counts[happened[0] : happened[-1] + 1]  # one that has ended is judged by what it was
    return bool(len(alive) >= _LEAST_POINTS and (alive > 0).mean() >= _LEAST_SHARE and alive.mean() >= _LEAST_MEAN)


def _weeks(values: FloatArray) -> FloatArray:
    return np.asarray(values.reshape(-1, DAYS_PER_WEEK).sum(axis=1))
