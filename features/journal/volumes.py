"""How many contacts there are of anybody, kept in the very transactions that record them, so that budgets hold exactly.

They are counts by touchpoint and quarter of an hour, the smallest step between time zones, so that they add up to anybody's day.
A contact counts once, and goes on counting when it is erased or expires: what was spent on somebody was spent.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from math import fsum

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from features.instants import microseconds
from features.journal.records import VolumeLimit
from features.journal.schema import VOLUMES

QUARTER = 15 * 60 * 1_000_000
"""Microseconds of a quarter of an hour."""

_ROUNDING = 1e-9  # three times 0.1 is a little more than 0.3


def add_volumes(connection: Connection, contacts: Iterable[tuple[str, int]]) -> None:
    """Count contacts, as (touchpoint, time in microseconds)."""
    counts = Counter((touchpoint, at // QUARTER) for touchpoint, at in contacts)
    if not counts:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    add = dialect.insert(VOLUMES)
    add = add.on_conflict_do_update(
        index_elements=["touchpoint", "quarter"], set_={"contacts": VOLUMES.c.contacts + add.excluded.contacts}
    )
    rows = [{"touchpoint": name, "quarter": quarter, "contacts": count} for (name, quarter), count in counts.items()]
    connection.execute(add, rows)


def volume(connection: Connection, weights: Mapping[str, float], since: datetime, until: datetime) -> float:
    """What the contacts of a time weigh together; as `VolumeLimit`."""
    contacts = _contacts(connection, weights, since, until)
    return fsum(weights[touchpoint] * count for touchpoint, count in contacts.items())


def fits(connection: Connection, limit: VolumeLimit, touchpoint: str) -> bool:
    """Whether one more contact at the touchpoint keeps the limit; one that weighs nothing always does."""
    weight = limit.weights.get(touchpoint, 0.0)
    if weight <= 0:
        return True
    used = volume(connection, limit.weights, limit.since, limit.until)
    return used + weight <= limit.at_most * (1 + _ROUNDING)


def _contacts(connection: Connection, touchpoints: Iterable[str], since: datetime, until: datetime) -> dict[str, int]:
    """How many contacts there are of each of the touchpoints."""
    first, behind = microseconds(since) // QUARTER, -(-microseconds(until) // QUARTER)
    query = (
        select(VOLUMES.c.touchpoint, func.sum(VOLUMES.c.contacts))
        .where(VOLUMES.c.touchpoint.in_(list(touchpoints)), VOLUMES.c.quarter >= first, VOLUMES.c.quarter < behind)
        .group_by(VOLUMES.c.touchpoint)
    )
    return {touchpoint: int(count) for touchpoint, count in connection.execute(query)}
