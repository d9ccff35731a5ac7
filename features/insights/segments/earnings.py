"""What active customers bring, week by week, and how many are new."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from features.insights.segments.rates import Rate, means
from features.instants import DAY, moment

MONTH = 30
_WEEK = 7

_WEEKS = """
with weeks as (
    select unnest(generate_series({first}::bigint, {last}::bigint, {week})) as last_day
), sums as (
    select last_day, customer_id, sum(value) as value, bool_or(converts) as active,
           bool_or(first_day > last_day - {week} and first_day = day) as new
    from weeks join conversion_days as days on days.day > last_day - {month} and days.day <= last_day
         join {facts} as facts using (customer_id)
    group by all
)
select last_day, count(*) as active, sum(value) as value, sum(value * value) as squares, count(*) filter (new) as new
from sums where active group by last_day order by last_day
"""


@dataclass(frozen=True, slots=True)
class Week:
    """The seven days until one.

    Attributes
    ----------
    last_day : its end, 00:00 UTC of the last day in it.
    arpu : money per customer who converted in the 30 days until then.
    new : customers who converted for the first time in the week.
    """

    last_day: datetime
    arpu: Rate
    new: int


def weekly_earnings(connection: Any, facts: str, *, period: tuple[int, int]) -> tuple[Week, ...]:
    """Weeks that lie in the period entirely, counted back from its last whole day.

    Parameters
    ----------
    connection : with the tables of `read_days`.
    facts : table of `customer_facts` as of the period's end.
    period : its ends, microseconds since 1970.
    """
    since, until = -(-period[0] // DAY), period[1] // DAY  # the first whole day, and the one after the last
    weeks = (until - since) // _WEEK
    if weeks < 1:
        return ()
    first, last = until - 1 - _WEEK * (weeks - 1), until - 1
    rows = connection.execute(_WEEKS.format(first=first, last=last, week=_WEEK, month=MONTH, facts=facts)).fetchall()
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    arpu = means(table[:, 2], table[:, 3], table[:, 1])
    return tuple(Week(moment(int(row[0]) * DAY), arpu[number], int(row[4])) for number, row in enumerate(rows))
