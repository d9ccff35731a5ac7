"""Read one customer: all features at once, where `reading` takes many customers at once; the same formulas, so equal to the bit.

A service reads one state at a time. Feature by feature that would be some hundred small array operations; here all features
of one formula are computed together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.instants import DAY
from features.tables.feature import Feature, all_columns
from features.tables.reading import rounded
from features.tables.reads import Floats
from features.tables.state import STATE_AT, State

Known = float | int | str | None
"""A value of a feature; None where unknown."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Features of one formula: which they are, and where the values of each operand stand among all operands."""

    formula: Callable[..., Floats]
    features: NDArray[np.intp]
    operands: tuple[slice, ...]


class SingleReader:
    """Reads the features of one state after the other."""

    def __init__(self, features: Sequence[Feature]) -> None:
        self._names = tuple(feature.name for feature in features)
        self._numbers = tuple(column.name for column in all_columns(features) if column.dtype != "text")
        texts = [(index, each, each.read) for index, each in enumerate(features) if _is_text(each)]
        self._texts: tuple[tuple[int, Feature, Any], ...] = tuple(texts)
        self._groups, columns, half_lives = _groups(features)
        place = {name: index for index, name in enumerate(self._numbers)}
        self._columns = np.array([place[name] for name in columns], dtype=np.intp)
        self._half_lives = np.array(half_lives)

    def read(self, state: State, at: int) -> tuple[dict[str, Known], Floats]:
        """The features of a state as of a time in microseconds since 1970; before `state_at` it counts as `state_at`.

        Returns
        -------
        values : by feature.
        row : shape (1, features), as models take them; see `matrix`.
        """
        numbers = np.array([state[name] for name in self._numbers], dtype=np.float64)
        state_at = float(state[STATE_AT] or 0)
        moment = max(float(at), state_at)
        operands = numbers[self._columns] * np.exp2(-((moment - state_at) / DAY) / self._half_lives)
        found = np.empty(len(self._names))
        for group in self._groups:
            found[group.features] = group.formula(moment, *(operands[part] for part in group.operands))
        values: dict[str, Known] = dict(zip(self._names, _or_none(found), strict=True))
        for index, feature, read in self._texts:
            text = state[read.fold.name]
            said = read.value(text if isinstance(text, str) else None)
            found[index] = _code(feature, said)
            values[feature.name] = None if said != said else said  # NaN, which is not itself
        return values, rounded(found)[None, :]


def _groups(features: Sequence[Feature]) -> tuple[tuple[_Group, ...], list[str], list[float]]:
    """The groups, and of all their operands the columns and half-lives."""
    alike: dict[tuple[Callable[..., Floats], int], list[tuple[int, Any]]] = {}
    for index, feature in enumerate(features):
        if not _is_text(feature):
            read: Any = feature.read
            alike.setdefault((read.formula, len(read.operands)), []).append((index, read.operands))
    groups: list[_Group] = []
    columns: list[str] = []
    half_lives: list[float] = []
    for (formula, count), members in alike.items():
        parts = []
        for which in range(count):
            parts.append(slice(len(columns), len(columns) + len(members)))
            columns += [operands[which].name for _, operands in members]
            half_lives += [operands[which].half_life_days for _, operands in members]
        groups.append(_Group(formula, np.array([index for index, _ in members], dtype=np.intp), tuple(parts)))
    return tuple(groups), columns, half_lives


def _is_text(feature: Feature) -> bool:
    return not hasattr(feature.read, "formula")


def _or_none(found: Floats) -> list[float | None]:
    return [value if finite else None for value, finite in zip(found.tolist(), np.isfinite(found).tolist(), strict=True)]


def _code(feature: Feature, said: Any) -> float:
    if feature.dtype != "category":
        return float(said)
    return float(feature.categories.index(said)) if said is not None else np.nan
