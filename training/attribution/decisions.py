"""Decisions that were drawn by chance, with known probabilities, and what followed them: what tells cause from coincidence."""

from dataclasses import dataclass, fields, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.domain import NONE
from features.instants import DAY
from training.attribution.happened import Happened, sampled_by
from training.attribution.paths import Floats, Ints

MOST_DECISIONS = 300_000
"""Of more decisions, those of a sample of customers are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """n decisions over k arms, `none` first.

    Attributes
    ----------
    arm : shape (n,), index of what was chosen.
    probability : shape (n,), P(it was chosen), in (0, 1].
    table : shape (n, k), every arm's probability; NaN in rows of which only the chosen one's is known.
    possible : shape (n, k), what could have been chosen.
    customers : shape (n,), code of the customer.
    conversions, values : shape (n,), how often the customer converted within the outcome window, and the money of it.
    features : shape (n, d), what was known of the customer before.
    """

    arms: tuple[str, ...]
    arm: Ints
    probability: Floats
    table: Floats
    possible: NDArray[np.bool_]
    customers: Ints
    conversions: Floats
    values: Floats
    features: Floats

    def __len__(self) -> int:
        return len(self.arm)

    @property
    def complete(self) -> bool:
        """Whether every arm's probability is known in every row."""
        return not np.isnan(self.table).any()

    def where(self, rows: NDArray[np.bool_]) -> "Drawn":
        """The decisions of a mask."""
        columns = [field.name for field in fields(self) if field.name != "arms"]
        return replace(self, **{name: getattr(self, name)[rows] for name in columns})


def load_drawn(past: Happened, catalogue: Catalogue, *, most: int = MOST_DECISIONS) -> Drawn:
    """The decisions of the period whose probability was logged and whose outcome window closed.

    Left out are decisions that were deferred and never carried out, and those for what is not (any more) recommendable. A
    conversion in (at, at + window] counts for every decision before it; intervals know which decisions are of one customer.
    """
    given = {
        "since": past.since,
        "until": past.until,
        "closed": past.known_until - round(catalogue.objective.window_days * DAY),
        "window": round(catalogue.objective.window_days * DAY),
        "before": past.window,
        "arms": list(catalogue.arms),
    }
    drawing = _DRAWN.format(sampled=past.sampled)
    past.connection.execute(drawing, {name: given[name] for name in ("since", "until", "closed", "window", "arms")})
    found = past.connection.execute("select count(*) from drawn").fetchall()[0][0]
    following = _FOLLOWED.format(sampled=sampled_by(past.share * min(1.0, most / max(found, 1)), customer="customer_id"))
    rows = past.connection.sql(following, params={name: given[name] for name in ("window", "before")}).to_arrow_table()
    return _arrays(rows, catalogue.arms)


_DRAWN = """
create or replace temp table drawn as
with logged as (
    select decision_id, customer_id, touchpoint, epoch_us("at") as moment, probability, nullif(candidates, []) as candidates,
           from_json(record, '{{
               "deferred": "BOOLEAN", "candidates": [{{"touchpoint": "VARCHAR", "probability": "DOUBLE"}}]
           }}') as told
    from decisions where (record is not null or probability is not null) and {sampled}
), carried as (
    select decision_id, min("at") as carried_at from (
        select decision_id, epoch_us("at") as "at" from interactions where kind = 'contact' and decision_id is not null
        union all select decision_id, epoch_us("at") as "at" from outcomes where kind = 'contact'
    ) group by decision_id
)
select decision_id, hash(customer_id) as customer_id, touchpoint, moment, candidates, told.candidates as chances,
       coalesce(list_filter(told.candidates, lambda each: each.touchpoint = touchpoint)[1].probability, probability)
           as probability
from logged left join carried using (decision_id)
where moment >= $since and moment < $until and moment <= $closed and list_contains($arms, touchpoint)
      and (not coalesce(told.deferred, false) or touchpoint = 'none' or coalesce(carried_at <= moment + $window, false))
"""

_FOLLOWED = """
with looked as (
    select * from drawn where probability > 0 and {sampled}
), after as (
    select decision_id, count(*) as conversions, sum(value) as value from looked join conversions using (customer_id)
    where conversions.moment > looked.moment and conversions.moment <= looked.moment + $window group by decision_id
), bought as (
    select decision_id, count(*) as times, sum(value) as money from looked join conversions using (customer_id)
    where conversions.moment <= looked.moment and conversions.moment > looked.moment - $before group by decision_id
), touched as (
    select decision_id, count(*) as times from looked join touches using (customer_id)
    where touches.moment < looked.moment and touches.moment > looked.moment - $before group by decision_id
)
select customer_id, touchpoint, probability, candidates, chances,
       coalesce(after.conversions, 0)::double as conversions, coalesce(after.value, 0)::double as value,
       ln(1 + coalesce(bought.times, 0)) as bought, ln(1 + greatest(coalesce(bought.money, 0), 0)) as money,
       ln(1 + coalesce(touched.times, 0)) as touched
from looked left join after using (decision_id) left join bought using (decision_id) left join touched using (decision_id)
order by customer_id, looked.moment, decision_id
"""


def _arrays(rows: pa.Table, arms: tuple[str, ...]) -> Drawn:
    index = {name: place for place, name in enumerate(arms)}
    arm = np.array([index[name] for name in rows["touchpoint"].to_pylist()], dtype=np.int64)
    probability = np.minimum(_column(rows, "probability"), 1.0)
    table, possible = _chances(rows, arm, probability, arms)
    return Drawn(
        arms=arms,
        arm=arm,
        probability=np.where(np.isnan(table[:, 0]), probability, table[np.arange(len(arm)), arm]),
        table=table,
        possible=possible,
        customers=np.unique(rows["customer_id"].to_numpy(), return_inverse=True)[1].astype(np.int64),
        conversions=_column(rows, "conversions"),
        values=_column(rows, "value"),
        features=np.column_stack([_column(rows, name) for name in ("bought", "money", "touched")]),
    )


def _chances(rows: pa.Table, arm: Ints, probability: Floats, arms: tuple[str, ...]) -> tuple[Floats, NDArray[np.bool_]]:
    """Every arm's probability, from the record, or because there were only two; and what could have been chosen."""
    every, n = np.zeros((len(arm), len(arms))), np.arange(len(arm))
    possible = np.zeros(every.shape, dtype=bool)
    chances, candidates = rows["chances"].combine_chunks(), rows["candidates"].combine_chunks()
    _fill(every, chances, chances.flatten().field("touchpoint"), arms, chances.flatten().field("probability"))
    _fill(possible, candidates, candidates.flatten(), arms, None)
    nobody_said = ~possible.any(axis=1)
    possible[nobody_said] = True
    possible[n, arm] = True
    possible[:, arms.index(NONE)] = True
    told = every[n, arm] > 0.0
    two = ~told & (possible.sum(axis=1) == 2)
    pair = np.where(possible, (1.0 - probability)[:, None], 0.0)
    pair[n, arm] = probability
    sums = np.where(told, every.sum(axis=1), 1.0)
    table = np.where(told[:, None], every / sums[:, None], np.where(two[:, None], pair, np.nan))
    return table, np.where(told[:, None], every > 0.0, possible)


def _fill(table: NDArray[np.generic], lists: pa.Array, names: pa.Array, arms: tuple[str, ...], amounts: pa.Array | None) -> None:
    row = lists.value_parent_indices().to_numpy()
    name = np.asarray(names.to_pylist(), dtype=object)
    filled = np.ones(len(name)) if amounts is None else np.asarray(amounts.to_numpy(zero_copy_only=False), dtype=np.float64)
    for place, arm in enumerate(arms):
        table[row[name == arm], place] = filled[name == arm]


def _column(rows: pa.Table, name: str) -> Floats:
    return np.asarray(rows[name].to_numpy(zero_copy_only=False), dtype=np.float64)
