"""How often, how lately and since when customers converted: all that the BG/NBD model needs; equal customers are one row."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_ROWS = 1_000_000
"""More different customers than this are not all fitted to; a sample of them tells as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transactions:
    """n kinds of customers; all arrays have shape (n,). Sorted by repeats, then by age, they are computed with fastest.

    Attributes
    ----------
    repeats : days with a conversion after the first such day (the papers' x).
    recency : time from the first to the last of these days (t_x); 0 without repeats.
    age : time from the first of these days to when it was looked (T).
    count : how many customers are such.
    """

    repeats: Floats
    recency: Floats
    age: Floats
    count: Floats

    @classmethod
    def of(cls, rows: pa.Table) -> "Transactions":
        """From columns `repeats`, `recency`, `age` and `customers`."""
        names = {"repeats": "repeats", "recency": "recency", "age": "age", "count": "customers"}
        return cls(**{to: rows[column].to_numpy().astype(np.float64) for to, column in names.items()})

    def __len__(self) -> int:
        return len(self.count)

    def in_units_of(self, unit: float) -> "Transactions":
        """The same with times in another unit, so many of today's long."""
        return replace(self, recency=self.recency / unit, age=self.age / unit)

    def take(self, rows: NDArray[np.int64]) -> "Transactions":
        """One customer of each of these rows."""
        kept = {name: getattr(self, name)[rows] for name in ("repeats", "recency", "age")}
        return Transactions(**kept, count=np.ones(len(rows)))


def kinds_of_customers(connection: Any, facts: str, *, most: int | None = None) -> tuple[pa.Table, float]:
    """The kinds of customers in a table of `customer_facts`, numbered, and the share of customers that this is of.

    Parameters
    ----------
    most : where there are more kinds, about as many customers are drawn by a hash of their customer_id, the same ones each time.
    """
    grouped = f"select repeats, age, recency, count(*) as customers from {facts} {{where}} group by all"
    share = 1.0
    if most is not None and connection.execute(f"select count(*) from ({grouped.format(where='')})").fetchall()[0][0] > most:
        share = most / connection.execute(f"select count(*) from {facts}").fetchall()[0][0]
    where = "" if share >= 1 else f"where hash(customer_id) % 1000000 < {round(share * 1_000_000)}"
    numbered = f"select row_number() over (order by repeats, age, recency) - 1 as kind, * from ({grouped.format(where=where)})"
    return connection.sql(f"{numbered} order by kind").to_arrow_table(), share


def runs(*columns: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where runs of equal rows start, and for each row the number of its run.

    >>> starts, run = runs(np.array([1.0, 1.0, 2.0]), np.array([5.0, 5.0, 5.0]))
    >>> starts.tolist(), run.tolist()
    ([0, 2], [0, 0, 1])
    """
    changed = np.ones(len(columns[0]), dtype=bool)
    changed[1:] = False
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changed), np.cumsum(changed) - 1
