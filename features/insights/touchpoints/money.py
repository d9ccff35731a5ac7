"""What contacts cost, what followed them, and what came back: revenue is credited in full, which is no effect."""

from dataclasses import dataclass
from typing import Any

from features.catalogue import Catalogue
from features.insights.period import Period
from features.insights.sums import Sums, summed
from features.insights.table import Unit
from features.insights.touchpoints.estimates import Estimate, estimates
from features.insights.touchpoints.measure import Measure
from features.insights.touchpoints.measuring import Grouping, texts_of
from features.instants import DAY, microseconds

REVENUE = Measure(
    name="revenue",
    title="Revenue per contact",
    explains="Value of conversions within the outcome window after a contact and before the next contact of the same group, over "
    "all contacts whose window is over. Each conversion is credited once per group, and in full.",
    numerator="sum(revenue)",
    denominator="count(*)",
    unit=Unit.MONEY,
    counted="contacts",
)
RETURN = Measure(
    name="return",
    title="Return",
    explains="(Revenue x margin - cost) / cost of contacts whose window is over, cost with incentives and discounts; 2 is two "
    "gained for each one spent. Without an experiment it says what followed, not what contacts changed.",
    numerator="sum(revenue * margin - cost - given)",
    denominator="sum(cost + given)",
    unit=Unit.NUMBER,
    counted="contacts",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """The money of one group's contacts whose outcome window is over.

    Attributes
    ----------
    key : of the group.
    contacts : how many.
    cost : of them by the catalogue.
    given : incentives and discounts that came with conversions after them.
    revenue : credited to them.
    per_contact, returned : estimates; nothing is returned on what costs nothing.
    """

    key: str
    contacts: int
    cost: float
    given: float
    revenue: float
    per_contact: Estimate
    returned: Estimate


def money(connection: Any, grouping: Grouping, catalogue: Catalogue, period: Period) -> tuple[Money, ...]:
    """Per group of one column, dearest first; groups without a contact whose window is over are not in it."""
    (column,) = grouping.columns
    rows = connection.sql(_query(column, catalogue, period)).to_arrow_table()
    per_contact = estimates(REVENUE, Sums.read(rows, "revenue"), small_count=catalogue.insights.small_count)
    returned = estimates(RETURN, Sums.read(rows, "return"), small_count=0)
    keys = texts_of(column, rows[column].to_pylist())
    totals = zip(keys, *(rows[name].to_pylist() for name in ("contacts", "cost", "given", "revenue")), strict=True)
    return tuple(
        Money(key=key, contacts=contacts, cost=cost, given=given, revenue=revenue, per_contact=each, returned=back)
        for (key, contacts, cost, given, revenue), each, back in zip(totals, per_contact, returned, strict=True)
    )


def _query(column: str, catalogue: Catalogue, period: Period) -> str:
    of_customers = ", ".join(
        f"{measure.numerator} as {measure.name}_x, {measure.denominator} as {measure.name}_m" for measure in (REVENUE, RETURN)
    )
    return _MONEY.format(
        column=column,
        since=microseconds(period.since),
        until=microseconds(period.until),
        window=round(catalogue.objective.window_days * DAY),
        margin=catalogue.objective.margin,
        of_customers=of_customers,
        summed=summed((REVENUE.name, RETURN.name)),
    )


# A contact's credit ends where the next contact of the group begins; sums so far tell what came between the two.
_MONEY = """
with contacts as (
    select {column}, customer, moment, cost, closed, value_later, conversions_later, value_so_far, conversions_so_far,
           coalesce(incentive, 0.0) as incentive, coalesce(discount, 0.0) as discount,
           lead(moment) over following as next_at, lead(value_so_far) over following as next_value,
           lead(conversions_so_far) over following as next_conversions
    from events left join offers using (touchpoint)
    where kind = 'contact' and moment >= {since} and moment < {until} and {column} is not null
    window following as (partition by {column}, customer order by moment)
), credited as (
    select *, case when next_at <= moment + {window} then next_value - value_so_far else value_later end as revenue,
           case when next_at <= moment + {window} then next_conversions - conversions_so_far else conversions_later end
               as conversions
    from contacts where closed
), priced as (
    select *, case when conversions > 0 then incentive else 0.0 end + discount * revenue as given, {margin}::double as margin
    from credited
), of_customers as (
    select {column}, customer, count(*) as contacts, sum(cost) as cost, sum(given) as given, sum(revenue) as revenue,
           {of_customers}
    from priced group by all
)
select {column}, sum(contacts)::bigint as contacts, sum(cost) as cost, sum(given) as given, sum(revenue) as revenue, {summed}
from of_customers group by all order by sum(cost) + sum(given) desc, {column}
"""
