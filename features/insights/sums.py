"""Sums over customers from which a share or a mean and its uncertainty follow; all that comes out of the database."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Sums for each of several groups; a customer brings an amount `x` out of a number `m` of chances.

    Attributes
    ----------
    customers : shape (groups,), who bring at least one chance.
    n : sum of m, which is what the measure says it is out of.
    x, xx, xm, mm : sums of x, of x squared, of x times m and of m squared.
    """

    customers: Floats
    n: Floats
    x: Floats
    xx: Floats
    xm: Floats
    mm: Floats

    @classmethod
    def read(cls, rows: pa.Table, name: str) -> "Sums":
        """The sums that `summed` made under a name."""
        columns = {field.name: rows[f"{name}_{field.name}"] for field in fields(cls)}
        return cls(**{key: np.nan_to_num(column.to_numpy().astype(np.float64)) for key, column in columns.items()})

    def of(self, groups: NDArray[np.bool_] | NDArray[np.int64]) -> "Sums":
        """Of some of the groups."""
        return Sums(**{field.name: getattr(self, field.name)[groups] for field in fields(self)})


def summed(names: Mapping[str, str] | tuple[str, ...]) -> str:
    """DuckDB SQL that sums the columns `<name>_x` and `<name>_m` of customers as `Sums` need them."""
    return ", ".join(
        f"count(*) filter ({name}_m > 0) as {name}_customers, sum({name}_m)::double as {name}_n, "
        f"sum({name}_x)::double as {name}_x, sum({name}_x::double * {name}_x) as {name}_xx, "
        f"sum({name}_x::double * {name}_m) as {name}_xm, sum({name}_m::double * {name}_m) as {name}_mm"
        for name in names
    )
