"""What it costs to win a customer and to keep one, as far as contacts have a cost in the catalogue."""

from dataclasses import dataclass
from typing import Any

from features.insights.segments.rates import NO_RATE, Rate, ratio

_COSTS = """
with contacts as (
    select customer_id, moment, cost from history
    where kind = 'contact' and cost > 0 and moment >= {since} and moment < {until}
), spent as (
    select customer_id, count(*) filter (first_moment is null or moment < first_moment) as contacts_before,
           coalesce(sum(cost) filter (first_moment is null or moment < first_moment), 0) as before,
           count(*) filter (moment >= first_moment) as contacts_after,
           coalesce(sum(cost) filter (moment >= first_moment), 0) as after
    from contacts left join {facts} using (customer_id) group by customer_id
), kept as (
    select customer_id, first_moment >= {since} as won, first_moment < {since} and last_moment >= {since} as stayed
    from (select customer_id, min(first_moment) as first_moment, max(last_moment) as last_moment
          from conversion_days where converts group by customer_id)
), both_sides as (
    select coalesce(before, 0) as before, coalesce(after, 0) as after, coalesce(contacts_before, 0) as contacts_before,
           coalesce(contacts_after, 0) as contacts_after, coalesce(won, false)::int as won, coalesce(stayed, false)::int as stayed
    from kept full join spent using (customer_id)
)
select count(*) as n, sum(contacts_before), sum(before), sum(won), sum(before * before), sum(before * won),
       sum(contacts_after), sum(after), sum(stayed), sum(after * after), sum(after * stayed)
from both_sides
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost of one result.

    Attributes
    ----------
    contacts, money : made and paid for in the period.
    results : customers won, or kept.
    each : money for one of them, with its interval; None where no contact had a cost, which need not mean that it cost nothing.
    """

    contacts: int
    money: float
    results: int
    each: Rate


def acquisition_and_retention(connection: Any, facts: str, *, period: tuple[int, int]) -> tuple[Cost, Cost]:
    """What winning and keeping customers cost in a period.

    Acquisition is contacts to who had not converted yet, whether they then did or not, over customers who converted for the
    first time. Retention is contacts to who had converted, over customers from before the period who converted in it.

    Parameters
    ----------
    connection : with the tables of `read_days`.
    facts : table of `customer_facts` as of the period's end.
    period : its ends, microseconds since 1970.
    """
    since, until = period
    row = connection.execute(_COSTS.format(since=since, until=until, facts=facts)).fetchall()[0]
    n, *sums = (float(each or 0) for each in row)
    return _cost(sums[:5], n), _cost(sums[5:], n)


def _cost(sums: list[float], n: float) -> Cost:
    contacts, money, results, squares, products = sums
    each = ratio(money, results, squares=(squares, products, results), n=round(n)) if contacts else NO_RATE
    return Cost(round(contacts), money, round(results), each)
