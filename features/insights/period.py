"""The time that is looked at, and the one before it to compare with."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from features.errors import TouchpointError


class PeriodError(TouchpointError):
    """A period that is none."""


@dataclass(frozen=True, slots=True)
class Period:
    """From `since`, which belongs to it, to `until`, which does not.

    Raises
    ------
    PeriodError
        When it ends before it begins, or an end has no zone.

    Examples
    --------
    >>> from datetime import UTC
    >>> Period.last(7, until=datetime(2026, 1, 15, tzinfo=UTC)).before.since.isoformat()
    '2026-01-01T00:00:00+00:00'
    """

    since: datetime
    until: datetime

    def __post_init__(self) -> None:
        if self.since.tzinfo is None or self.until.tzinfo is None:
            raise PeriodError(f"a period from {self.since} to {self.until} must say the zones of both ends, such as UTC")
        if self.since >= self.until:
            raise PeriodError(
                f"a period from {self.since.isoformat()} to {self.until.isoformat()} has no time in it; swap the ends"
            )

    @classmethod
    def last(cls, days: float, *, until: datetime) -> "Period":
        """The last days before a time."""
        return cls(until - timedelta(days=days), until)

    @property
    def before(self) -> "Period":
        """The period of the same length before it."""
        return Period(self.since - (self.until - self.since), self.since)

    @property
    def days(self) -> float:
        """Its length."""
        return (self.until - self.since) / timedelta(days=1)
