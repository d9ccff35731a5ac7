"""States as the feature store takes them and gives them back: a data frame in, arrays out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from features.instants import moment
from features.tables.state import STATE_AT, State, StateColumn

KNOWN = "known"
"""Column: false where nothing was known of the customer at that time."""

_DTYPES = {"float": "float64", "int": "Int64", "text": "object"}


def frame(columns: Sequence[StateColumn], states: Mapping[str, State]) -> pd.DataFrame:
    """States by identifier as rows with their identifiers and times."""
    times = [moment(int(state[STATE_AT] or 0)) for state in states.values()]
    given = {each.name: pd.Series([state[each.name] for state in states.values()], dtype=_DTYPES[each.dtype]) for each in columns}
    return pd.DataFrame({"customer_id": list(states), "visible_at": pd.Series(times).dt.as_unit("us"), **given})


def empty_arrays(columns: Sequence[StateColumn], n: int) -> dict[str, NDArray[Any]]:
    """N empty states: columns by name as `read` takes them, and `known`."""
    empty = {each.name: None if each.dtype == "text" else np.nan if each.initial is None else each.initial for each in columns}
    states = {each.name: np.full(n, empty[each.name], object if each.dtype == "text" else np.float64) for each in columns}
    return {**states, KNOWN: np.zeros(n, dtype=bool)}


def fill(columns: Sequence[StateColumn], states: Mapping[str, NDArray[Any]], found: pa.Table) -> None:
    """Put states that were found into their places, the column `row` of `found`."""
    rows = found["row"].to_numpy()
    for column in columns:
        values = found[column.name]
        # DuckDB counts in 128 bits, which would become Python objects
        states[column.name][rows] = (values if column.dtype == "text" else values.cast(pa.float64())).to_numpy()
    states[KNOWN][rows] = True
