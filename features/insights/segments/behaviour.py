"""What each customer did in a period, and the segment that this puts them into."""

from typing import Any

from features.domain import RESPONSES, Kind
from features.insights.segments.rules import JOURNEY_RULES, as_case

_NO_ACTS = (Kind.CONTACT, Kind.PROFILE, Kind.RESOLUTION, Kind.SUBSCRIBE, Kind.UNSUBSCRIBE)
_SERVICE_KINDS = (Kind.CALL, Kind.COMPLAINT)
_SERVICE_CHANNELS = ("call", "chat", "ticket")
_STORES = ("store", "event")

_BEHAVIOUR = """
create or replace temp table {name} as
with acts as (
    select customer_id, channel, converts, kind, kind not in {no_acts} as own, kind in {responses} as answer,
           kind in {service_kinds} or channel in {service_channels} as service
    from history where moment >= {since} and moment < {until}
), counted as (
    select customer_id, count(*) filter (kind = 'contact') as contacts, count(*) filter (own) as acts,
           count(*) filter (own and service and not converts) as service, count(*) filter (own and answer) as answers,
           count(*) filter (converts) as conversions, count(*) filter (converts and channel in {stores}) as in_stores,
           count(distinct channel) filter (own and not answer) as channels
    from acts group by customer_id
)
select customer_id, {segment} as segment from everybody left join counted using (customer_id)
where everybody.seen < {until}
"""


def journey_segments(connection: Any, name: str, *, since: int, until: int) -> None:
    """Make a table (customer_id, segment) of everybody known before the end of a period.

    Parameters
    ----------
    connection : with the tables of `read_days`.
    since, until : microseconds since 1970.
    """
    query = _BEHAVIOUR.format(
        name=name,
        since=since,
        until=until,
        no_acts=_listed(_NO_ACTS),
        responses=_listed(RESPONSES),
        service_kinds=_listed(_SERVICE_KINDS),
        service_channels=_listed(_SERVICE_CHANNELS),
        stores=_listed(_STORES),
        segment=as_case(JOURNEY_RULES, churn_days=0),
    )
    connection.execute(query)


def _listed(names: tuple[str, ...]) -> str:
    return "(" + ", ".join(f"'{name!s}'" for name in names) + ")"
