"""Aggregates events by touchpoint, channel, stage, segment or week: per customer first, then over customers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.domain import Stage
from features.insights.period import Period
from features.insights.sums import Sums, summed
from features.insights.touchpoints.events import MONDAY, WEEK
from features.insights.touchpoints.measure import Measure
from features.instants import microseconds, moment

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Grouping:
    """What interactions are put together by.

    Attributes
    ----------
    name : part of the names of tables.
    columns : of `events`; none puts all together.
    order : DuckDB SQL; by default the groups with most interactions come first.
    """

    name: str
    columns: tuple[str, ...]
    order: str = "volume desc"


EVERYTHING = Grouping("everything", ())
TOUCHPOINT = Grouping("touchpoint", ("touchpoint",))
CHANNEL = Grouping("channel", ("channel",))
STAGE = Grouping("stage", ("stage",), order=f"list_position({[stage.value for stage in Stage]}, stage)")
SEGMENT = Grouping("segment", ("segment",))
WEEKLY = Grouping("week", ("week",), order="week")
TOUCHPOINT_WEEKLY = Grouping(
    "touchpoint_and_week", ("touchpoint", "week"), order="sum(volume) over (partition by touchpoint) desc"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a grouping's groups have done in a period, in the grouping's order.

    Attributes
    ----------
    keys : of each group, a text per column of the grouping; a week is the date of its Monday.
    volume, contacts, answers, customers : shape (groups,), interactions, contacts and answers among them, different customers.
    cost : of those contacts, by the catalogue.
    booked : value of the conversions among the interactions.
    sums : of every measure that anything is known of.
    first_value : of the conversions within the window after customers' first interactions, out of customers who converted so.
    """

    grouping: Grouping
    keys: tuple[tuple[str, ...], ...]
    volume: Floats
    contacts: Floats
    answers: Floats
    customers: Floats
    cost: Floats
    booked: Floats
    sums: Mapping[str, Sums]
    first_value: Sums


def measured(connection: Any, grouping: Grouping, measures: Sequence[Measure], period: Period) -> Measured:
    """The sums of measures for every group; interactions without a value of the grouping's columns are in none."""
    per_customer = ", ".join(
        f"{measure.numerator} as {measure.name}_x, {measure.denominator} as {measure.name}_m" for measure in measures
    )
    names = tuple(measure.name for measure in measures)
    query = _MEASURED.format(
        columns="".join(f"{column}, " for column in grouping.columns),
        known="".join(f" and {column} is not null" for column in grouping.columns),
        per_customer=per_customer + "," if measures else "",
        summed=summed((*names, "first_value")),
        since=microseconds(period.since),
        until=microseconds(period.until),
        order=", ".join((grouping.order, *grouping.columns)),
    )
    rows = connection.sql(query).to_arrow_table()
    totals = {name: rows[name].to_numpy().astype(np.float64) for name in _TOTALS}
    sums = {name: Sums.read(rows, name) for name in names}
    keys = tuple(zip(*(texts_of(column, rows[column].to_pylist()) for column in grouping.columns), strict=True))
    if not grouping.columns:
        keys = ((),) * len(rows)
    return Measured(grouping=grouping, keys=keys, sums=sums, first_value=Sums.read(rows, "first_value"), **totals)


_TOTALS = ("volume", "contacts", "answers", "customers", "cost", "booked")

# By the first interaction, as of stages.CONVERSION: a mean value that belongs to the same customers
_MEASURED = """
with of_customers as (
    select {columns} customer, {per_customer} count(*) as volume, count(*) filter (kind = 'contact') as contacts,
           count(*) filter (answer) as answers, sum(cost) as cost, sum(value) as booked,
           coalesce(arg_min(value_later, moment) filter (closed), 0) as first_value_x,
           coalesce(arg_min((conversions_later > 0)::int, moment) filter (closed), 0) as first_value_m
    from events where moment >= {since} and moment < {until}{known}
    group by all
)
select * from (select {columns} count(*) as customers, sum(volume)::double as volume, sum(contacts)::double as contacts,
       sum(answers)::double as answers, sum(cost) as cost, sum(booked) as booked, {summed}
from of_customers group by all having count(*) > 0) order by {order}
"""


def texts_of(column: str, values: Sequence[Any]) -> list[str]:
    """Values of a column of `events` as keys: a week as the date of its Monday."""
    if column == "week":
        return [f"{moment(int(value) * WEEK + MONDAY):%Y-%m-%d}" for value in values]
    return [str(value) for value in values]
