"""Paths: what a customer met on the way to a conversion, or on the way to none, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.errors import TrainingError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GROUPS = 100
"""Customers are divided into so many groups by chance; intervals come from drawing groups again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """p paths with t touches in all.

    Attributes
    ----------
    names : of the n touchpoints, or channels.
    codes : shape (t,), index into `names`, path after path, in each the oldest touch first.
    offsets : shape (p + 1,): the touches of path i are `codes[offsets[i]:offsets[i + 1]]`; no path is empty.
    conversions, values, nulls : shape (p,), how often the path ended in a conversion, their money, how often it ended in none.
    groups : shape (p,), 0 to `GROUPS` - 1, the group of the customer.
    ages : shape (t,), days from the touch to the conversion; None where times are not known.
    """

    names: tuple[str, ...]
    codes: Ints
    offsets: Ints
    conversions: Floats
    values: Floats
    nulls: Floats
    groups: Ints
    ages: Floats | None = None

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Ints:
        """Shape (p,): the number of touches of each path; at least 1."""
        return np.diff(self.offsets)

    @property
    def owners(self) -> Ints:
        """Shape (t,): the path of each touch."""
        return np.repeat(np.arange(len(self)), self.lengths)

    def converting(self) -> "Paths":
        """Only the paths that ended in a conversion at least once."""
        return self.where(self.conversions > 0.0)

    def where(self, rows: NDArray[np.bool_]) -> "Paths":
        """The paths of a mask."""
        touches = np.repeat(rows, self.lengths)
        return replace(
            self,
            codes=self.codes[touches],
            offsets=np.concatenate([[0], self.lengths[rows].cumsum()]),
            conversions=self.conversions[rows],
            values=self.values[rows],
            nulls=self.nulls[rows],
            groups=self.groups[rows],
            ages=None if self.ages is None else self.ages[touches],
        )


def paths_of(
    written: Sequence[str] | pa.Array | pa.ChunkedArray,
    *,
    conversions: Floats,
    values: Floats | None = None,
    nulls: Floats | None = None,
    separator: str = ">",
) -> Paths:
    """Paths as files write them: `alpha > eta > alpha`, with how often each converted; equal texts are counted together.

    Each distinct path is a group of its own, as far as there are so many groups.

    Parameters
    ----------
    written : p paths, each with at least one touchpoint.
    conversions, values, nulls : shape (p,); None is 0.

    Raises
    ------
    TrainingError
        When a path is empty or names an empty touchpoint, or shapes differ, or a number is negative or no number.

    Examples
    --------
    >>> paths = paths_of(["a > b", "b", "a > b"], conversions=np.array([1.0, 0.0, 2.0]), nulls=np.array([0.0, 3.0, 1.0]))
    >>> paths.names, paths.codes.tolist(), paths.offsets.tolist(), paths.conversions.tolist(), paths.nulls.tolist()
    (('a', 'b'), [0, 1, 1], [0, 2, 3], [3.0, 0.0], [1.0, 3.0])
    """
    column = written if isinstance(written, pa.Array | pa.ChunkedArray) else pa.array(written, pa.string())
    nothing = np.zeros(len(column))
    amounts = (conversions, nothing if values is None else values, nothing if nulls is None else nulls)
    _refuse(amounts, len(column))
    table = pa.table({"path": column, **dict(zip(_AMOUNTS, amounts, strict=True))})
    summed = table.group_by("path", use_threads=False).aggregate([(name, "sum") for name in _AMOUNTS])
    names, codes, offsets = _split(summed["path"].combine_chunks(), separator)
    if not all(names):
        raise TrainingError(f"a path has a touchpoint without a name; write touchpoints with {separator!r} between them")
    found = {name: summed[f"{name}_sum"].to_numpy().astype(np.float64) for name in _AMOUNTS}
    return Paths(names=names, codes=codes, offsets=offsets, groups=np.arange(len(offsets) - 1) % GROUPS, **found)


_AMOUNTS = ("conversions", "values", "nulls")


def _refuse(amounts: Sequence[Floats], count: int) -> None:
    for name, column in zip(_AMOUNTS, amounts, strict=True):
        if np.shape(column) != (count,):
            raise TrainingError(f"{name} of shape {np.shape(column)} must be ({count},), one per path")
        if not np.all(np.isfinite(column) & (np.asarray(column) >= 0.0)):
            raise TrainingError(f"{name} must be finite and not negative; correct the rows in which they are not")


def _split(paths: pa.Array, separator: str) -> tuple[tuple[str, ...], Ints, Ints]:
    """Names in order of their first occurrence, codes and offsets; blanks around a name do not belong to it."""
    if paths.null_count:
        raise TrainingError(f"{paths.null_count} of {len(paths)} paths are missing; leave such rows out")
    parts = pc.split_pattern(paths, separator)
    words = parts.flatten().dictionary_encode()
    trimmed = pc.utf8_trim_whitespace(words.dictionary).to_pylist()
    names = tuple(dict.fromkeys(trimmed))
    place = {name: index for index, name in enumerate(names)}
    recoded = np.array([place[word] for word in trimmed], dtype=np.int64)
    codes = recoded[words.indices.to_numpy()] if len(words) else np.zeros(0, dtype=np.int64)
    offsets = parts.offsets.to_numpy().astype(np.int64)
    return names, codes, offsets - offsets[0]
