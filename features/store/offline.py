"""States as of given times, made from the lake by one join and one grouping."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from features.lake import SCHEMAS, Lake
from features.tables import Feature, all_columns, as_of
from features.tables.batch import batch_connection
from features.tables.frames import empty_arrays, fill

_ROWS_PER_PART = 200_000  # bounds memory: a part's states are all in the making at the same time


def states_as_of(
    features: Sequence[Feature],
    lake: Lake,
    folder: Path,
    *,
    rows: NDArray[np.int64],
    identifiers: NDArray[Any],
    at: NDArray[np.int64],
) -> dict[str, NDArray[Any]]:
    """Columns of shape (n,) by name, and `known`.

    Parameters
    ----------
    folder : where to put what does not fit into memory.
    rows, identifiers : shape (m,), which identifiers make up each of the n rows.
    at : shape (n,), microseconds.
    """
    n = len(at)
    parts = -(-n // _ROWS_PER_PART) if lake.exists("interactions") else 0
    columns = all_columns(features)
    states = empty_arrays(columns, n)
    first = np.unique(rows, return_index=True)[1]
    # all questions about somebody in one part, so that each interaction is handled once
    part = pd.util.hash_array(identifiers[first], categorize=False) % max(parts, 1)
    asked = pa.table({"row": rows, "customer_id": pa.array(identifiers, pa.string()), "until": at[rows], "part": part[rows]})
    with batch_connection(folder) as connection:
        connection.con.register("all_asked", asked)
        connection.con.execute(f"CREATE TEMP VIEW interactions AS FROM {lake.relation('interactions')}")
        for number in range(parts):
            connection.con.execute(f"CREATE OR REPLACE TEMP TABLE asked AS FROM all_asked WHERE part = {number}")
            fill(columns, states, connection.con.sql(_query(tuple(features))).to_arrow_table())
    return states


@lru_cache(maxsize=2)  # ibis takes as long to write it as DuckDB to answer it for a hundred thousand interactions
def _query(features: tuple[Feature, ...]) -> str:
    """The states of `interactions` as of what is `asked`, as DuckDB's SQL."""
    interactions = ibis.table(ibis.Schema.from_pyarrow(SCHEMAS["interactions"]), name="interactions")
    asked = ibis.table({"row": "int64", "customer_id": "string", "until": "int64"}, name="asked")
    return str(ibis.to_sql(as_of(features, interactions, asked), dialect="duckdb", pretty=False))
