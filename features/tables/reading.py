"""Read as of any time: feature values out of states, whichever way the states came about."""

from collections.abc import Mapping, Sequence
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from features.tables.feature import Feature, all_columns
from features.tables.reads import Column, Floats, Moment
from features.tables.state import State

_BITS = 20


def stacked(features: Sequence[Feature], states: Sequence[State]) -> dict[str, Column]:
    """Columns out of n states, as `read` takes them."""
    columns = all_columns(features)
    take = itemgetter(*(column.name for column in columns))
    taken = zip(*map(take, states), strict=True) if states else ((),) * len(columns)
    return {
        column.name: np.array(values, dtype=object if column.dtype == "text" else np.float64)
        for column, values in zip(columns, taken, strict=True)
    }


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
    """Feature values as models take them: shape (n, features), categories as codes in their order, NaN for unknown.

    Rounded to about six digits: sums added up in another order then are the same, so that the same data give the same model, and
    a model sees the same number in training and online.
    """
    return rounded(np.column_stack([_coded(feature, values[feature.name]) for feature in features]))


def rounded(features: Floats) -> Floats:
    """Numbers to twenty binary digits; binary, because sums of cents lie halfway between decimal ones.

    >>> rounded(np.array([0.1 + 0.2])) == rounded(np.array([0.3])), rounded(np.array([1234.56]))
    (array([ True]), array([1234.56054688]))
    """
    mantissa, exponent = np.frexp(features)
    return np.asarray(np.ldexp(np.round(np.ldexp(mantissa, _BITS)), exponent - _BITS), dtype=np.float64)


def _coded(feature: Feature, column: Column) -> Floats:
    if feature.dtype != "category":
        return np.asarray(column, dtype=np.float64)
    codes = {category: float(code) for code, category in enumerate(feature.categories)}
    return np.array([codes.get(category, np.nan) for category in column], dtype=np.float64)
