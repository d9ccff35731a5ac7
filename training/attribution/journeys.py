"""Paths out of history: which touches belong to which conversion, and which led to none.

A touch belongs to the customer's next conversion, if that came within `insights.attribution_days`; so a path holds what
happened since the conversion before, and no more than that window. Touches that no conversion followed in time are journeys
without one, cut into pieces no longer than the window. They count from the day on which their window closed: before, nobody
knows what comes of them. An answer right after another touch at the same touchpoint, such as an open after its e-mail, is part
of that touch.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa

from training.attribution.happened import RESPONDING, Happened
from training.attribution.paths import GROUPS, Floats, Ints, Paths


class Level(StrEnum):
    """What is credited."""

    TOUCHPOINT = "touchpoint"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Journeys:
    """All paths of a period, and what they leave out.

    Attributes
    ----------
    conversions, values : all in the period, and their money.
    alone, alone_value : those of them with no touch in the window.
    customers : who had any of these touches or conversions.
    share : of customers looked at; all amounts are scaled up to everybody.
    """

    paths: Paths
    conversions: float
    values: float
    alone: float
    alone_value: float
    customers: float
    share: float


@dataclass(frozen=True, slots=True)
class Frequent:
    """A path, how often customers who were looked at took it, and how often it ended in a conversion."""

    touches: tuple[str, ...]
    conversions: int
    times: int


def load_journeys(past: Happened, *, level: Level = Level.TOUCHPOINT) -> Journeys:
    """The paths whose conversion is in the period, and those without one whose window closed in it.

    Leaves two tables on the connection: `steps`, every touch with the conversion that followed it, if any did, and `journeys`.
    """
    connection = past.connection
    named = "touchpoint" if level is Level.TOUCHPOINT else "split_part(touchpoint, '.', 1)"
    connection.execute(_NAMED.format(type=f"{level}_name", name=named))
    connection.execute(_STEPS.format(name=f"{named}::{level}_name", responding=RESPONDING))
    given = {"since": past.since, "until": past.until, "window": past.window}
    connection.execute(_JOURNEYS, given)
    rows = connection.sql(_ROWS).to_arrow_table()
    names = tuple(name for (name,) in connection.execute(_NAMES).fetchall())
    totals = connection.execute(_TOTALS, {"since": past.since, "until": past.until}).fetchall()[0]
    conversions, values, customers = (float(total) / past.share for total in totals)
    paths = _paths(rows, names, scale=1.0 / past.share)
    return Journeys(
        paths=paths,
        conversions=conversions,
        values=values,
        alone=max(conversions - float(paths.conversions.sum()), 0.0),
        alone_value=max(values - float(paths.values.sum()), 0.0),
        customers=customers,
        share=past.share,
    )


def frequent_paths(past: Happened, names: tuple[str, ...], *, most: int, longest: int) -> list[Frequent]:
    """The paths met most often, after `load_journeys`; of longer ones the first touches, and all that begin so as one.

    Parameters
    ----------
    longest : touches.
    """
    found = past.connection.execute(_FREQUENT, {"most": most, "longest": longest}).fetchall()
    return [
        Frequent(touches=(*(names[code] for code in codes), *(("…",) if longer else ())), conversions=conversions, times=times)
        for codes, longer, conversions, times in found
    ]


# As numbers, names sort and join faster; in alphabetical order, they sort like texts
_NAMED = """
create type if not exists {type} as enum (select distinct {name} as name from touches where name is not null order by name)
"""

_STEPS = """
create or replace temp table steps as
with followed as (
    select touches.customer_id, touches.grp, {name} as name, touches.kind, touches.moment,
           conversions.moment as converted_at, conversions.value
    from touches asof left join conversions
         on touches.customer_id = conversions.customer_id and touches.moment <= conversions.moment
), marked as (
    select *, kind in ({responding}) and name is not distinct from lag(name) over (
        partition by customer_id, converted_at order by moment, kind <> 'contact', name, kind) as answers from followed
)
select * exclude (answers, kind) from marked where not answers
"""

_NAMES = "select distinct name from steps order by name"

_JOURNEYS = """
create or replace temp table journeys as
with names as (
    select name, row_number() over (order by name) - 1 as code from (select distinct name from steps)
), told as (
    select *, converted_at is not null and converted_at - moment <= $window as converts from steps
), cut as (
    select *, case when converts then 0
              else (moment - min(moment) over (partition by customer_id, converted_at, converts)) // $window end as piece
    from told
    where case when converts then converted_at >= $since and converted_at < $until
          else moment + $window >= $since and moment + $window < $until end
)
select list(code order by moment, name) as codes,
       list(case when converts then (converted_at - moment) / 86400e6 else 0.0 end order by moment, name) as ages,
       any_value(grp) as grp, converts, case when converts then any_value(value) else 0.0 end as value,
       customer_id, converted_at, piece
from cut join names using (name) group by customer_id, converted_at, converts, piece
"""

_ROWS = "select codes, ages, grp, converts, value from journeys order by customer_id, converted_at, converts, piece"

_FREQUENT = """
select codes[:$longest] as codes, len(codes) > $longest as longer, count(*) filter (converts) as conversions, count(*) as times
from journeys group by all order by times desc, codes limit $most
"""

_TOTALS = """
with converted as (select * from conversions where moment >= $since and moment < $until)
select (select count(*) from converted), (select coalesce(sum(value), 0) from converted),
       (select count(distinct customer_id) from (select customer_id from converted union all select customer_id from touches))
"""


def _paths(rows: pa.Table, names: tuple[str, ...], *, scale: float) -> Paths:
    codes, ages = rows["codes"].combine_chunks(), rows["ages"].combine_chunks()
    converts = np.asarray(rows["converts"].to_numpy(zero_copy_only=False), dtype=bool)
    values = np.asarray(rows["value"].to_numpy(zero_copy_only=False), dtype=np.float64)
    offsets = _ints(codes.offsets) if len(codes) else np.zeros(1, dtype=np.int64)
    return Paths(
        names=names,
        codes=_ints(codes.flatten()),
        offsets=offsets - offsets[0],
        conversions=converts * scale,
        values=values * scale,
        nulls=(~converts) * scale,
        groups=_ints(rows["grp"]) % GROUPS,
        ages=_floats(ages.flatten()),
    )


def _ints(column: pa.Array | pa.ChunkedArray) -> Ints:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.int64)


def _floats(column: pa.Array) -> Floats:
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
