"""How many contacts there are of anybody, kept in the very transactions that record them, so that budgets hold exactly.

They are counts by touchpoint and quarter of an hour, the smallest step between time zones, so that they add up to anybody's day.
A contact counts once, and goes on counting when it is erased or expires: what was spent on somebody was spent.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from math import fsum

from sqlalchemy import Connection, bindparam, func, select, text

from features.instants import microseconds
from features.journal.records import VolumeLimit
from features.journal.schema import VOLUMES
from features.journal.statements import Asked, Listed, Prepared, Rows, ask

QUARTER = 15 * 60 * 1_000_000
"""Microseconds of a quarter of an hour."""

_ROUNDING = 1e-9  # three times 0.1 is a little more than 0.3

# Both databases say it so, and SQLAlchemy says it for each in other words.
_ADD = text(
    "INSERT INTO volumes (touchpoint, quarter, contacts) VALUES (:touchpoint, :quarter, :contacts)"
    " ON CONFLICT (touchpoint, quarter) DO UPDATE SET contacts = volumes.contacts + excluded.contacts"
)
_ADD_PREPARED = Prepared(_ADD)
_COUNTS = Listed(
    lambda touchpoints: (
        select(VOLUMES.c.touchpoint, func.sum(VOLUMES.c.contacts))
        .where(
            VOLUMES.c.touchpoint.in_(touchpoints),
            VOLUMES.c.quarter >= bindparam("first"),
            VOLUMES.c.quarter < bindparam("behind"),
        )
        .group_by(VOLUMES.c.touchpoint)
    )
)


def add_volumes(connection: Connection, contacts: Iterable[tuple[str, int]]) -> None:
    """Count contacts, as (touchpoint, time in microseconds)."""
    counts = Counter((touchpoint, at // QUARTER) for touchpoint, at in contacts)
    rows = [{"touchpoint": name, "quarter": quarter, "contacts": count} for (name, quarter), count in counts.items()]
    if rows:
        connection.execute(_ADD, rows)


def add_volume(touchpoint: str, at: int) -> list[Asked]:
    """The statement that counts one contact at a time in microseconds."""
    return _ADD_PREPARED.of(touchpoint=touchpoint, quarter=at // QUARTER, contacts=1)


def volume(connection: Connection, weights: Mapping[str, float], since: datetime, until: datetime) -> float:
    """What the contacts of a time weigh together; as `VolumeLimit`."""
    (counts,) = ask(connection, [contacts_counted(weights, since, until)])
    return _weight(weights, counts)


def contacts_counted(touchpoints: Iterable[str], since: datetime, until: datetime) -> list[Asked]:
    """The question how many contacts there are of each of the touchpoints."""
    first, behind = microseconds(since) // QUARTER, -(-microseconds(until) // QUARTER)
    return _COUNTS.of({"touchpoints": list(touchpoints)}, first=first, behind=behind)


def is_limited(limit: VolumeLimit, touchpoint: str) -> bool:
    """Whether one more contact at the touchpoint could exceed the limit; one that weighs nothing never does."""
    return limit.weights.get(touchpoint, 0.0) > 0


def fits(limit: VolumeLimit, touchpoint: str, counts: Rows) -> bool:
    """Whether one more contact at the touchpoint keeps the limit, where so many `contacts_counted`."""
    return _weight(limit.weights, counts) + limit.weights[touchpoint] <= limit.at_most * (1 + _ROUNDING)


def _weight(weights: Mapping[str, float], counts: Rows) -> float:
    return fsum(weights[touchpoint] * int(count) for touchpoint, count in counts)
