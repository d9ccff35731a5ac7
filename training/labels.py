"""What happened after each decision, and to whom: rows from the lake, in SQL, with closed windows only."""

from datetime import datetime

import pyarrow as pa

from features.catalogue import Catalogue
from features.domain import NONE
from features.instants import DAY, microseconds
from features.lake import Lake, duckdb_session

_DECISIONS = """
with made as (
    select * exclude ("at"), epoch_us("at") as moment, nullif(candidates, []) as given,
           from_json(record, '{"candidates": [{"touchpoint": "VARCHAR", "probability": "DOUBLE"}]}').candidates as chances
    from decisions
), sources as (
    select source, list_sort(list_distinct(list(touchpoint) || [$none])) as candidates from made group by source
), waves as (
    select source, wave, min(moment) as moment,
           list_sort(list_distinct(flatten(list(coalesce(given, []))) || list(touchpoint) || [$none])) as candidates
    from made where wave is not null group by source, wave
), known as (
    select customer_id, min(epoch_us(greatest("at", received_at))) as known_from from interactions group by customer_id
), implied as (
    select 'implied:' || source || ':' || wave || ':' || customer_id as decision_id, customer_id, $none as touchpoint,
           moment, wave, candidates, null::double as probability, null as chances, false as recorded, true as implied
    from waves join known on known_from < moment anti join made using (source, wave, customer_id)
), taken as (
    select decision_id, customer_id, touchpoint, made.moment, wave,
           coalesce(given || [touchpoint], waves.candidates, sources.candidates) as candidates,
           probability, chances, record is not null as recorded, false as implied
    from made left join waves using (source, wave) join sources using (source)
    union all select * from implied
), conversions as (
    select customer_id, epoch_us("at") as converted_at, coalesce(value, 0)::decimal(38, 6) as value from interactions
    where list_contains($kinds, kind)
), answers as (
    select decision_id, epoch_us("at") as converted_at, coalesce(value, 0)::decimal(38, 6) as value from outcomes
    where list_contains($kinds, kind)
), seen as (
    select decision_id, sum(value)::double as value from taken join conversions using (customer_id)
    where converted_at > moment and converted_at <= moment + $window group by decision_id
), reported as (
    select decision_id, sum(value)::double as value from taken join answers using (decision_id)
    where converted_at > moment and converted_at <= moment + $window group by decision_id
)
select taken.*, seen.decision_id is not null or reported.decision_id is not null as converted,
       least(greatest(coalesce(seen.value, 0), coalesce(reported.value, 0)), $cap) as value
from taken left join seen using (decision_id) left join reported using (decision_id)
where moment + $window <= $until
order by moment, customer_id, decision_id
"""

_SNAPSHOTS = """
with known as (
    select customer_id, min(epoch_us(greatest("at", received_at))) as known_from from interactions group by customer_id
), snapshots as (
    select customer_id, moment from known join (select unnest($times) as moment) on known_from < moment
), conversions as (
    select customer_id, epoch_us("at") as converted_at, coalesce(value, 0)::decimal(38, 6) as value from interactions
    where list_contains($kinds, kind)
), later as (
    select customer_id, moment,
           count(*) filter (converted_at <= moment + $churn) as stayed,
           count(*) filter (converted_at <= moment + $window) as conversions,
           sum(value) filter (converted_at <= moment + $window)::double as value
    from snapshots join conversions using (customer_id) where converted_at > moment group by all
)
select customer_id, moment, coalesce(stayed, 0) = 0 as churned, coalesce(conversions, 0) > 0 as converted,
       least(coalesce(value, 0), $cap) as value
from snapshots left join later using (customer_id, moment) order by moment, customer_id
"""


def decision_rows(lake: Lake, catalogue: Catalogue, *, until: datetime) -> pa.Table:
    """Every decision whose outcome window closed by `until`, with what the customer did in it.

    An export lists only who was contacted: customers who were known at a wave's time and are not in it, be it that later
    parts of it are still open, are added as decisions for `none` with the wave's candidates, marked `implied`.

    What could have been chosen must not depend on what was: where an export does not give a decision's candidates, they are
    `none` and all that its wave chose, or without a wave, all that its source ever did.

    A conversion is an interaction of the objective's kinds by that customer in (at, at + window], or an outcome of these
    kinds reported for that decision. A purchase may arrive both ways, so the value is the larger of the two sums, never both.

    Returns
    -------
    pa.Table
        decision_id, customer_id, touchpoint, moment (microseconds), wave, candidates, probability (null where nobody logged
        it), chances (touchpoint and probability of every candidate, from the service's record, else null), recorded (whether
        there is one), implied, converted, value; ordered by moment, customer_id, decision_id.
    """
    return _run(lake, _DECISIONS, _objective(catalogue) | {"until": microseconds(until), "none": NONE})


def snapshot_rows(lake: Lake, catalogue: Catalogue, *, times: list[int]) -> pa.Table:
    """Every customer known at each of `times` (microseconds), and whether and for how much they converted afterwards.

    Returns
    -------
    pa.Table
        customer_id, moment, churned (no conversion within objective.churn_days), converted and value (within
        objective.window_days).
    """
    churn = round(catalogue.objective.churn_days * DAY)
    return _run(lake, _SNAPSHOTS, _objective(catalogue) | {"times": times, "churn": churn})


def first_seen(lake: Lake) -> int | None:
    """When the first interaction became visible, in microseconds."""
    table = _run(lake, 'select min(epoch_us(greatest("at", received_at))) as first from interactions', {})
    first: int | None = table["first"][0].as_py()
    return first


def _objective(catalogue: Catalogue) -> dict[str, object]:
    objective = catalogue.objective
    cap = float("inf") if objective.value_cap is None else objective.value_cap
    window = round(objective.window_days * DAY)
    return {"window": window, "kinds": [str(kind) for kind in objective.conversion], "cap": cap}


def _run(lake: Lake, query: str, parameters: dict[str, object]) -> pa.Table:
    with duckdb_session() as connection:
        for table in ("interactions", "decisions", "outcomes"):
            connection.execute(f"create temp view {table} as from {lake.relation(table)}")
        return connection.sql(query, params=parameters).to_arrow_table()
