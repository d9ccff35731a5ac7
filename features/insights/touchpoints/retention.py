"""Who leaves after a touchpoint, against customers alike who had none: counts by stratum, from which `matching` compares.

Landmarks are the ends of weeks, Mondays at 0:00 UTC, that lie in the period; the first of these weeks may begin before it. At
each, a customer who had converted within the objective's churn_days before the
week began is exposed when the touchpoint occurred in that week, and unexposed when it did not, nor in the outcome window before.
Customers are alike who, when the week began, were alike in recency (quarters of churn_days since the last conversion), frequency
(conversions within churn_days, by powers of two) and life (first seen within churn_days, or before). All of that is known before
the exposure. Who does not convert within churn_days after the landmark has left; only landmarks count that are so long past.

References
----------
J. R. Anderson, K. C. Cain, R. D. Gelber, "Analysis of Survival by Tumor Response", Journal of Clinical Oncology 1983 (landmarks).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.insights.look import Look
from features.insights.touchpoints.events import MONDAY, WEEK
from features.insights.touchpoints.matching import PARTS, Cells, Matched, Rate, matched, rate, shrink
from features.instants import DAY, microseconds

Floats = NDArray[np.float64]

MOST_CUSTOMERS = 200_000
"""Of more, so many are drawn, by the hashes of their ids: the intervals are narrow enough."""

_RECENCIES, _FREQUENCIES, _LIVES = 4, 6, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Customers at landmarks, as the temporary table `panel` has them.

    Attributes
    ----------
    landmarks : how many weeks have an end after which churn_days are known.
    share : of all customers who are in it; less than 1 where there are very many.
    """

    landmarks: int
    share: float


def create_panel(connection: Any, look: Look, *, most_customers: int = MOST_CUSTOMERS) -> Panel:
    """Make the tables `landmarks`, `sampled`, `conversions` and `panel` in a connection that has `seen` and `segmented`."""
    churn, since = round(look.catalogue.objective.churn_days * DAY), _first_monday(look)
    until, known = microseconds(look.period.until), microseconds(look.known_until)
    landmarks = max((min(until, known - churn) - since) // WEEK, 0)
    ((customers,),) = connection.execute("select count(distinct customer) from seen where converts").fetchall()
    every = max(-(-customers // most_customers), 1)
    values = {"churn": churn, "since": since, "week": WEEK, "landmarks": landmarks, "every": every, "parts": PARTS}
    for statement in (_LANDMARKS, _SAMPLED, _CONVERSIONS, _PANEL):
        connection.execute(statement.format(**values))
    return Panel(landmarks=landmarks, share=1 / every)


def churned_in(connection: Any, column: str | None = None) -> dict[str, Rate]:
    """What share of customers left, per value of a column of `panel` (segment or week), or of all under the key ''."""
    key = "''" if column is None else column
    counts = "0 as stratum, part, count(*) as n, sum(churned::int) as x"
    query = f"select {key} as key, {counts} from panel where {key} is not null group by all"
    return {key: rate(*cells) for key, cells in _dense(connection.sql(query).to_arrow_table(), ("n", "x"), 1)}


def compared(connection: Any, column: str, look: Look) -> dict[str, Matched]:
    """Churn after interactions against customers alike without, per value of a column of `seen`: touchpoint, channel or stage."""
    window = round(look.catalogue.objective.window_days * DAY)
    since = _first_monday(look)
    connection.execute(_NEAR.format(column=column, since=since, window=window, week=WEEK, weeks=-(-window // WEEK)))
    strata, customers = _strata(connection), dict(connection.execute(_CUSTOMERS).fetchall())
    totals = dict(_dense(connection.sql(_TOTALS).to_arrow_table(), ("n", "x"), strata)).get("")
    found: dict[str, Matched] = {}
    for key, (exposed, left, near, near_left) in _dense(connection.sql(_TOUCHED).to_arrow_table(), _COUNTED, strata):
        if totals is not None and key in customers:
            cells = Cells(exposed, left, totals[0] - near, totals[1] - near_left)
            found[key] = matched(cells, customers=customers[key])
    return shrink(found, small_count=look.catalogue.insights.small_count)


def _first_monday(look: Look) -> int:
    """When the week begins in which the period does."""
    since = microseconds(look.period.since)
    return since - (since - MONDAY) % WEEK


_LANDMARKS = """
create temp table landmarks as
select range as landmark, {since} + range * {week} as starts, {since} + (range + 1) * {week} as ends from range({landmarks})
"""

_SAMPLED = """
create temp table sampled as
select distinct customer, (customer % {parts})::integer as part from seen where converts and (customer // {parts}) % {every} = 0
"""

_CONVERSIONS = """
create temp table conversions as
select customer, moment, count(*) over (
    partition by customer order by moment range between {churn} preceding and current row) as recent
from (select distinct customer, moment from seen semi join sampled using (customer) where converts)
"""

_PANEL = f"""
create temp table panel as
with first as (
    select hash(customer_id) as customer, min(moment) as first_at from history group by all
), alive as (
    select spots.*, last.moment as last_at, last.recent
    from (select * from sampled cross join landmarks) as spots
    asof join conversions as last on spots.customer = last.customer and spots.starts > last.moment
    where last.moment >= spots.starts - {{churn}}
), followed as (
    select alive.*, next.moment as next_at from alive
    asof left join conversions as next on alive.customer = next.customer and alive.ends <= next.moment
), alike as (
    select *, least((starts - last_at) * {_RECENCIES} // {{churn}}, {_RECENCIES - 1}) as recency,
           least(floor(log2(recent)), {_FREQUENCIES - 1})::bigint as frequency, (first_at < starts - {{churn}})::bigint as life
    from followed join first using (customer)
)
select customer, part, landmark, strftime(make_timestamp(starts), '%Y-%m-%d') as week, segment,
       ((landmark * {_RECENCIES} + recency) * {_FREQUENCIES} + frequency) * {_LIVES} + life as stratum,
       next_at is null or next_at > ends + {{churn}} as churned
from alike left join segmented using (customer)
"""

_TOTALS = "select '' as key, stratum, part, count(*) as n, sum(churned::int) as x from panel group by all"

# Of a customer's interactions in one week only the last can reach into the window before a later one
_NEAR = """
create or replace temp table near as
with slots as (
    select customer, {column} as key, (moment - {since} + {weeks} * {week}) // {week} - {weeks} as slot, max(moment) as last_at
    from seen semi join sampled using (customer)
    where moment >= {since} - {weeks} * {week} and {column} is not null group by all
)
select customer, key, exposed, stratum, part, churned
from (
    select customer, key, slot + ahead as landmark, bool_or(ahead = 0) as exposed
    from slots cross join (select range as ahead from range({weeks} + 1))
    where ahead = 0 or last_at >= {since} + (slot + ahead) * {week} - {window} group by all
) join panel using (customer, landmark)
"""

_CUSTOMERS = "select key, count(distinct customer) from near where exposed group by all"

_COUNTED = ("exposed", "exposed_left", "near", "near_left")
_TOUCHED = """
select key, stratum, part, sum(exposed::int) as exposed, sum((exposed and churned)::int) as exposed_left, count(*) as near,
       sum(churned::int) as near_left
from near group by all
"""


def _strata(connection: Any) -> int:
    ((strata,),) = connection.execute("select coalesce(max(stratum) + 1, 0) from panel").fetchall()
    return int(strata)


def _dense(rows: pa.Table, names: tuple[str, ...], strata: int) -> Iterator[tuple[str, tuple[Floats, ...]]]:
    """Key after key with the counts of those names, each of shape (strata, PARTS)."""
    keys, of_row = np.unique(np.array(rows["key"].to_pylist(), dtype=str), return_inverse=True)
    order = np.argsort(of_row, kind="stable")
    ends = np.searchsorted(of_row[order], np.arange(len(keys) + 1))
    places = [rows[name].to_numpy().astype(np.int64) for name in ("stratum", "part")]
    counts = [rows[name].to_numpy().astype(np.float64) for name in names]
    for number, key in enumerate(keys.tolist()):
        here = order[ends[number] : ends[number + 1]]
        yield key, tuple(_placed(each[here], places[0][here], places[1][here], strata) for each in counts)


def _placed(values: Floats, strata: NDArray[np.int64], parts: NDArray[np.int64], count: int) -> Floats:
    cells = np.zeros((count, PARTS))
    cells[strata, parts] = values
    return cells
