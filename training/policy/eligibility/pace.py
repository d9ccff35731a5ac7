"""The day of a budget, and how much of its limit may be used by when."""

from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from features.catalogue.rules import Budget
from training.policy.eligibility.local_time import first, latest, local_day, next_day

_MIDNIGHT = time(0, 0)


@dataclass(frozen=True, slots=True)
class Day:
    """A day in the zone of a budget, UTC: from one midnight to the next, and the part of it over which the budget is spread."""

    since: datetime
    until: datetime
    begins: datetime
    ends: datetime

    @classmethod
    def of(cls, budget: Budget, at: datetime) -> "Day":
        """The day that `at` lies in."""
        zone = ZoneInfo(budget.zone)
        return _day(local_day(at, zone), budget.start if budget.paced else _MIDNIGHT, budget.end, zone)

    def share(self, at: datetime) -> float:
        """How much of the pace has passed, 0 to 1."""
        if at < self.begins:
            return 0.0
        return 1.0 if at >= self.ends else (at - self.begins) / (self.ends - self.begins)

    def when(self, share: float) -> datetime:
        """When so much of the pace has passed; the reverse of `share`."""
        return self.begins + (self.ends - self.begins) * share


@lru_cache(maxsize=1024)
def _day(today: date, start: time, end: time | None, zone: ZoneInfo) -> Day:
    since, until = first(today, _MIDNIGHT, zone), first(next_day(today), _MIDNIGHT, zone)
    return Day(since, until, begins=first(today, start, zone), ends=until if end is None else latest(today, end, zone))
