"""Puts what the models expect to every customer, and every customer into a segment; in SQL, so that numbers do not matter."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.insights.segments.rules import VALUE_RULES, as_case
from training.lifetime.outlook import plain_and_discounted
from training.lifetime.transactions import Transactions, kinds_of_customers
from training.lifetime.valuation import Valuation

Floats = NDArray[np.float64]

_SCORED = """
create or replace temp table {name} as
select facts.*, kind, alive, expected_conversions, {margin} * {spend} as weight,
       {margin} * {spend} * discounted as expected_value
from {facts} as facts left join kinds using (repeats, age, recency)
"""

_SEGMENTS = """
create or replace temp table {name} as
select customer_id, {rules} as segment
from everybody left join (select *, {worth} / nullif({standard}, 0) as worth from {scored}) using (customer_id)
where everybody.seen < {until}
"""

_PEOPLE = """
select everybody.customer_id, value_now.segment, journey_now.segment as journey_segment, alive, expected_conversions,
       expected_value, silent as recency_days, conversions as frequency, spent, make_timestamptz(first_moment) as first_at
from everybody join value_now using (customer_id) join journey_now using (customer_id) left join scored_now using (customer_id)
order by everybody.customer_id
"""

_BY_KIND = """
select segment, kind, count(*)::double as customers, coalesce(sum(weight), 0) as weights,
       coalesce(sum(weight * weight), 0) as squares
from scored_now join {segments} using (customer_id) group by all order by segment, kind
"""


@dataclass(frozen=True, slots=True)
class Worth:
    """What customers are compared by.

    Attributes
    ----------
    column : `expected_value`; without values captured `expected_conversions`; without a model `spent` or `conversions`.
    mean : of all who converted, at the end of the period; earlier segments are by it too, so that only customers can change.
    """

    column: str
    mean: float


def score(connection: Any, facts: str, name: str, valuation: Valuation, *, ahead: float, margin: float) -> Transactions:
    """Make a table of `customer_facts` with alive, expected_conversions, expected_value; give the kinds of customers in it.

    Without a model the columns are null.

    Parameters
    ----------
    ahead : how far ahead, in days.
    margin : share of the value that is profit.
    """
    kinds, _ = kinds_of_customers(connection, facts)
    of, nothing = Transactions.of(kinds), np.full(len(kinds), np.nan)
    living, mean, later = nothing, nothing, nothing
    if valuation.model is not None:
        living, (mean, later) = valuation.model.alive(of), plain_and_discounted(valuation.model.logs, of, ahead)
    for column, values in (("alive", living), ("expected_conversions", mean), ("discounted", later)):
        kinds = kinds.append_column(column, pa.array(values, from_pandas=True))  # NaN is null
    connection.register("kinds", kinds.drop_columns(["customers"]))
    connection.execute(_SCORED.format(name=name, facts=facts, margin=repr(margin), spend=valuation.spend.sql))
    connection.unregister("kinds")
    return of


def standard_of(connection: Any, scored: str) -> Worth:
    """What customers are compared by: the first of the columns that has anything in it."""
    for column in ("expected_value", "expected_conversions", "spent", "conversions"):
        mean = connection.execute(f"select avg({column}) from {scored}").fetchall()[0][0]
        if mean is not None and mean > 0:
            return Worth(column, float(mean))
    return Worth("conversions", 1.0)


def value_segments(connection: Any, name: str, scored: str, worth: Worth, *, until: int, churn_days: float) -> None:
    """Make a table (customer_id, segment) of everybody known before a moment, by `VALUE_RULES`."""
    rules = as_case(VALUE_RULES, churn_days=churn_days)
    query = _SEGMENTS.format(name=name, rules=rules, worth=worth.column, standard=repr(worth.mean), scored=scored, until=until)
    connection.execute(query)


def everybody(connection: Any) -> pa.Table:
    """One row for each customer, with both segments and what is expected of them."""
    return connection.sql(_PEOPLE).to_arrow_table()


@dataclass(frozen=True, slots=True)
class Weights:
    """A group of customers by kind; shape (kinds,) each.

    Attributes
    ----------
    count : customers of each kind.
    money, squares : sums over them of the profit that a conversion brings, and of its square.
    """

    count: Floats
    money: Floats
    squares: Floats


def weights_by_segment(connection: Any, segments: str, kinds: int) -> Iterator[tuple[str, Weights]]:
    """Each segment of a table (customer_id, segment) with those in it who converted."""
    rows = connection.sql(_BY_KIND.format(segments=segments)).to_arrow_table()
    names = rows["segment"].to_numpy()
    kind, *sums = (rows[column].to_numpy() for column in ("kind", "customers", "weights", "squares"))
    for name in dict.fromkeys(names.tolist()):
        inside = names == name
        count, money, squares = (np.bincount(kind[inside], each[inside], kinds).astype(np.float64) for each in sums)
        yield name, Weights(count, money, squares)
