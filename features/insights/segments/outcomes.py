"""Segments in numbers: how many are in each, and what those who were in it at the start of the period did in the period.

Who is in a segment now is there because of what they just did; what they did would prove nothing. So rates are of those who were
in it when the period began, and look forward only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.insights.segments.rates import Rate, means, shares
from features.instants import DAY

_DID = """
create or replace temp table did as
select customer_id, bool_or(converts) as converted, sum(value) as value,
       bool_or(converts and day * {day} < {churned_by}) as stayed
from conversion_days where day >= {first} and day * {day} < {until} group by customer_id
"""

_OUTCOMES = """
select segment, count(*) as customers, count(*) filter (coalesce(converted, false)) as converted,
       sum(coalesce(value, 0)) as value, sum(coalesce(value, 0) ** 2) as squares,
       count(*) filter (was.customer_id is not null) as clients,
       count(*) filter (was.customer_id is not null and not coalesce(stayed, false)) as churned
from {before} left join did using (customer_id) left join {facts} as was using (customer_id) group by segment
"""


@dataclass(frozen=True, slots=True)
class SegmentResult:
    """One segment.

    Attributes
    ----------
    customers, before : in it now, and when the period began.
    conversion : share of those before who converted in the period.
    arpu : money of those before, each, per 30 days of the period.
    churned : share of those before, who had converted, without a conversion within churn_days of the period's beginning.
    """

    name: str
    customers: int
    before: int
    conversion: Rate
    arpu: Rate
    churned: Rate


def segment_results(
    connection: Any,
    order: Sequence[str],
    *,
    now: str,
    before: str,
    facts: str,
    period: tuple[int, int],
    churn_days: float,
    small_count: int,
) -> tuple[SegmentResult, ...]:
    """Every segment that has, or had, a customer.

    Parameters
    ----------
    order : names of segments.
    now, before : tables (customer_id, segment), as of the end and the beginning of the period.
    facts : table of `customer_facts` as of the beginning.
    period : its ends, microseconds since 1970; churn is told only if churn_days fit in it.
    """
    since, until = period
    churned_by = since + round(churn_days * DAY)
    first = -(-since // DAY)  # the day in which the period begins belongs to what was before
    connection.execute(_DID.format(day=DAY, churned_by=churned_by, first=first, until=until))
    sizes = dict(connection.execute(f"select segment, count(*) from {now} group by segment").fetchall())
    rows = connection.sql(_OUTCOMES.format(before=before, facts=facts)).to_arrow_table().to_pylist()
    found = {row["segment"]: row for row in rows}
    names = [name for name in order if sizes.get(name) or name in found]
    nothing = dict.fromkeys(("customers", "converted", "value", "squares", "clients", "churned"), 0)
    of = {name: np.array([found.get(each, nothing)[name] for each in names], dtype=np.float64) for name in nothing}
    months = (until - since) / DAY / 30
    clients = of["clients"] if churned_by <= until else np.zeros(len(names))
    conversion = shares(of["converted"], of["customers"], small_count=small_count)
    arpu = means(of["value"] / months, of["squares"] / months**2, of["customers"], small_count=small_count)
    churned = shares(of["churned"], clients, small_count=small_count)
    return tuple(
        SegmentResult(name, sizes.get(name, 0), int(of["customers"][row]), conversion[row], arpu[row], churned[row])
        for row, name in enumerate(names)
    )
