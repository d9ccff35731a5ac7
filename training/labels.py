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
    select decision_id, customer_id, identifier, touchpoint, source, wave, probability, record is not null as recorded,
           epoch_us("at") as moment, nullif(candidates, []) as given, from_json(record, '{
        "arm": "VARCHAR", "deferred": "BOOLEAN",
        "candidates": [{"touchpoint": "VARCHAR", "probability": "DOUBLE", "eligible": "BOOLEAN"}]
    }') as told from decisions
), sources as (
    select source, list_sort(list_distinct(list(distinct touchpoint) || [$none])) as candidates from made group by source
), waves as (
    select source, wave, min(moment) as moment,
           list_sort(list_distinct(
               flatten(list(distinct coalesce(given, []))) || list(distinct touchpoint) || [$none])) as candidates
    from made where wave is not null group by source, wave
), implied as (
    select 'implied:' || source || ':' || wave || ':' || customer_id as decision_id, customer_id,
           case when own_from < moment then customer_id else first_name end as identifier, $none as touchpoint,
           moment, wave, candidates, null::double as probability, null as told, false as recorded, true as implied
    from waves join known on known_from < moment anti join made using (source, wave, customer_id)
), taken as (
    select decision_id, customer_id, identifier, touchpoint, made.moment, wave,
           coalesce(given || [touchpoint], waves.candidates, sources.candidates) as candidates,
           probability, told, recorded, false as implied
    from made left join waves using (source, wave) join sources using (source)
    union all select * from implied
), closed as (
    select * from taken where moment + $closing <= $until
), done as (
    select customer_id, epoch_us("at") as done_at, kind, value from interactions
    where list_contains($kinds, kind) or kind = 'unsubscribe'
    union all
    select customer_id, epoch_us("at") as done_at, 'unsubscribe' as kind, null as value from consents
    where status in ('denied', 'withdrawn')
), followed as (
    select decision_id, 'seen' as way, done_at - moment as after, kind, value from closed join done using (customer_id)
    union all
    select decision_id, 'told' as way, epoch_us("at") - moment as after, kind, value
    from closed join outcomes using (decision_id)
), labels as (
    select decision_id, bool_or(converts and inside) as converted, bool_or(converts and after <= $churn) as stayed,
           bool_or(kind = 'unsubscribe' and inside) as unsubscribed,
           sum(money) filter (converts and inside and way = 'seen')::double as seen,
           sum(money) filter (converts and inside and way = 'told')::double as told
    from (select *, list_contains($kinds, kind) as converts, after <= $window as inside,
                 coalesce(value, 0)::decimal(38, 6) as money from followed where after > 0)
    group by decision_id
), carried as (
    select decision_id, min("at") as carried_at from (
        select decision_id, epoch_us("at") as "at" from interactions where kind = 'contact' and decision_id is not null
        union all select decision_id, epoch_us("at") as "at" from outcomes where kind = 'contact'
    ) group by decision_id
)
select closed.* exclude (told), closed.told.candidates as chances, coalesce(closed.told.arm, 'treatment') as arm,
       not coalesce(closed.told.deferred, false) or touchpoint = $none  -- nothing is carried out at once
       or coalesce(carried_at <= moment + $window, false) as activated,
       coalesce(converted, false) as converted,
       least(greatest(coalesce(seen, 0), coalesce(labels.told, 0)), $cap) as value,
       case when $churn is not null then not coalesce(stayed, false) end as churned,
       coalesce(unsubscribed, false) as unsubscribed
from closed left join labels using (decision_id) left join carried using (decision_id)
order by moment, customer_id, decision_id
"""

_SNAPSHOTS = """
with everybody as materialized (
    from known join (select unnest($times) as moment) on known_from < moment
), snapshots as (  -- customers whole, by a draw that their names decide
    select customer_id, case when own_from < moment then customer_id else first_name end as identifier, moment
    from everybody where md5_number_upper(customer_id) / 18446744073709551616.0 <= $most / (select count(*) from everybody)
), conversions as (
    select customer_id, epoch_us("at") as converted_at, coalesce(value, 0)::decimal(38, 6) as value from interactions
    where list_contains($kinds, kind)
), later as (
    select customer_id, moment,
           count(*) filter (converted_at <= moment + $churn) as stayed,
           count(*) filter (converted_at <= moment + $window) as conversions,
           sum(value) filter (converted_at <= moment + $window)::double as value,
           sum(value) filter (converted_at <= moment + $churn)::double as later_value
    from snapshots join conversions using (customer_id) where converted_at > moment group by all
)
select customer_id, identifier, moment, coalesce(stayed, 0) = 0 as churned, coalesce(conversions, 0) > 0 as converted,
       least(coalesce(value, 0), $cap) as value,
       least(coalesce(later_value, 0), $cap * greatest($churn / $window, 1)) as later_value
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
    """Every decision whose windows closed by `until`, with what the customer did in them.

    An export lists only who was contacted: customers who were known at a wave's time and are not in it, be it that later
    parts of it are still open, are added as decisions for `none` with the wave's candidates, marked `implied`.

    What could have been chosen must not depend on what was: where an export does not give a decision's candidates, they are
    `none` and all that its wave chose, or without a wave, all that its source ever did.

    A conversion is an interaction of the objective's kinds by that customer in (at, at + window], or an outcome of these
    kinds reported for that decision. A purchase may arrive both ways, so the value is the larger of the two sums, never both.

    What a window will still bring is not known, so nothing is learnt from a decision before all of its windows are over.

    Parameters
    ----------
    members : DuckDB SQL of (identifier, customer_id) as of today; an identifier that is not in it is its own customer.

    Returns
    -------
    pa.Table
        decision_id, customer_id (as of today), identifier (whom it was taken for), touchpoint, moment (microseconds), wave,
        candidates, probability (null where nobody logged it), recorded (whether there is the service's record), implied; from
        the record, where there is one, chances (touchpoint, probability and eligibility of every candidate, else null), arm (of
        the experiment) and activated (false for a decision that was deferred and that no contact carried out within the
        window); converted, value, churned (no conversion within objective.churn_days; null where objective.lifetime_days is not
        set), unsubscribed (an unsubscribe, or a consent denied or withdrawn, within the window); ordered by moment,
        customer_id, decision_id.
    """
    objective = catalogue.objective
    churn = None if objective.lifetime_days is None else round(objective.churn_days * DAY)
    given = {"until": microseconds(until), "closing": closing_time(catalogue), "churn": churn, "none": NONE}
    return _run(lake, _DECISIONS, _objective(catalogue) | given, members)


def closing_time(catalogue: Catalogue) -> int:
    """How long after a decision all is known that is learnt from it, in microseconds.

    >>> from features.catalogue import Objective
    >>> catalogue = Catalogue(objective=Objective(window_days=28, churn_days=56), presets=("any",))
    >>> closing_time(catalogue) // DAY
    28
    >>> patient = catalogue.model_copy(update={"objective": Objective(window_days=28, churn_days=56, lifetime_days=365)})
    >>> closing_time(patient) // DAY
    56
    """
    objective = catalogue.objective
    waits_for_churn = closing_key(catalogue) == "objective.churn_days"
    return round((objective.churn_days if waits_for_churn else objective.window_days) * DAY)


def closing_key(catalogue: Catalogue) -> str:
    """The key of the catalogue that says when a decision closes: of its windows the longest that something is learnt from.

    >>> from features.catalogue import Objective
    >>> closing_key(Catalogue(objective=Objective(window_days=28, churn_days=56, lifetime_days=365), presets=("any",)))
    'objective.churn_days'
    """
    objective = catalogue.objective
    waits_for_churn = objective.lifetime_days is not None and objective.churn_days > objective.window_days
    return "objective.churn_days" if waits_for_churn else "objective.window_days"


def snapshot_rows(
    lake: Lake, catalogue: Catalogue, *, times: list[int], members: str = _NOBODY_LINKED, most: float = float("inf")
) -> pa.Table:
    """Every customer known at each of `times` (microseconds), and whether and for how much they converted afterwards.

    Customers are those of today, once each. One who was known then under another name only, as before a first login, is
    there under the oldest of these.

    Parameters
    ----------
    members : as in `decision_rows`.
    most : where there are more rows, about so many are given, of customers drawn at random; the same ones every time.

    Returns
    -------
    pa.Table
        customer_id (as of today), identifier (under which the customer was known then), moment, churned (no conversion within
        objective.churn_days), converted and value (within objective.window_days), later_value (within objective.churn_days).
    """
    churn = round(catalogue.objective.churn_days * DAY)
    return _run(lake, _SNAPSHOTS, _objective(catalogue) | {"times": times, "churn": churn, "most": most}, members)


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
        for table in ("interactions", "decisions", "consents"):
            connection.execute(_IDENTIFIED.format(table=table, rows=lake.relation(table), members=members))
        connection.execute(f"create temp view outcomes as from {lake.relation('outcomes')}")
        connection.execute(_KNOWN)
        return connection.sql(query, params=parameters).to_arrow_table()
