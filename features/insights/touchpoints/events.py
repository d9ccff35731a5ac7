"""Every interaction with what came after it: the two tables from which all measures are aggregated.

`seen` is history as far as it is needed and known; `events` is the period and the one before it, each row with whether its
windows are closed and with what its customer did within them. A window is closed when all of it lies before `known_until`.
Where no answer was ever seen at a touchpoint in both periods, answers are taken as not recorded there: nobody did not answer.
Customers are 64-bit hashes of their ids here, which is much faster: two of 100 million fall together once in 3,700 such lakes.
"""

from typing import Any

import pyarrow as pa

from features.catalogue import Catalogue
from features.domain import METRIC_RANGE, RESPONSES, Kind, Stage
from features.insights.look import Look
from features.insights.touchpoints.effort import REPEAT_DAYS
from features.instants import DAY, microseconds

MONDAY = 4 * DAY
"""The first Monday after the zero of time."""

WEEK = 7 * DAY
REQUESTS = (Kind.CALL, Kind.COMPLAINT)
"""Kinds by which a customer wants something done."""


def create_events(connection: Any, look: Look) -> None:
    """Make the tables `seen`, `events` and `offers` in a connection of `open_history`."""
    objective, insights = look.catalogue.objective, look.catalogue.insights
    window, gap = round(objective.window_days * DAY), round(insights.journey_gap_days * DAY)
    since = microseconds(look.period.before.since)
    lookback = max(window, gap, round(objective.churn_days * DAY)) + WEEK
    known = microseconds(look.known_until)
    connection.register("offered", _offers(look.catalogue))
    connection.execute("create temp table offers as from offered")
    connection.execute(f"create temp table segmented as select hash(customer_id) as customer, segment from {look.segments}")
    for name, query in _NAMES.items():
        distinct = f"select distinct name from ({query}) where name is not null order by name"
        connection.execute(f"create type {name} as enum ({distinct})")
    connection.execute(_SEEN.format(ranks=_ranks(), rated=_rated(), since=since - lookback, known=known))
    values = {"window": window, "gap": gap, "known": known, "repeat": round(REPEAT_DAYS * DAY)}
    kinds = {"responses": _listed(RESPONSES), "requests": _listed(REQUESTS)}
    until = microseconds(look.period.until)
    connection.execute(_EVENTS.format(**values, **kinds, since=since, until=until, monday=MONDAY, week=WEEK))


# As numbers, names sort and group faster and take a sixteenth of the memory; in alphabetical order, they sort like texts.
_NAMES = {
    "touchpoint_name": "select touchpoint as name from history",
    "channel_name": "select coalesce(channel, split_part(touchpoint, '.', 1)) as name from history",
    "stage_name": "select stage as name from history union all select 'unknown'",
    "kind_name": f"select kind as name from history union all select unnest({[kind.value for kind in Kind]})",
}

# Records of kind profile only tell traits: they are no exchange. What a lake cannot rule out, a page must survive: scores off
# their scale, amounts that are no numbers, properties that are no JSON.
_SEEN = """
create temp table seen as
select hash(customer_id) as customer, touchpoint::touchpoint_name as touchpoint,
       coalesce(channel, split_part(touchpoint, '.', 1))::channel_name as channel,
       coalesce(stage, 'unknown')::stage_name as stage, {ranks} as stage_rank, kind::kind_name as kind, moment, converts, cost,
       case when converts and isfinite(value) then value else 0.0 end as value,
       case when {rated} then metric end as metric, score,
       case when sentiment between -1 and 1 then sentiment end as sentiment,
       case when contains(properties, 'seconds"') or contains(properties, '"minutes"') then properties end as told
from history where kind <> 'profile' and moment between {since} and {known}
"""

_EVENTS = """
create temp table events as
with told as (
    select * exclude (told, lengths), case when {seconds} between 0 and 86400 then {seconds} end as seconds
    from (
        select *, case when json_valid(told) then json_extract_string(told,
            ['$.seconds', '$.duration_seconds', '$.milliseconds', '$.minutes']) end as lengths
        from seen
    )
), answering as (
    select touchpoint, bool_or(kind in {responses}) as answers_known, bool_or(kind = 'click') as clicks_known
    from seen where moment >= {since} and moment < {until} group by touchpoint
), after as (
    select *,
        coalesce(sum(converts::int) over later, 0) as conversions_later, coalesce(sum(value) over later, 0) as value_later,
        max(case when kind <> 'contact' then stage_rank end) over later as rank_later,
        count(*) over (past range between 1 following and {gap} following) as interactions_later,
        max(converts) over (past range between {gap} preceding and current row) as converted_before,
        sum(value) over past as value_so_far, sum(converts::int) over past as conversions_so_far
    from told
    window past as (partition by customer order by moment),
           later as (partition by customer order by moment range between 1 following and {window} following)
), exchanges as (
    select *,
        min(case when kind in {responses} then moment end) over ahead as responds_at,
        min(case when kind = 'click' then moment end) over ahead as clicks_at,
        min(case when kind = 'resolution' then moment end) over ahead as resolves_at,
        min(case when kind = 'contact' then moment end) over (here range between 1 following and unbounded following)
            as contacted_at,
        min(case when kind in {requests} then moment end) over (here range between 1 following and unbounded following)
            as requests_at
    from after where kind in ('contact', 'resolution') or kind in {responses} or kind in {requests}
    window here as (partition by customer, touchpoint order by moment),
           ahead as (partition by customer, touchpoint order by moment range between current row and unbounded following)
    union all by name
    select * from after where not (kind in ('contact', 'resolution') or kind in {responses} or kind in {requests})
)
select customer, touchpoint, channel, stage, segment, (moment - {monday}) // {week} as week, stage_rank, kind, moment,
       metric, score, sentiment, converts, value, cost, value_later, value_so_far, conversions_later, conversions_so_far,
       moment + {window} <= {known} as closed,
       case when stage_rank < 5 then coalesce(rank_later, 0) > stage_rank end as moved_on,
       moment + {gap} <= {known} as gap_closed,
       interactions_later = 0 and not converted_before as dropped,
       responds_at <= moment + {window} and coalesce(responds_at < contacted_at, true) as answered,
       clicks_at <= moment + {window} and coalesce(clicks_at < contacted_at, true) as clicked,
       coalesce(answers_known, false) as answers_known, coalesce(clicks_known, false) as clicks_known,
       kind in {responses} as answer,
       kind in {requests} as request, moment + {repeat} <= {known} as repeat_closed, requests_at <= moment + {repeat} as repeated,
       kind in {requests} and resolves_at <= moment + {gap} as resolved,
       coalesce(requests_at > resolves_at, true) as last_request, seconds
from exchanges left join segmented using (customer) left join answering using (touchpoint)
where moment >= {since} and moment < {until}
""".replace(
    "{seconds}",
    "coalesce(try_cast(lengths[1] as double), try_cast(lengths[2] as double), try_cast(lengths[3] as double) / 1000, "
    "try_cast(lengths[4] as double) * 60)",
)


def _offers(catalogue: Catalogue) -> pa.Table:
    touchpoints = catalogue.touchpoints
    columns: dict[str, list[Any]] = {
        "touchpoint": [each.name for each in touchpoints],
        "incentive": [each.incentive for each in touchpoints],
        "discount": [each.discount for each in touchpoints],
    }
    types = [("touchpoint", pa.string()), ("incentive", pa.float64()), ("discount", pa.float64())]
    return pa.table(columns, schema=pa.schema(types))


def _ranks() -> str:
    cases = " ".join(f"when '{stage.value}' then {rank}" for rank, stage in enumerate(Stage, start=1))
    return f"case stage {cases} end"


def _rated() -> str:
    return " or ".join(f"metric = '{metric}' and score between {low} and {high}" for metric, (low, high) in METRIC_RANGE.items())


def _listed(kinds: tuple[Kind, ...]) -> str:
    return "(" + ", ".join(f"'{kind.value}'" for kind in kinds) + ")"
