"""Read as of any time: feature values out of states, whichever way the states came about."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from features.tables.feature import Feature, all_columns
from features.tables.reads import Column, Floats, Moment
from features.tables.state import State


def stacked(features: Sequence[Feature], states: Sequence[State]) -> dict[str, Column]:
    """Columns out of n states, as `read` takes them."""
    columns: dict[str, Column] = {}
    for column in all_columns(features):
        dtype = object if column.dtype == "text" else np.float64
        columns[column.name] = np.array([state[column.name] for state in states], dtype=dtype)
    return columns


def read(features: Sequence[Feature], states: Mapping[str, Column], at: NDArray[np.int64]) -> dict[str, Column]:
    """Feature values by name.

    Parameters
    ----------
    states : columns of n states by name: history rows, online rows or `stacked` folds; null is NaN or None.
    at : shape (n,), microseconds since 1970; before `state_at` it counts as `state_at`.

    Returns
    -------
    Arrays of shape (n,): float64 with NaN for unknown; for categories objects, text or None.
    """
    moment = Moment(states, at)
    return {feature.name: feature.read.values(moment) for feature in features}


def matrix(features: Sequence[Feature], values: Mapping[str, Column]) -> Floats:
    """Feature values as models take them: shape (n, features), categories as codes in their order, NaN for unknown."""
    return np.column_stack([_coded(feature, values[feature.name]) for feature in features])


def _coded(feature: Feature, column: Column) -> Floats:
    if feature.dtype != "category":
        return np.asarray(column, dtype=np.float64)
    codes = {category: float(code) for code, category in enumerate(feature.categories)}
    return np.array([codes.get(category, np.nan) for category in column], dtype=np.float64)
