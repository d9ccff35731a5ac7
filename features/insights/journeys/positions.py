"""Where journeys are at their first, second, … eighth step: the step matrix, and the flows from each step to the next."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from features.insights.journeys.flows import CURRENT
from features.insights.journeys.steps import STEPS_KEPT


@dataclass(frozen=True, slots=True)
class Passed:
    """How many journeys, and how many of them ended with a conversion."""

    journeys: int
    converted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions:
    """Journeys by what they have reached.

    Attributes
    ----------
    journeys : how many there are.
    at : by step (1 to 8) and place: journeys whose step of that number is there.
    next : by step (1 to 7), place there and place of the next step.
    """

    journeys: int
    at: Mapping[tuple[int, int], Passed]
    next: Mapping[tuple[int, int, int], Passed]

    def reached(self, step: int) -> int:
        """How many journeys have so many steps or more."""
        return sum(passed.journeys for (number, _), passed in self.at.items() if number == step)


def positions(connection: Any, where: str = CURRENT) -> Positions:
    """Count journeys by the places of their first steps.

    Parameters
    ----------
    connection : has the table of `gather_journeys`.
    where : which journeys, as `CURRENT`.

    References
    ----------
    The step matrix is that of retentioneering, https://pypi.org/project/retentioneering/: share of journeys by event and step.
    """
    at = " union all ".join(_AT.format(step=step, where=where) for step in range(1, STEPS_KEPT + 1))
    following = " union all ".join(_NEXT.format(step=step, later=step + 1, where=where) for step in range(1, STEPS_KEPT))
    reached = {(int(row[0]), int(row[1])): Passed(int(row[2]), int(row[3])) for row in connection.execute(at).fetchall()}
    moved = {
        (int(row[0]), int(row[1]), int(row[2])): Passed(int(row[3]), int(row[4]))
        for row in connection.execute(following).fetchall()
    }
    journeys = sum(passed.journeys for (step, _), passed in reached.items() if step == 1)
    return Positions(journeys=journeys, at=dict(sorted(reached.items())), next=dict(sorted(moved.items())))


_AT = """
select {step} as step, p{step} as place, count(*), count(*) filter (converted) from journeys
where {where} and p{step} is not null group by p{step}
"""

_NEXT = """
select {step} as step, p{step} as place, p{later} as next, count(*), count(*) filter (converted) from journeys
where {where} and p{later} is not null group by all
"""
