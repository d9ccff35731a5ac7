"""Who moved from which segment to which, and where each segment's customers are met."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from features.insights.segments.rates import Rate, shares

NEWCOMERS = "not known yet"

_MOVES = """
select coalesce(before.segment, '{newcomers}') as before, now.segment as now, count(*) as customers
from {now} as now left join {before} as before using (customer_id) group by all
"""

_TOUCHED = """
with met as (
    select distinct customer_id, touchpoint from history where moment >= {since} and moment < {until}
), counted as (
    select segment, touchpoint, count(*) as customers from met join {now} using (customer_id) group by all
), sizes as (
    select segment, count(*) as size from {now} group by segment
)
select segment, touchpoint, customers, size from counted join sizes using (segment)
qualify row_number() over (partition by segment order by customers desc, touchpoint) <= {most}
order by segment, customers desc, touchpoint
"""


@dataclass(frozen=True, slots=True)
class Move:
    """Customers who were in one segment and are in another, or still in the same.

    Attributes
    ----------
    share : of all who were in `before`.
    """

    before: str
    now: str
    customers: int
    share: Rate


@dataclass(frozen=True, slots=True)
class Touched:
    """A touchpoint that many of a segment had to do with in the period.

    Attributes
    ----------
    share : of the segment's customers.
    """

    segment: str
    touchpoint: str
    customers: int
    share: Rate


def moves_between(connection: Any, before: str, now: str, order: tuple[str, ...]) -> tuple[Move, ...]:
    """Moves between two tables (customer_id, segment), in the order of the segments."""
    rows = connection.execute(_MOVES.format(before=before, now=now, newcomers=NEWCOMERS)).fetchall()
    place = {name: number for number, name in enumerate((*order, NEWCOMERS))}
    rows.sort(key=lambda row: (place[row[0]], place[row[1]]))
    totals = {name: sum(row[2] for row in rows if row[0] == name) for name in place}
    rates = shares(np.array([float(row[2]) for row in rows]), np.array([float(totals[row[0]]) for row in rows]))
    return tuple(Move(row[0], row[1], row[2], rate) for row, rate in zip(rows, rates, strict=True))


def top_touchpoints(connection: Any, now: str, *, period: tuple[int, int], most: int = 3) -> tuple[Touched, ...]:
    """The touchpoints that most customers of each segment of a table (customer_id, segment) had to do with in a period."""
    rows = connection.execute(_TOUCHED.format(now=now, since=period[0], until=period[1], most=most)).fetchall()
    rates = shares(np.array([float(row[2]) for row in rows]), np.array([float(row[3]) for row in rows]))
    return tuple(Touched(row[0], row[1], row[2], rate) for row, rate in zip(rows, rates, strict=True))
