"""What happened, as attribution reads it: touches and conversions of a sample of customers, as tables of a DuckDB connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from features.domain import NONE, RESPONSES, Kind
from features.identified import identified
from features.insights.look import Look
from features.instants import DAY, microseconds
from training.attribution.paths import GROUPS

TOUCHES = tuple(kind for kind in Kind if kind not in (Kind.PURCHASE, Kind.REFUND, Kind.UNSUBSCRIBE, Kind.PROFILE, Kind.OTHER))
"""Kinds of interaction that are touches, unless the catalogue's objective counts them as conversions."""

MOST_ROWS = 2_000_000
"""Of more interactions, a sample of customers is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """An open connection with the tables `touches` and `conversions`, from the attribution window before the period on.

    `touches` has customer_id (a hash of it, which is faster), grp, touchpoint, kind and moment; a decision of the service that
    was carried out at once is the contact that it made. `conversions` has customer_id, grp, moment and value: whatever a
    customer converted at one moment is one conversion, and where both an interaction and an outcome tell of it, the larger
    value counts.

    Attributes
    ----------
    share : of the customers, who are looked at; every amount stands for 1 / share of it.
    sampled : the SQL condition on `customer_id` that is true of them.
    window : microseconds of `insights.attribution_days`.
    """

    connection: Any
    share: float
    sampled: str
    since: int
    until: int
    known_until: int
    window: int


@contextmanager
def happened(look: Look, *, most_rows: int = MOST_ROWS) -> Iterator[Happened]:
    """Read touches and conversions of everybody, or of a sample of customers where there are more rows than `most_rows`."""
    window = round(look.catalogue.insights.attribution_days * DAY)
    converting = [kind.value for kind in look.catalogue.objective.conversion]
    given = {
        "from": look.period.since - timedelta(microseconds=window),
        "known": look.known_until,
        "touches": [kind.value for kind in TOUCHES if kind.value not in converting],
        "converting": converting,
    }
    with identified(look.lake, look.members) as connection:
        rows = connection.execute(_COUNT, given).fetchall()[0][0]
        share = min(1.0, most_rows / max(rows, 1))
        sampled = sampled_by(share)
        connection.execute(_ROWS.format(sampled=sampled), given | {"none": NONE, "parts": _PARTS, "groups": GROUPS})
        connection.execute(_TOUCHES)
        connection.execute(_CONVERSIONS)
        yield Happened(
            connection=connection,
            share=round(share * _PARTS) / _PARTS,
            sampled=sampled,
            since=microseconds(look.period.since),
            until=min(microseconds(look.period.until), microseconds(look.known_until)),
            known_until=microseconds(look.known_until),
            window=window,
        )


_PARTS = 1_000_000


def sampled_by(share: float, *, customer: str = "hash(customer_id)") -> str:
    """The SQL condition that is true of a share of all customers; those of a smaller share are among them.

    Parameters
    ----------
    customer : the hash of the customer's id.
    """
    return f"{customer} % {_PARTS}::ubigint < {round(share * _PARTS)}"


_SPAN = '"at" >= $from and "at" <= $known'

_COUNT = f"""
select count(*) from interactions
where {_SPAN} and (list_contains($touches, kind) or list_contains($converting, kind))
"""

# The service's decisions are their contacts, unless they were deferred: those count once an outcome or a contact says so.
_ROWS = f"""
create temp table rows as
with decided as (
    select decision_id, customer_id, touchpoint, "at",
           record is not null and not coalesce((record ->> '$.deferred')::boolean, false) as carried
    from decisions where "at" <= $known
), told as (
    select customer_id, touchpoint, kind, epoch_us(outcomes."at") as moment, outcomes.value, 'told' as way
    from outcomes join decided using (decision_id)
    anti join interactions on interactions.decision_id = outcomes.decision_id and interactions.kind = outcomes.kind
              and not list_contains($converting, outcomes.kind)
    where outcomes."at" >= $from and outcomes."at" <= $known
          and (list_contains($converting, kind) or touchpoint <> $none and not (carried and kind = 'contact'))
), made as (
    select customer_id, touchpoint, 'contact' as kind, epoch_us("at") as moment, null as value, 'decided' as way
    from decided where carried and touchpoint <> $none and "at" >= $from
), seen as (
    select customer_id, touchpoint, kind, epoch_us("at") as moment, value, 'seen' as way from interactions
    anti join (select decision_id, 'contact' as kind from decided where carried) as counted
         on counted.decision_id = interactions.decision_id and counted.kind = interactions.kind
    where {_SPAN}
)
select * replace (hash(customer_id) as customer_id), hash(customer_id) // $parts::ubigint % $groups::ubigint as grp,
       list_contains($converting, kind) as converts
from (from seen union all by name from told union all by name from made)
where (list_contains($touches, kind) or list_contains($converting, kind)) and {{sampled}}
"""

_TOUCHES = """
create temp table touches as select customer_id, grp::bigint as grp, touchpoint, kind, moment from rows where not converts
"""

_CONVERSIONS = """
create temp table conversions as
select customer_id, any_value(grp)::bigint as grp, moment, max(value)::double as value from (
    select customer_id, any_value(grp) as grp, moment, way, sum(case when isfinite(value) then value else 0 end) as value
    from rows where converts group by all
) group by customer_id, moment
"""

RESPONDING = ", ".join(f"'{kind.value}'" for kind in RESPONSES)
