"""What happened after each decision, and to whom: rows from the lake, in SQL, with closed windows only.

Who did it is told by what is known of identities today: a purchase on a telephone is the outcome of a mail, however much later it
turned out that both reached one person. What features say is another matter: as was known then, of `identifier`.
"""

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
), implied as (
    select 'implied:' || source || ':' || wave || ':' || customer_id as decision_id, customer_id,
           case when own_from < moment then customer_id else first_name end as identifier, $none as touchpoint,
           moment, wave, candidates, null::double as probability, null as chances, false as recorded, true as implied
    from waves join known on known_from < moment anti join made using (source, wave, customer_id)
), taken as (
    select decision_id, customer_id, identifier, touchpoint, made.moment, wave,
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
with snapshots as (
    select customer_id, case when own_from < moment then customer_id else first_name end as identifier, moment
    from known join (select unnest($times) as moment) on known_from < moment
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
select customer_id, identifier, moment, coalesce(stayed, 0) = 0 as churned, coalesce(conversions, 0) > 0 as converted,
       least(coalesce(value, 0), $cap) as value
from snapshots left join later using (customer_id, moment) order by moment, customer_id
"""


_IDENTIFIED = """
create temp view {table} as
select rows.* replace (coalesce(members.customer_id, rows.customer_id) as customer_id), rows.customer_id as identifier
from {rows} as rows left join {members} as members on members.identifier = rows.customer_id
"""

_KNOWN = """
create temp view known as
with seen as (
    select customer_id, identifier, min(epoch_us(greatest("at", received_at))) as seen_from from interactions group by all
)
select customer_id, min(seen_from) as known_from, min(seen_from) filter (identifier = customer_id) as own_from,
       arg_min(identifier, (seen_from, identifier)) as first_name
from seen group by customer_id
"""

_NOBODY_LINKED = "(select null::varchar as identifier, null::varchar as customer_id where false)"


def decision_rows(lake: Lake, catalogue: Catalogue, *, until: datetime, members: str = _NOBODY_LINKED) -> pa.Table:
    """Every decision whose outcome window closed by `until`, with what the customer did in it.

    An export lists only who was contacted: customers who were known at a wave's time and are not in it, be it that later
    parts of it are still open, are added as decisions for `none` with the wave's candidates, marked `implied`.

    What could have been chosen must not depend on what was: where an export does not give a decision's candidates, they are
    `none` and all that its wave chose, or without a wave, all that its source ever did.

    A conversion is an interaction of the objective's kinds by that customer in (at, at + window], or an outcome of these
    kinds reported for that decision. A purchase may arrive both ways, so the value is the larger of the two sums, never both.

    Parameters
    ----------
    members : DuckDB SQL of (identifier, customer_id) as of today; an identifier that is not in it is its own customer.

    Returns
    -------
    pa.Table
        decision_id, customer_id (as of today), identifier (whom it was taken for), touchpoint, moment (microseconds), wave,
        candidates, probability (null where nobody logged it), chances (touchpoint and probability of every candidate, from the
        service's record, else null), recorded (whether there is one), implied, converted, value; ordered by moment,
        customer_id, decision_id.
    """
    return _run(lake, _DECISIONS, _objective(catalogue) | {"until": microseconds(until), "none": NONE}, members)


def snapshot_rows(lake: Lake, catalogue: Catalogue, *, times: list[int], members: str = _NOBODY_LINKED) -> pa.Table:
    """Every customer known at each of `times` (microseconds), and whether and for how much they converted afterwards.

    Customers are those of today, once each. One who was known then under another name only, as before a first login, is
    there under the oldest of these.

    Parameters
    ----------
    members : as in `decision_rows`.

    Returns
    -------
    pa.Table
        customer_id (as of today), identifier (under which the customer was known then), moment, churned (no conversion within
        objective.churn_days), converted and value (within objective.window_days).
    """
    churn = round(catalogue.objective.churn_days * DAY)
    return _run(lake, _SNAPSHOTS, _objective(catalogue) | {"times": times, "churn": churn}, members)


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


def _run(lake: Lake, query: str, parameters: dict[str, object], members: str = _NOBODY_LINKED) -> pa.Table:
    with duckdb_session() as connection:
        for table in ("interactions", "decisions"):
            connection.execute(_IDENTIFIED.format(table=table, rows=lake.relation(table), members=members))
        connection.execute(f"create temp view outcomes as from {lake.relation('outcomes')}")
        connection.execute(_KNOWN)
        return connection.sql(query, params=parameters).to_arrow_table()
