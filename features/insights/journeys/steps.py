"""Cuts history into steps and journeys: temporary tables, made once by one sort, of which everything else is counted.

`places` numbers what a step can be: a touchpoint and a kind of interaction there. `steps` has a row per step, latest first, and
`journeys` a row per journey. Customers are hashes of their ids, because numbers sort and group several times as fast as names;
among a hundred million, two have the same one with a chance of 0.03 %.

A row of one journey knows how the journey ends, because rows are read from the last to the first, where DuckDB keeps their order
(https://duckdb.org/docs/stable/sql/dialect/order_preservation: selections, filters and windows with an empty OVER).
"""

from typing import Any

from features.domain import Kind
from features.insights.journeys.window import BEFORE, NOW, JourneyWindow

STEPS_KEPT = 8
"""So many steps of a journey stand in the table `journeys`, counted from its first."""


def cut_into_steps(connection: Any, window: JourneyWindow) -> None:
    """Make the temporary tables `places` and `steps` on a connection of `open_history`.

    Interactions of kind `profile` are left out, because nothing happened there between customer and brand. At the same time
    kinds come in the order of `Kind`, a contact before its answer and a purchase after what led to it, and touchpoints in
    alphabetical order, so that the order in which rows arrived does not matter. Conversions at the same time and place, such as
    the lines of one receipt, are one.

    `places` : place (a number, odd if it converts), touchpoint, kind, stage (the most frequent of its interactions, or null),
    converts.
    `steps` : journey, customer, period (`NOW` or `BEFORE`: when its journey ended), converted (its journey), place, next (place
    of the next step, or null where the journey ends), gap (microseconds until then), times (interactions), returns (whether the
    step after the next is at this place again), starts (whether it is the first), arrived and departed (times of its first and
    last interaction), number (of its last interaction, counted from the latest of all).
    """
    read = f'"at" >= make_timestamptz({window.read_since}) and "at" < make_timestamptz({window.read_until})'
    kinds = "[" + ", ".join(f"'{kind.value}'" for kind in Kind) + "]"
    connection.execute(_PLACES.format(read=read, kinds=kinds, profile=Kind.PROFILE.value))
    connection.execute(_ORDERED.format(read=read))
    period = f"case when moment >= {window.since} then {NOW} when moment >= {window.before} then {BEFORE} else 0 end"
    period = f"case when moment < {window.until} then {period} else 0 end"
    connection.execute(_SPENT.format(read=read))
    rows, first = connection.execute("select count(*), arg_max(moment, rowid) from interactions_in_order").fetchall()[0]
    connection.execute(_STEPS.format(gap=window.gap, period=period, rows=rows, first=first or 0))
    connection.execute("drop table interactions_in_order")


def gather_journeys(connection: Any) -> None:
    """Make the temporary table `journeys` after `cut_into_steps`.

    `journeys` : journey, customer, period, converted, steps, interactions, began, ended, value (of the conversion, else null),
    p1 to p8 (places of the first steps, or null).
    """
    connection.execute(_JOURNEYS.format(later=_later_places(), places=_first_places()))


def _later_places() -> str:
    return ", ".join(f"lag(place, {number - 1}) over () as q{number}" for number in range(2, STEPS_KEPT + 1))


def _first_places() -> str:
    later = (f"case when steps >= {number} then q{number} end as p{number}" for number in range(2, STEPS_KEPT + 1))
    return ", ".join(["place as p1", *later])


_PLACES = """
create temp table places as
with told as (
    select touchpoint, kind, stage, bool_or(converts) as converts, count(*) as n from history
    where {read} and kind <> '{profile}' group by all
)
select (2 * row_number() over (order by list_position({kinds}, kind), kind, touchpoint))::integer + any_value(converts)::integer
       as place, touchpoint, kind, arg_max(stage, row(n, stage)) as stage, any_value(converts) as converts
from told group by touchpoint, kind
"""

_ORDERED = """
create temp table interactions_in_order as
select hash(customer_id) as customer, epoch_us("at") as moment, place
from interactions join places using (touchpoint, kind) where {read} order by customer, moment desc, place desc
"""

# `ends`: nothing of the journey comes later. `code`: the journey, its period and whether it converted in one number that grows
# from each journey to the next, so that its running maximum tells every step of them.
_STEPS = """
create temp table steps as
select code >> 3 as journey, customer, ((code >> 1) & 3)::tinyint as period, code & 1 = 1 as converted, place, next,
       gap, times::integer as times, coalesce(after = place, false) as returns, starts, arrived, departed, number
from (
    select *, max(case when ends then number * 8 + here * 2 + (place & 1) end) over (rows unbounded preceding) as code
    from (
        select customer, place, ends, moment as departed, number,
               case when not ends then later_place end as next, case when not ends then later - moment end as gap,
               case when not ends then lag(case when not ends then later_place end) over () end as after,
               coalesce(lead(number) over (), 1 + {rows}) - number as times,
               coalesce(lead(later) over (), {first}) as arrived,
               coalesce(lead(ends) over (), true) as starts, {period} as here
        from (
            select *, later_customer is distinct from customer or later - moment >= {gap}
                   or (place & 1 = 1 and (later_place <> place or later <> moment)) as ends
            from (
                select customer, moment, place, row_number() over () as number, lag(customer) over () as later_customer,
                       lag(moment) over () as later, lag(place) over () as later_place
                from interactions_in_order
            )
        ) where ends or later_place <> place
    )
) where (code >> 1) & 3 > 0
"""

_SPENT = """
create temp view spent as
select hash(customer_id) as customer, epoch_us("at") as ended, place as last_place, sum(value) as spent
from interactions join places using (touchpoint, kind) where {read} and places.converts group by all
"""

_JOURNEYS = """
create temp table journeys as
with told as (
    select journey, customer, period, converted, steps, began, ended, last_place, interactions, {places}
    from (
        select *, arrived as began, step - coalesce(end_step, step) + 1 as steps, coalesce(end_departed, departed) as ended,
               coalesce(end_place, place) as last_place, number + times - coalesce(end_number, number) as interactions
        from (
            select *, case when next is not null then lag(step) over () end as end_step,
                   case when next is not null then lag(number) over () end as end_number,
                   case when next is not null then lag(departed) over () end as end_departed,
                   case when next is not null then lag(place) over () end as end_place
            from (select *, row_number() over () as step, {later} from steps)
            where starts or next is null
        ) where starts
    )
)
select told.* exclude (last_place), case when converted then spent end as value
from told left join spent on converted and told.customer = spent.customer and told.ended = spent.ended
    and told.last_place = spent.last_place
"""
