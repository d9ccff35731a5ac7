"""Rows of the lake as arrays, and the features that were known of a customer at a time."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.tables import feature_list, matrix, read

if TYPE_CHECKING:
    from features.identity.members import Members

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Strings = NDArray[np.object_]

_ROWS_PER_PART = 200_000


class States(Protocol):
    """Where the state of customers at past times comes from; the feature store is one."""

    def training_states(self, identifiers: Any, at: Any) -> Mapping[str, NDArray[Any]]:
        """One state per row, of the customer behind that identifier at that row's time, in the order given."""

    def members(self) -> "Members":
        """Which identifiers are whose."""


def features_at(states: States, catalogue: Catalogue, identifiers: Strings, at: Ints) -> tuple[tuple[str, ...], Floats]:
    """The names of the features, and their values, shape (n, d), as known then of the customer behind each identifier.

    What became visible at that very microsecond is in, except contacts: they may be what was decided then.
    """
    declared = feature_list(catalogue)
    table = np.empty((len(at), len(declared)))
    for rows in _parts(identifiers):
        values = read(declared, states.training_states(identifiers[rows], at[rows]), at[rows])
        table[rows] = matrix(declared, values)
    return tuple(feature.name for feature in declared), table


def _parts(identifiers: Strings) -> Iterator[NDArray[np.intp]]:
    """Rows that are looked at together, everybody's own in one part: states take several times the room of features."""
    count = max(-(-len(identifiers) // _ROWS_PER_PART), 1)
    part = pd.util.hash_array(identifiers, categorize=False) % count if count > 1 else np.zeros(len(identifiers))
    for number in range(count):
        yield np.flatnonzero(part == number)


def strings(rows: pa.Table, name: str) -> Strings:
    """A column as text."""
    return np.asarray(rows[name].to_pylist(), dtype=object)


def ints(rows: pa.Table, name: str) -> Ints:
    """A column of whole numbers."""
    return np.asarray(rows[name].to_numpy(), dtype=np.int64)


def floats(rows: pa.Table, name: str) -> Floats:
    """A column of numbers or truth values; NaN for null."""
    return np.asarray(rows[name].cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
