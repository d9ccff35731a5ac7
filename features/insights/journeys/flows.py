"""The journey map: where journeys begin, from where they go on to where, how long that takes, and where they end."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from features.insights.journeys.window import NOW

CURRENT = f"period = {NOW}"
"""As DuckDB SQL over the columns `customer`, `journey`, `period` and `converted`: journeys of the period that is looked at."""

START, END = "(beginning)", "(end)"
"""What tables call where journeys come from and where they go to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a step of a journey can be: a touchpoint, and what happens there.

    Attributes
    ----------
    stage : the most frequent of its interactions; None where nobody says.
    converts : whether a journey ends here with a conversion.
    visits : steps here; interactions of the same kind in a row are one.
    interactions : how many they are.
    starts : visits that were the first of their journey.
    dropped : visits after which the journey ended without a conversion.
    converted : visits that were the conversion.
    repeated : visits with more than one interaction.
    visits_per_customer : of somebody who is met at a visit drawn at random, in sum of squares over sum; at least 1.
    """

    touchpoint: str
    kind: str
    stage: str | None
    converts: bool
    visits: int
    interactions: int
    starts: int
    dropped: int
    converted: int
    repeated: int
    visits_per_customer: float

    @property
    def name(self) -> str:
        """As `email.coupon open`."""
        return f"{self.touchpoint} {self.kind}"

    @property
    def witnesses(self) -> float:
        """How many visits at least tell as much as these, if all visits of a customer went alike.

        References
        ----------
        Leslie Kish, "Survey Sampling", 1965, section 5.4: the design effect of clusters, at an intraclass correlation of one.
        """
        return self.visits / self.visits_per_customer


@dataclass(frozen=True, slots=True)
class Move:
    """A step from one place to another.

    Attributes
    ----------
    source, target : numbers of places.
    count : how often.
    converted : how often of these the journey ended with a conversion.
    """

    source: int
    target: int
    count: int
    converted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """What moves between places; at every place as many visits come in, from other places or as first ones, as go out.

    Attributes
    ----------
    places : by their numbers; only those that have visits.
    starts : moves whose source is no place: number of the first place, to journeys and converted ones.
    """

    places: Mapping[int, Place]
    moves: tuple[Move, ...]
    starts: tuple[Move, ...]


def flows(connection: Any, where: str = CURRENT) -> Flows:
    """Count the visits of every place and the moves between places, most frequent first.

    Parameters
    ----------
    connection : has the tables of `cut_into_steps`.
    where : of which journeys, as `CURRENT`.
    """
    sampled = max(1, int(connection.execute("select count(*) from steps").fetchall()[0][0]) // _SAMPLED_STEPS)
    parameters = {"where": where, "sampled": sampled}
    rows = connection.execute(_VISITS.format(**parameters)).fetchall()
    moves = connection.execute(_MOVES.format(where=where)).fetchall()
    starts = connection.execute(_STARTS.format(where=where)).fetchall()
    return Flows(
        places={int(row[0]): _place(row[1:]) for row in rows},
        moves=tuple(Move(*map(int, row)) for row in moves),
        starts=tuple(Move(_OUTSIDE, *map(int, row)) for row in starts),
    )


def _place(row: tuple[Any, ...]) -> Place:
    touchpoint, kind, stage, converts, *counts, per_customer = row
    visits, interactions, starts, dropped, converted, repeated = map(int, counts)
    return Place(
        touchpoint=touchpoint,
        kind=kind,
        stage=stage,
        converts=converts,
        visits=visits,
        interactions=interactions,
        starts=starts,
        dropped=dropped,
        converted=converted,
        repeated=repeated,
        visits_per_customer=max(float(per_customer), 1.0),
    )


_OUTSIDE = 0  # places are numbered from 1
_SAMPLED_STEPS = 1_000_000  # visits per customer are read from about so many: a ratio of that many is exact enough

_VISITS = """
with visits as (
    select place, count(*) as visits, sum(times) as interactions, count(*) filter (starts) as starts,
           count(*) filter (next is null and not converted) as dropped, count(*) filter (next is null and converted) as converted,
           count(*) filter (times > 1) as repeated
    from steps where {where} group by place
), per_customer as (
    select place, sum(n * n) / sum(n) as per_customer
    from (select place, customer, count(*) as n from steps where {where} and customer % {sampled} = 0 group by all) group by place
)
select place, touchpoint, kind, stage, converts, visits, interactions, starts, dropped, visits.converted, repeated,
       coalesce(per_customer, 1.0)
from visits join places using (place) left join per_customer using (place) order by visits desc, place
"""

_MOVES = """
select place, next, count(*) as moves, count(*) filter (converted) from steps where {where} and next is not null
group by all order by moves desc, place, next
"""

_STARTS = """
select place, count(*) as journeys, count(*) filter (converted) from steps where {where} and starts
group by all order by journeys desc, place
"""
