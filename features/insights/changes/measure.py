"""Counts what is watched: DuckDB queries over history, of which only one number per series and day leaves the database.

Days are whole ones in UTC; the day that is not over yet is left out. A day without anything is a zero from the first day on which
the series had something.

- volume: interactions that customers made, neither contacts by the brand nor imported profiles; of a source all that it brought.
- contacts: what the brand sent or did.
- conversion: customers who converted on a day, of those met within the 7 days up to it. Of a channel, met means any interaction
  there, a contact too, and they may convert anywhere; of everything it means that they did something themselves.
- value: money of the interactions that converted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np

from features.insights.changes.series import Bonds, FloatArray, Measure, Part, Series
from features.insights.history import open_history
from features.insights.look import Look

WATCHED_DAYS = 400
"""How far back is looked: a year, and what it takes to learn what is usual."""

MET_DAYS = 7
"""So long a customer counts as met."""

MOST_PER_PART = 100
"""Channels, touchpoints and sources each, those with most; the others are only named."""


@dataclass(frozen=True, slots=True)
class Watched:
    """All series that are watched.

    Attributes
    ----------
    until : the first day that is not over.
    left_out : how many have too little volume to be among the most voluminous.
    bonds : which parts hold interactions of each other.
    """

    series: tuple[Series, ...]
    until: date
    left_out: int
    bonds: Bonds

    def get(self, measure: Measure, part: Part = Part.ALL, name: str = "all") -> Series | None:
        """The series of that figure and part, or None."""
        return next((each for each in self.series if each.key == (measure, part, name)), None)


def measure_series(look: Look) -> Watched:
    """Everything that is watched, up to the last day that was over when the look was taken; the same twice is taken once."""
    end = min(look.known_until, look.period.until).astimezone(UTC)
    until = end.date()
    since = until - timedelta(days=WATCHED_DAYS)
    days = {"since": _midnight(since), "until": _midnight(until), "met_since": _midnight(since - timedelta(days=MET_DAYS))}
    with open_history(look.lake, look.catalogue, members=look.members) as connection:
        counted = _counts(connection, days)
        counted += _conversions(connection, days)
        bonds = Bonds(frozenset(connection.execute(_BONDS, {name: days[name] for name in ("since", "until")}).fetchall()))
    made = [series for each in counted if (series := _series(each, since, until)) is not None]
    kept, left_out = _most(made)
    return Watched(series=tuple(_distinct(kept)), until=until, left_out=left_out, bonds=bonds)


@dataclass(frozen=True, slots=True)
class _Counted:
    measure: Measure
    part: Part
    name: str
    days: dict[date, float]
    met: dict[date, float] | None = None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


_COUNTS = """
WITH daily AS (
    SELECT "at"::DATE AS day, touchpoint, channel, source, kind = 'contact' AS sent, kind NOT IN ('contact', 'profile') AS made,
        count(*) AS n, coalesce(sum(value) FILTER (converts), 0) AS money
    FROM history WHERE "at" >= $since AND "at" < $until GROUP BY ALL)
SELECT 'volume' AS measure, 'all' AS part, 'all' AS name, day, sum(n) FROM daily WHERE made GROUP BY ALL
UNION ALL SELECT 'volume', 'channel', channel, day, sum(n) FROM daily WHERE made GROUP BY ALL
UNION ALL SELECT 'volume', 'touchpoint', touchpoint, day, sum(n) FROM daily WHERE made GROUP BY ALL
UNION ALL SELECT 'volume', 'source', source, day, sum(n) FROM daily GROUP BY ALL
UNION ALL SELECT 'contacts', 'channel', channel, day, sum(n) FROM daily WHERE sent GROUP BY ALL
UNION ALL SELECT 'value', 'all', 'all', day, sum(money) FROM daily GROUP BY ALL HAVING sum(money) > 0
ORDER BY measure, part, name, day
"""

_BONDS = """SELECT DISTINCT channel, touchpoint, source FROM history WHERE "at" >= $since AND "at" < $until"""


def _counts(connection: Any, days: dict[str, datetime]) -> list[_Counted]:
    bounds = {name: days[name] for name in ("since", "until")}
    found: dict[tuple[str, str, str], dict[date, float]] = {}
    for measure, part, name, day, count in connection.execute(_COUNTS, bounds).fetchall():
        found.setdefault((measure, part, name), {})[day] = float(count)
    return [_Counted(Measure(measure), Part(part), name, of) for (measure, part, name), of in found.items()]


# One row per customer, channel and day, by a hash of the customer, because numbers sort and join faster than names.
_SEEN = """
CREATE TEMP TABLE seen AS
SELECT hash(customer_id) AS customer, channel, "at"::DATE AS day,
    bool_or(kind <> 'contact') AS active, bool_or(converts) AS converted
FROM history WHERE "at" >= $met_since AND "at" < $until AND kind <> 'profile' GROUP BY ALL
"""

# Somebody who is met again within the time is not met twice: a spell ends where the next begins.
_MET = """
CREATE TEMP TABLE spells AS
WITH met AS (SELECT 'channel' AS part, channel AS name, customer, day FROM seen
    UNION ALL SELECT DISTINCT 'all', 'all', customer, day FROM seen WHERE active)
SELECT part, name, customer, day,
    least(day + $met_days::INT, coalesce(lead(day) OVER (PARTITION BY part, name, customer ORDER BY day), 'infinity')) AS gone
FROM met
"""

_CHANGES = """
SELECT part, name, day, sum(change) FROM (
    SELECT part, name, day, count(*) AS change FROM spells GROUP BY ALL
    UNION ALL SELECT part, name, gone, -count(*) FROM spells GROUP BY ALL)
GROUP BY ALL ORDER BY part, name, day
"""

_CONVERTED = """
WITH bought AS (SELECT DISTINCT customer, day FROM seen WHERE converted AND day >= $since::DATE)
SELECT part, name, bought.day, count(*) FROM spells JOIN bought USING (customer)
WHERE bought.day >= spells.day AND bought.day < spells.gone GROUP BY ALL
"""


def _conversions(connection: Any, days: dict[str, datetime]) -> list[_Counted]:
    until = days["until"]
    connection.execute(_SEEN, {"met_since": days["met_since"], "until": until})
    connection.execute(_MET, {"met_days": MET_DAYS})
    changes: dict[tuple[str, str], dict[date, float]] = {}
    for part, name, day, change in connection.execute(_CHANGES).fetchall():
        changes.setdefault((part, name), {})[day] = float(change)
    converted: dict[tuple[str, str], dict[date, float]] = {}
    for part, name, day, count in connection.execute(_CONVERTED, {"since": days["since"]}).fetchall():
        converted.setdefault((part, name), {})[day] = float(count)
    # Before anybody converts, conversions are not known at all: they come from a source of their own. And in its first week, a
    # part has met only those who came since.
    begins = min((day for of in converted.values() for day in of), default=until.date())
    found = []
    for (part, name), of in changes.items():
        known = max(begins, min(of)) + timedelta(days=MET_DAYS)
        met = {day: there for day, there in _running(of, until.date()).items() if day >= known}
        found.append(_Counted(Measure.CONVERSION, Part(part), name, converted.get((part, name), {}), met))
    return found


def _running(changes: dict[date, float], until: date) -> dict[date, float]:
    """How many there are on each day, from how many come and go."""
    day, there, found = min(changes), 0.0, {}
    while day < until:
        there += changes.get(day, 0.0)
        found[day] = there
        day += timedelta(days=1)
    return found


def _series(counted: _Counted, since: date, until: date) -> Series | None:
    """From its first day to the last one that is over, without gaps; None where it has nothing in that time."""
    first = max(min(counted.days if counted.met is None else counted.met, default=until), since)
    length = (until - first).days
    if length < 1:
        return None
    exposure = None if counted.met is None else _filled(counted.met, first, length)
    counts = _filled(counted.days, first, length)
    return Series(measure=counted.measure, part=counted.part, name=counted.name, first=first, counts=counts, exposure=exposure)


def _filled(days: dict[date, float], first: date, length: int) -> FloatArray:
    return np.array([days.get(first + timedelta(days=number), 0.0) for number in range(length)])


def _most(made: Iterable[Series]) -> tuple[list[Series], int]:
    """Of each figure and part those with most, the largest first."""
    groups: dict[tuple[Measure, Part], list[Series]] = {}
    for series in sorted(made, key=lambda each: (-each.counts.sum(), each.name)):
        groups.setdefault((series.measure, series.part), []).append(series)
    kept = [series for group in groups.values() for series in group[:MOST_PER_PART]]
    return kept, sum(len(group) for group in groups.values()) - len(kept)


def _distinct(made: Iterable[Series]) -> Iterator[Series]:
    """A channel with one touchpoint has the same counts twice, and would raise the same alarm twice."""
    order = list(Part)
    seen: set[tuple[Measure, bytes]] = set()
    for series in sorted(made, key=lambda each: (list(Measure).index(each.measure), order.index(each.part))):
        same = series.measure, series.counts.tobytes() + (b"" if series.exposure is None else series.exposure.tobytes())
        if same not in seen:
            seen.add(same)
            yield series
