"""Journeys in short: how many, how many convert, how long they are."""

from dataclasses import dataclass
from typing import Any

from features.insights.intervals import effective_count
from features.insights.journeys.flows import CURRENT
from features.insights.journeys.rates import Rate, rates
from features.insights.sums import Sums, summed
from features.instants import DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Several journeys.

    Attributes
    ----------
    conversion : share that converted, or None where there is no journey; customers are taken as independent, their journeys not.
    median_steps : or None where there is no journey.
    median_days : from first to last interaction, of those with more than one interaction; None where there is none.
    alike : how many journeys of the same customers tell as much as one of another customer does; at least 1.
    """

    journeys: int
    customers: int
    converted: int
    conversion: Rate | None
    median_steps: float | None
    median_days: float | None
    alike: float


def summary(connection: Any, where: str = CURRENT) -> Summary:
    """Sum journeys up.

    Parameters
    ----------
    connection : has the table of `gather_journeys`.
    where : which journeys, as `CURRENT`.
    """
    sums = Sums.read(connection.sql(_SUMS.format(where=where)).to_arrow_table(), "converted")
    customers, journeys, converted = (int(each[0]) for each in (sums.customers, sums.n, sums.x))
    if not journeys:
        return Summary(journeys=0, customers=0, converted=0, conversion=None, median_steps=None, median_days=None, alike=1.0)
    witnesses = effective_count(sums)
    return Summary(
        journeys=journeys,
        customers=customers,
        converted=converted,
        conversion=rates(sums.x, sums.n, witnesses=witnesses)[0],
        median_steps=float(connection.execute(_STEPS.format(where=where)).fetchall()[0][0]),
        median_days=_days(connection.execute(_DURATION.format(where=where)).fetchall()[0][0]),
        alike=journeys / float(witnesses[0]),
    )


def _days(microseconds: float | None) -> float | None:
    return None if microseconds is None else float(microseconds) / DAY


_SUMS = f"""
select {summed(("converted",))}
from (
    select customer, count(*) as converted_m, count(*) filter (converted) as converted_x
    from journeys where {{where}} group by customer
)
"""

# Quantiles of counts by value, and not of values, because billions of values do not fit into memory
_STEPS = """
select min(steps) filter (2 * so_far >= journeys) from (
    select steps, sum(n) over (order by steps) as so_far, sum(n) over () as journeys
    from (select steps, count(*) as n from journeys where {where} group by steps)
)
"""

_DURATION = """
select min(mean) filter (2 * so_far >= journeys) from (
    select mean, sum(n) over (order by bin) as so_far, sum(n) over () as journeys
    from (
        select floor(64 * log2(ended - began + 1))::smallint as bin, count(*) as n, avg(ended - began) as mean
        from journeys where {where} and interactions > 1 group by bin
    )
)
"""
