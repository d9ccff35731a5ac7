"""The decisions of a window as the service recorded them: probabilities, scores, and the features it saw."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.identified import NOBODY_LINKED, identified
from features.instants import microseconds
from features.lake import Lake
from training.join import Floats, Ints, floats, ints

MOST_CUSTOMERS = 20_000
"""Of so many customers at most the distributions are compared: more show nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """m touchpoints that were considered in some decisions under the policy.

    Attributes
    ----------
    decision : shape (m,), number of the decision.
    eligible : shape (m,).
    probability : shape (m,), P(the policy chose it).
    """

    decision: Ints
    eligible: NDArray[np.bool_]
    probability: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the policy saw and made of each customer in a window, once per customer: at their last decision in it.

    Attributes
    ----------
    features : by name, shape (n,), numbers or texts; None where not known.
    scores : by name, shape (m,), m <= n: of the champion's customers.
    """

    features: dict[str, list[Any]]
    scores: dict[str, list[Any]]


def candidates(lake: Lake, *, since: datetime, until: datetime, catalogue_version: str) -> Candidates:
    """All that was considered for the champion's customers in [since, until) under the rules in force today."""
    with identified(lake) as connection:
        rows = connection.sql(_CANDIDATES, params=_window(since, until) | {"catalogue": catalogue_version}).to_arrow_table()
    return Candidates(
        decision=ints(rows, "decision"), eligible=floats(rows, "eligible") > 0, probability=floats(rows, "probability")
    )


def fallbacks(lake: Lake, *, since: datetime, until: datetime) -> dict[str | None, int]:
    """How many decisions in [since, until) were taken without what the policy needs, by reason; None is with it."""
    with identified(lake) as connection:
        return dict(connection.sql(_FALLBACKS, params=_window(since, until)).fetchall())


def seen(lake: Lake, *, since: datetime, until: datetime, policy: str | None = None, members: str = NOBODY_LINKED) -> Seen:
    """What the policy saw in [since, until).

    Parameters
    ----------
    policy : only decisions of this version; scores of two versions say nothing of each other.
    members : DuckDB SQL of (identifier, customer_id) as of today.
    """
    parameters = _window(since, until) | {"policy": policy, "most": MOST_CUSTOMERS}
    with identified(lake, members) as connection:
        rows = connection.sql(_SEEN, params=parameters).to_arrow_table()
    features = [json.loads(text) if text else {} for text in rows["features"].to_pylist()]
    scores = [{name: value for each in scored for name, value in _named(each)} for scored in rows["scored"].to_pylist() if scored]
    return Seen(features=_columns(features), scores=_columns(scores))


def _named(scored: dict[str, Any]) -> list[tuple[str, Any]]:
    touchpoint = scored["touchpoint"]
    return [(f"{name} of {touchpoint}", scored[name]) for name in ("propensity", "net_value")]


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def _window(since: datetime, until: datetime) -> dict[str, Any]:
    return {"since": microseconds(since), "until": microseconds(until)}


_TAKEN = """
    select *, epoch_us("at") as moment, from_json(record, '{
        "arm": "VARCHAR", "catalogue_version": "VARCHAR", "fallback": "VARCHAR", "policy": {"version": "VARCHAR"},
        "features": {"status": "VARCHAR", "values": "JSON"}, "candidates": [{
            "touchpoint": "VARCHAR", "eligible": "BOOLEAN", "probability": "DOUBLE", "propensity": "DOUBLE", "net_value": "DOUBLE"
        }]
    }') as told
    from decisions where record is not null and epoch_us("at") >= $since and epoch_us("at") < $until
"""

_CANDIDATES = f"""
with numbered as (
    select row_number() over (order by moment, decision_id) as decision, unnest(told.candidates) as each from ({_TAKEN})
    where told.arm = 'treatment' and told.catalogue_version = $catalogue
)
select decision, each.eligible as eligible, each.probability as probability from numbered order by decision
"""

_FALLBACKS = f"select told.fallback, count(*) from ({_TAKEN}) group by all"

# Before there was a policy, features were seen all the same: the first policy learnt from customers like these.
# Which customers are taken, where there are too many, is decided by a hash: the same ones on every day
_SEEN = f"""
select arg_max(told.features.values, (moment, decision_id))::VARCHAR as features,
       arg_max(told.candidates, (moment, decision_id)) filter (told.arm = 'treatment') as scored
from ({_TAKEN}) where ($policy is null or told.policy.version = $policy)
    and coalesce(told.fallback, 'no_policy') = 'no_policy' and coalesce(told.features.status, 'fresh') = 'fresh'
group by customer_id order by md5(customer_id) limit $most
"""
