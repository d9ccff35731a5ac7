"""What was decided for customers, and what they did within some days: a row per recorded decision."""

from dataclasses import dataclass, fields, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.domain import NONE
from features.identified import NOBODY_LINKED, identified
from features.instants import DAY, microseconds
from features.lake import Lake
from training.experiment.measures import Measure
from training.join import Floats, Ints, Strings, floats, ints, strings
from training.policy import Terms
from training.reward import observed_reward


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """n decisions.

    Attributes
    ----------
    customer_id : who they are today.
    at : microseconds since the epoch.
    arm : of the experiment.
    policy : the version that decided.
    fallback : why the policy was not used as it should be, or None.
    propensity : shape (n,), P(the customer converts) that the policy saw for what it chose; NaN where it did not say, or where
        what it chose was deferred and never carried out.
    outcomes : shape (n, 4), what followed within the days, a column per `Measure`.
    """

    customer_id: Strings
    at: Ints
    arm: Strings
    policy: Strings
    fallback: Strings
    propensity: Floats
    outcomes: Floats

    def __len__(self) -> int:
        return len(self.at)

    def where(self, rows: NDArray[np.bool_]) -> "Decisions":
        """The decisions of a mask."""
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def of(self, measure: Measure) -> Floats:
        """Shape (n,): a measure of what followed."""
        return self.outcomes[:, list(Measure).index(measure)]


def decided(
    lake: Lake, catalogue: Catalogue, *, since: datetime, until: datetime, days: float, members: str = NOBODY_LINKED
) -> Decisions:
    """Every decision of the service from `since` on whose `days` after it were over by `until`, in the order of time.

    Parameters
    ----------
    members : DuckDB SQL of (identifier, customer_id) as of today; an identifier that is not in it is its own customer.
    """
    parameters = {
        "since": microseconds(since),
        "until": microseconds(until),
        "days": round(days * DAY),
        "kinds": [str(kind) for kind in catalogue.objective.conversion],
        "none": NONE,
        "cap": float("inf") if catalogue.objective.value_cap is None else catalogue.objective.value_cap,
    }
    with identified(lake, members) as connection:
        rows = connection.sql(_DECIDED, params=parameters).to_arrow_table()
    conversion, unsubscribed = floats(rows, "converted"), floats(rows, "unsubscribed")
    index = {name: place for place, name in enumerate(catalogue.arms)}
    carried = np.array([index.get(name, 0) for name in rows["carried"].to_pylist()], dtype=np.int64)
    profit = observed_reward(
        Terms.of(catalogue),
        carried,
        conversion=conversion,
        value=floats(rows, "value"),
        unsubscribed=unsubscribed,
        recent_contacts=np.zeros(len(carried)),
    )
    return Decisions(
        customer_id=strings(rows, "customer_id"),
        at=ints(rows, "moment"),
        arm=strings(rows, "arm"),
        policy=strings(rows, "policy"),
        fallback=strings(rows, "fallback"),
        propensity=floats(rows, "propensity"),
        outcomes=np.column_stack([profit, conversion, unsubscribed, floats(rows, "complained")]),
    )


_DECIDED = """
with made as (
    select decision_id, customer_id, touchpoint, epoch_us("at") as moment, from_json(record, '{
        "arm": "VARCHAR", "deferred": "BOOLEAN", "fallback": "VARCHAR", "policy": {"version": "VARCHAR"},
        "candidates": [{"touchpoint": "VARCHAR", "propensity": "DOUBLE"}]}') as told
    from decisions where record is not null and epoch_us("at") >= $since and epoch_us("at") + $days <= $until
), done as (
    select customer_id, epoch_us("at") as done_at, kind, value from interactions
    where list_contains($kinds, kind) or kind in ('unsubscribe', 'complaint')
    union all
    select customer_id, epoch_us("at") as done_at, 'unsubscribe' as kind, null as value from consents
    where status in ('denied', 'withdrawn')
), followed as (
    select decision_id, 'seen' as way, kind, value from made join done using (customer_id)
    where done_at > moment and done_at <= moment + $days
    union all
    select decision_id, 'told' as way, kind, value from made join outcomes using (decision_id)
    where epoch_us("at") > moment and epoch_us("at") <= moment + $days
), sums as (
    select decision_id, bool_or(list_contains($kinds, kind)) as converted, bool_or(kind = 'unsubscribe') as unsubscribed,
           bool_or(kind = 'complaint') as complained,
           sum(value) filter (list_contains($kinds, kind) and way = 'seen') as seen,
           sum(value) filter (list_contains($kinds, kind) and way = 'told') as told
    from followed group by decision_id
), activated as (
    select decision_id from interactions where kind = 'contact' union select decision_id from outcomes where kind = 'contact'
)
select customer_id, moment, coalesce(made.told.arm, 'treatment') as arm, made.told.policy.version as policy,
       made.told.fallback as fallback,
       case when not coalesce(made.told.deferred, false) or touchpoint = $none or activated.decision_id is not null
            then touchpoint end as carried,
       list_filter(made.told.candidates, lambda each: each.touchpoint = carried)[1].propensity as propensity,
       coalesce(converted, false) as converted, coalesce(unsubscribed, false) as unsubscribed,
       coalesce(complained, false) as complained, least(greatest(coalesce(seen, 0), coalesce(sums.told, 0)), $cap) as value
from made left join sums using (decision_id) left join activated using (decision_id)
order by moment, decision_id
"""
