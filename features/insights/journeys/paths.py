"""Typical paths: the sequences of steps that most journeys took, and how these ended."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from features.insights.intervals import effective_count, ratio, ratio_variance, student
from features.insights.journeys.flows import CURRENT
from features.insights.journeys.rates import Rate, rates
from features.insights.sums import Sums, summed
from features.instants import DAY

LONGEST = 6
"""Steps of the longest path that is told; longer ones hardly occur twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """All journeys of the same steps.

    Attributes
    ----------
    places : numbers of places, first to last.
    share : of all journeys, longer ones included.
    conversion : share of them that converted.
    median_days : from first to last interaction; exact to 0.6 %.
    mean_value : of their conversions; None where none has a value, its ends None where too few have.
    """

    places: tuple[int, ...]
    journeys: int
    customers: int
    share: float
    conversion: Rate
    median_days: float
    mean_value: float | None
    value_low: float | None
    value_high: float | None


def typical_paths(connection: Any, where: str = CURRENT, *, most: int = 20, small_count: int = 0) -> tuple[Path, ...]:
    """The most frequent paths of up to six steps, most frequent first.

    Parameters
    ----------
    connection : has the table of `gather_journeys`.
    where : which journeys, as `CURRENT`.
    small_count : the rate of paths that fewer journeys took is drawn to that of all the paths here.
    """
    rows = connection.sql(_PATHS.format(where=where, most=most)).to_arrow_table()
    if not rows.num_rows:
        return ()
    converting, valued = Sums.read(rows, "converted"), Sums.read(rows, "value")
    conversions = rates(converting.x, converting.n, witnesses=effective_count(converting), small_count=small_count)
    means = ratio(valued)
    low, high = student(means, ratio_variance(valued), valued.customers)
    return tuple(
        Path(
            places=tuple(place for place in row["places"] if place),
            journeys=int(row["converted_n"]),
            customers=int(row["converted_customers"]),
            share=row["converted_n"] / row["journeys"],
            conversion=conversions[number],
            median_days=row["median"] / DAY,
            mean_value=_known(means[number]),
            value_low=_known(low[number]),
            value_high=_known(high[number]),
        )
        for number, row in enumerate(rows.to_pylist())
    )


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


_PATHS = f"""
with followed as (
    select *, [{", ".join(f"coalesce(p{number}, 0)" for number in range(1, LONGEST + 1))}] as places
    from journeys where {{where}} and steps <= {LONGEST}
), top as (
    select places, count(*) as n from followed group by places order by n desc, places limit {{most}}
), shown as (select followed.* from followed semi join top using (places)),
by_customer as (
    select places, customer, count(*) as converted_m, count(*) filter (converted) as converted_x, count(value) as value_m,
           coalesce(sum(value), 0.0) as value_x
    from shown group by all
), sums as (select places, {summed(("converted", "value"))} from by_customer group by places),
bins as (
    select places, floor(64 * log2(ended - began + 1))::smallint as bin, count(*) as n, avg(ended - began) as mean
    from shown group by all
), ranked as (
    select *, sum(n) over (partition by places order by bin) as so_far, sum(n) over (partition by places) as journeys from bins
), lengths as (select places, min(mean) filter (2 * so_far >= journeys) as median from ranked group by places)
select sums.*, median, (select count(*) from journeys where {{where}}) as journeys
from sums join lengths using (places) order by converted_n desc, places
"""
