"""How long customers stay: those who first converted in one month, and which share of them converted again month after month."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from features.insights.segments.rates import Rate, shares
from features.instants import DAY, moment

MOST_COHORTS = 12
_MONTH = 30

_COHORTS = """
with months as (
    select customer_id, first_day, date_trunc('month', make_timestamp(first_day * {day})) as cohort from {facts}
), ages as (
    select unnest(generate_series(1, {ages})) as age
), closed as (
    select cohort, age, count(*) as customers from months, ages where first_day + {month} * (age + 1) <= {end} group by all
), returned as (
    select cohort, (days.day - first_day) // {month} as age, count(distinct customer_id) as customers
    from months join conversion_days as days using (customer_id)
    where days.converts and first_day + {month} * ((days.day - first_day) // {month} + 1) <= {end} group by all
)
select strftime(cohort, '%Y-%m') as cohort, age, closed.customers, coalesce(returned.customers, 0) as returned
from closed left join returned using (cohort, age)
where cohort >= date_trunc('month', make_timestamp({end} * {day})) - interval {cohorts} month
order by cohort, age
"""

_REPEATED = """
select count(*) as customers, count(*) filter (second_day <= first_day + {within}) as repeated
from (
    select customer_id, min(facts.first_day) as first_day, min(days.day) filter (days.day > facts.first_day) as second_day
    from {facts} as facts join conversion_days as days using (customer_id)
    where days.converts and facts.first_day >= {since} and facts.first_day + {within} < {end} group by customer_id
)
"""


@dataclass(frozen=True, slots=True)
class CohortMonth:
    """A cohort so many months on.

    Attributes
    ----------
    cohort : calendar month of the first conversion, as 2026-01.
    age : months of 30 days since each customer's own first conversion, from 1 on.
    returned : share who converted in that month, of those whose month is over.
    """

    cohort: str
    age: int
    returned: Rate


def retention_by_cohort(connection: Any, facts: str, *, until: int, small_count: int = 0) -> tuple[CohortMonth, ...]:
    """The last twelve cohorts, each as far as its months are over.

    Parameters
    ----------
    connection : with the tables of `read_days`.
    facts : table of `customer_facts` as of `until`.
    until : microseconds since 1970; only whole days before it count.
    """
    rows = connection.execute(
        _COHORTS.format(day=DAY, month=_MONTH, ages=MOST_COHORTS, cohorts=MOST_COHORTS, end=until // DAY, facts=facts)
    ).fetchall()
    counts, returned = (np.array([row[column] for row in rows], dtype=np.float64) for column in (2, 3))
    ages = np.array([row[1] for row in rows])
    rates: dict[int, Rate] = {}
    for age in dict.fromkeys(ages.tolist()):  # like are cohorts of one age
        chosen = np.flatnonzero(ages == age)
        rates |= dict(zip(chosen.tolist(), shares(returned[chosen], counts[chosen], small_count=small_count), strict=True))
    return tuple(CohortMonth(row[0], row[1], rates[number]) for number, row in enumerate(rows))


def repeat_rate(connection: Any, facts: str, *, since: int, until: int, within_days: float) -> Rate:
    """Share of customers won from `since` on who converted on another day within so many days, where these are over."""
    within = round(within_days)
    query = _REPEATED.format(facts=facts, since=since // DAY, end=until // DAY, within=within)
    customers, repeated = connection.execute(query).fetchall()[0]
    return shares(np.array([float(repeated)]), np.array([float(customers)]))[0]


def first_day_of_history(connection: Any) -> str | None:
    """The day of the first conversion in the lake, as 2026-01-31; None before there is any."""
    day = connection.execute("select min(day) from conversion_days where converts").fetchall()[0][0]
    return None if day is None else f"{moment(day * DAY):%Y-%m-%d}"
