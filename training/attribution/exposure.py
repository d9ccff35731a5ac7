"""How much each touch was in force, and when conversions came meanwhile: what the hazard model is fitted on.

A touch begins with a force of 1, halves in every half-life, and ends with the customer's next conversion or with the attribution
window. So the force that was on a customer at a conversion, and the force times time that was on everybody, are both exact sums.
"""

from dataclasses import dataclass
from math import log

import numpy as np
import pyarrow as pa

from features.instants import DAY
from training.attribution.happened import Happened
from training.attribution.paths import GROUPS, Floats, Paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Of m conversions after touches, and of everybody's time; n touchpoints.

    Attributes
    ----------
    forces : shape (t,), the force of each touch of `Paths.converting()` at its conversion.
    levels : shape (m,), how often that path's customer converted before the period, against the mean of all; 1 is average.
    in_force : shape (GROUPS, n), force x days, of each group's customers.
    alone : shape (GROUPS,), conversions that no touch preceded in time.
    days : shape (GROUPS,), customers x days of being known, each customer's times their level.
    """

    forces: Floats
    levels: Floats
    in_force: Floats
    alone: Floats
    days: Floats


def load_exposure(past: Happened, paths: Paths, *, half_life_days: float) -> Exposure:
    """The exposure of the paths that `load_journeys` found on this connection.

    Parameters
    ----------
    paths : with ages, all of them.
    """
    given = {"since": past.since, "until": past.until, "window": past.window}
    past.connection.execute(_LEVELS, given)
    decay = log(2.0) / (half_life_days * DAY)
    rows = past.connection.sql(_IN_FORCE, params=given | {"decay": decay}).to_arrow_table()
    in_force = np.zeros((GROUPS, len(paths.names)))
    cells = tuple(_column(rows, name).astype(np.int64) for name in ("grp", "code"))
    np.add.at(in_force, cells, _column(rows, "amount") / DAY)
    people = past.connection.sql(_PEOPLE, params=given).to_arrow_table()
    groups = _column(people, "grp").astype(np.int64)
    alone, days = (
        np.bincount(groups, weights=_column(people, name), minlength=GROUPS).astype(np.float64) for name in ("alone", "days")
    )
    levels = _column(past.connection.sql(_LEVELS_OF_PATHS, params=given).to_arrow_table(), "level")
    converting = paths.converting()
    ages = np.zeros(len(converting.codes)) if converting.ages is None else converting.ages
    scale = 1.0 / past.share
    return Exposure(
        forces=2.0 ** -(ages / half_life_days),
        levels=levels,
        in_force=in_force * scale,
        alone=alone * scale,
        days=days * scale,
    )


# Who converted often before the period is expected to go on so, whatever touches them; one conversion of the mean is added.
_LEVELS = """
create or replace temp table levels as
with counted as (
    select customer_id, any_value(grp) as grp, count(*) filter (converted and moment < $since) as before
    from (select customer_id, grp, moment, true as converted from conversions
          union all select customer_id, grp, moment, false as converted from touches)
    where moment < $until and moment >= $since - $window group by customer_id
)
select customer_id, grp, (before + 1) / (avg(before) over () + 1) as level from counted
"""

_IN_FORCE = """
with names as (
    select name, row_number() over (order by name) - 1 as code from (select distinct name from steps)
), forced as (
    select grp, name, moment, greatest(moment, $since) as begins,
           least(moment + $window, coalesce(converted_at, $until), $until) as ends from steps
)
select grp, code, sum(exp($decay * (moment - begins)) - exp($decay * (moment - ends))) / $decay as amount
from forced join names using (name) where ends > begins group by all
"""

_PEOPLE = """
with reached as (
    select distinct customer_id, converted_at as moment from steps where converted_at - moment <= $window
), sums as (
    select grp, count(*) as alone, 0.0 as days from conversions anti join reached using (customer_id, moment)
    where moment >= $since and moment < $until group by grp
    union all
    select grp, 0 as alone, sum(level) * ($until - $since) / 86400e6 as days from levels group by grp
)
select grp, sum(alone)::double as alone, sum(days)::double as days from sums group by grp
"""

_LEVELS_OF_PATHS = """
with reached as (
    select distinct customer_id, converted_at from steps
    where converted_at - moment <= $window and converted_at >= $since and converted_at < $until
)
select level from reached join levels using (customer_id) order by customer_id, converted_at
"""


def _column(rows: pa.Table, name: str) -> Floats:
    return np.asarray(rows[name].to_numpy(zero_copy_only=False), dtype=np.float64)
