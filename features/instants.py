"""Times as integers: microseconds since 1970 UTC, exact in both directions."""

from datetime import UTC, datetime, timedelta

DAY = 86_400_000_000
"""Microseconds in a day."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(at: datetime) -> int:
    """A UTC-aware time as microseconds since 1970, exactly.

    >>> microseconds(datetime(1970, 1, 2, tzinfo=UTC)) == DAY
    True
    """
    return (at - _EPOCH) // _MICROSECOND


def moment(us: int) -> datetime:
    """The UTC time so many microseconds after 1970.

    >>> moment(DAY).isoformat()
    '1970-01-02T00:00:00+00:00'
    """
    return _EPOCH + us * _MICROSECOND
