"""Whether the model is right: fitted to an earlier part of history, it foretells the rest, which is there to compare with."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.errors import TrainingError
from features.insights.segments.facts import customer_facts
from features.instants import DAY
from training.lifetime.bgnbd import BgNbd, fit_bgnbd
from training.lifetime.outlook import Forecast, Total
from training.lifetime.transactions import MOST_ROWS, Transactions, kinds_of_customers

Floats = NDArray[np.float64]

LONGEST_DAYS = 91
_LEAST_DAYS = 14
_MOST_REPEATS = 7

_ACTUAL = """
with later as (
    select customer_id, count(*) as conversions from conversion_days
    where converts and day * {day} >= {since} and day * {day} < {until} group by customer_id
)
select repeats, recency, age, count(*) as customers, sum(coalesce(later.conversions, 0)) as actual,
       sum(coalesce(later.conversions, 0) ** 2) as squares
from {facts} left join later using (customer_id) {where} group by all order by repeats, age, recency
"""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Customers with equally many repeats before.

    Attributes
    ----------
    repeats : so many, as text.
    predicted, actual : conversions of each in the mean.
    low, high : of the 95 % interval of `actual`; None for a single customer.
    """

    repeats: str
    customers: int
    predicted: float
    actual: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Holdout:
    """The comparison.

    Attributes
    ----------
    days : how long the time is that was foretold.
    predicted : total of all customers' conversions, with the interval that the model gives.
    actual : what it was.
    customers : who had converted before it.
    """

    days: float
    predicted: Total
    actual: float
    customers: int
    buckets: tuple[Bucket, ...]

    @property
    def error(self) -> float:
        """By which share of what came true too much was foretold; below zero, too little."""
        return self.predicted.value / self.actual - 1 if self.actual else float("nan")


def check_holdout(connection: Any, *, until: int, rng: np.random.Generator) -> Holdout:
    """Foretell the last quarter of a year, or of history where this is shorter.

    Parameters
    ----------
    connection : with the tables of `features.insights.segments.read_days`.
    until : microseconds since 1970.

    Raises
    ------
    TrainingError
        When history is too short, or the earlier part has too few customers who came back.
    """
    first = connection.execute("select min(day) from conversion_days where converts").fetchall()[0][0]
    end = (until - 1) // DAY
    days = 0 if first is None else min(LONGEST_DAYS, (end - first) // 4)
    if days < _LEAST_DAYS:
        known = 0 if first is None else end - first
        raise TrainingError(
            f"history is {known} days long, and it takes {4 * _LEAST_DAYS} to foretell a part of it; wait, or capture older "
            "purchases"
        )
    since = (end + 1 - days) * DAY
    customer_facts(connection, "facts_of_holdout", until=since)
    kinds, _ = kinds_of_customers(connection, "facts_of_holdout", most=MOST_ROWS)
    model = fit_bgnbd(Transactions.of(kinds))
    customers = connection.execute("select count(*) from facts_of_holdout").fetchall()[0][0]
    where = "" if customers <= MOST_ROWS else f"where hash(customer_id) % {customers} < {MOST_ROWS}"
    rows = connection.sql(_ACTUAL.format(day=DAY, since=since, until=until, facts="facts_of_holdout", where=where))
    table = rows.to_arrow_table()
    actual, squares = (table[name].to_numpy().astype(np.float64) for name in ("actual", "squares"))
    return compare(model, Transactions.of(table), float(days), actual, squares, rng=rng)


def compare(model: BgNbd, of: Transactions, days: float, actual: Floats, squares: Floats, *, rng: np.random.Generator) -> Holdout:
    """What a model foretells beside what came true.

    Parameters
    ----------
    actual, squares : shape (n,); sums over the customers of each kind of their conversions, and of these squared.
    """
    forecast = Forecast.made(model, of, days)
    total, predicted = forecast.total(of.count, of.count, rng=rng), forecast.mean
    buckets = [
        _bucket(number, *(each[rows] for each in (of.count, predicted, actual, squares)))
        for number in range(_MOST_REPEATS + 1)
        if (rows := of.repeats == number if number < _MOST_REPEATS else of.repeats >= number).any()
    ]
    return Holdout(days, total, float(actual.sum()), round(float(of.count.sum())), tuple(buckets))


def _bucket(number: int, count: Floats, predicted: Floats, actual: Floats, squares: Floats) -> Bucket:
    n = float(count.sum())
    mean = float(actual.sum()) / n
    half = None
    if n > 1:
        half = 1.96 * float(np.sqrt(max(float(squares.sum()) - n * mean**2, 0.0) / (n - 1) / n))
    name = f"{number} or more" if number == _MOST_REPEATS else str(number)
    ends = (None, None) if half is None else (max(mean - half, 0.0), mean + half)
    return Bucket(name, round(n), float(count @ predicted) / n, mean, *ends)
