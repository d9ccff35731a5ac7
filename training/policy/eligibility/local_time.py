"""Moments by a local clock, also on the days on which it is changed."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def first(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The first moment, UTC, at which the clock of that day shows a time or, where it skips that time, a later one.

    >>> first(date(2026, 3, 29), time(0, 0), ZoneInfo("Atlantic/Azores"))
    datetime.datetime(2026, 3, 29, 1, 0, tzinfo=datetime.timezone.utc)
    """
    return datetime.combine(day, clock, tzinfo=zone).replace(fold=0).astimezone(UTC)


def earliest(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The first moment, UTC, that may be meant by a local time: one that occurs twice, or not at all, is two moments."""
    return min(_moments(day, clock, zone))


def latest(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The last moment, UTC, that may be meant by a local time."""
    return max(_moments(day, clock, zone))


def local_day(at: datetime, zone: ZoneInfo) -> date:
    """The date in a zone.

    >>> local_day(datetime(2026, 11, 21, 23, 30, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    datetime.date(2026, 11, 22)
    """
    return at.astimezone(zone).date()


def next_day(day: date) -> date:
    """The day after."""
    return day + timedelta(days=1)


def _moments(day: date, clock: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    local = datetime.combine(day, clock, tzinfo=zone)
    return local.replace(fold=0).astimezone(UTC), local.replace(fold=1).astimezone(UTC)
