"""States as the feature store takes them and gives them back: a data frame in, arrays out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from features.instants import moment
from features.tables.state import STATE_AT, State, StateColumn

KNOWN = "known"
"""Column of `arrays`: false where nothing was known of the customer at that time."""

_DTYPES = {"float": "float64", "int": "Int64", "text": "object"}


def frame(columns: Sequence[StateColumn], customer_id: str, state: State) -> pd.DataFrame:
    """One state as a row with its customer and time."""
    visible_at = moment(int(state[STATE_AT] or 0))
    row: dict[str, Any] = {"customer_id": [customer_id], "visible_at": pd.Series([visible_at]).dt.as_unit("us")}
    return pd.DataFrame(row | {each.name: pd.Series([state[each.name]], dtype=_DTYPES[each.dtype]) for each in columns})


def rows_frame(rows: pa.RecordBatch) -> pd.DataFrame:
    """Many rows of that kind; integers stay integers beside nulls."""
    rows_as_frame: pd.DataFrame = rows.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    return rows_as_frame


def arrays(columns: Sequence[StateColumn], joined: pa.Table) -> dict[str, NDArray[Any]]:
    """Columns by name as `read` takes them, and `known`; the empty state where nothing is known."""
    known = np.asarray(joined[STATE_AT].is_valid())
    return {**{column.name: _array(joined[column.name], column, known) for column in columns}, KNOWN: known}


def _array(values: pa.ChunkedArray, column: StateColumn, known: NDArray[np.bool_]) -> NDArray[Any]:
    if column.dtype == "text":
        return np.asarray(values.to_numpy(), dtype=object)
    numbers = np.asarray(values.to_numpy(), dtype=np.float64)
    return numbers if column.initial is None else np.where(known, numbers, float(column.initial))
