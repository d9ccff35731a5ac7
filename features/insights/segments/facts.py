"""What is known of each customer as of a time: when, how often and for how much they converted."""

from typing import Any

from features.instants import DAY

_DAYS = """
create or replace temp table conversion_days as
select customer_id, moment // {day} as day, min(moment) filter (converts) as first_moment,
       max(moment) filter (converts) as last_moment, bool_or(converts) as converts,
       sum(case when converts then money when kind = 'refund' then -abs(money) else 0 end)::double as value
from (select *, coalesce(value, 0)::decimal(38, 6) as money from history)  -- decimals sum to the same in any order
where (converts or kind = 'refund') and moment < {until} group by customer_id, day
"""

_FACTS = """
create or replace temp table {name} as
with converted as (
    select customer_id, min(day) filter (converts) as first_day, max(day) filter (converts) as last_day,
           count(*) filter (converts) as conversions, min(first_moment) as first_moment,
           sum(value::decimal(38, 6))::double as spent,
           arg_min(value, day) filter (converts) as first_value
    from conversion_days where day * {day} < {until} group by customer_id having count(*) filter (converts) > 0
)
select customer_id, conversions, conversions - 1 as repeats, last_day - first_day as recency, {last} - first_day as age,
       {last} - last_day as silent, first_day, first_moment, spent,
       case when conversions > 1 then (spent - first_value) / (conversions - 1) else 0.0 end as repeat_spend
from converted
"""

_EVERYBODY = """
create or replace temp table everybody as
select customer_id, min(moment) as seen from history where moment < {until} and customer_id is not null group by customer_id
"""


def read_days(connection: Any, *, until: int) -> None:
    """Make the tables `conversion_days` and `everybody` of all that happened before a moment.

    All conversions of a customer on one day (UTC) are one. A refund takes its value off, and is no conversion. `everybody` has
    all customers who did anything, or to whom anything was done.

    Parameters
    ----------
    connection : of `open_history`.
    until : microseconds since 1970.
    """
    connection.execute(_DAYS.format(day=DAY, until=until))
    connection.execute(_EVERYBODY.format(until=until))


def customer_facts(connection: Any, name: str, *, until: int) -> None:
    """Make a table with a row for each customer who converted before a moment; times are in days.

    Its columns are customer_id, conversions (days with one), repeats (the same without the first), recency (from the first to the
    last of these days), age (from the first to the last day before `until`), silent (from the last to that day), first_day (since
    1970), first_moment, spent (refunds taken off), repeat_spend (per repeat).

    Parameters
    ----------
    connection : with the tables of `read_days`, of at least as much.
    until : microseconds since 1970; days that begin before it count.
    """
    connection.execute(_FACTS.format(name=name, day=DAY, until=until, last=(until - 1) // DAY))
