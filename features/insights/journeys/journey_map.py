"""The journey map in full: to the moves between places, who makes them, how long they take, and how often customers turn back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from features.insights.journeys.flows import CURRENT, Flows, flows
from features.instants import DAY

_BINS = 32  # per doubling of time: a bin is 2.2 % wide


@dataclass(frozen=True, slots=True)
class Passage:
    """How a move between two places is made.

    Attributes
    ----------
    customers : who made it.
    median_days, slow_days : half of the moves, and 90 % of them, took no longer; exact to 1.1 %.
    """

    customers: int
    median_days: float
    slow_days: float


@dataclass(frozen=True, slots=True)
class Loop:
    """That customers went from one place to another and straight back.

    Attributes
    ----------
    source, turn : numbers of the places.
    count : how often.
    journeys : in how many, and `converted` of these ended with a conversion.
    """

    source: int
    turn: int
    count: int
    journeys: int
    converted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyMap:
    """Where journeys go.

    Attributes
    ----------
    passages : by source and target, of every move of the flows.
    loops : most frequent first.
    """

    flows: Flows
    passages: Mapping[tuple[int, int], Passage]
    loops: tuple[Loop, ...]


def journey_map(connection: Any, where: str = CURRENT) -> JourneyMap:
    """Draw the map.

    Times are grouped into bins whose means stand for them, because quantiles of billions of times do not fit into memory.

    Parameters
    ----------
    connection : has the tables of `cut_into_steps`.
    where : of which journeys, as `CURRENT`.
    """
    rows = connection.execute(_PASSAGES.format(where=where, bins=_BINS)).fetchall()
    loops = connection.execute(_LOOPS.format(where=where)).fetchall()
    return JourneyMap(
        flows=flows(connection, where),
        passages={(int(row[0]), int(row[1])): Passage(int(row[2]), row[3] / DAY, row[4] / DAY) for row in rows},
        loops=tuple(Loop(*map(int, row)) for row in loops),
    )


_PASSAGES = """
with bins as (
    select place, next, floor({bins} * log2(gap + 1))::smallint as bin, count(*) as n, sum(gap::double) / count(*) as mean
    from steps where {where} and next is not null group by all
), ranked as (
    select *, sum(n) over (partition by place, next order by bin) as so_far, sum(n) over (partition by place, next) as moves
    from bins
), times as (
    select place, next, min(mean) filter (so_far >= 0.5 * moves) as median, min(mean) filter (so_far >= 0.9 * moves) as slow
    from ranked group by all
), who as (
    select place, next, count(*) as customers
    from (select distinct customer, place, next from steps where {where} and next is not null) group by all
)
select place, next, customers, median, slow from times join who using (place, next)
"""

_LOOPS = """
select place, next, count(*) as loops, count(distinct journey), count(distinct journey) filter (converted)
from steps where {where} and returns group by all order by loops desc, place, next
"""
