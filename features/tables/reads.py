"""Reads: what a feature makes of state columns as of a time, for many customers at once.

A state is true at every later time by arithmetic alone: training rows, online rows and streamed rows all go through these lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from features.instants import DAY
from features.tables.extremes import Current, Extreme
from features.tables.folds import Count, DecayedSum, Fold, Total
from features.tables.state import STATE_AT

Floats = NDArray[np.float64]
Column = NDArray[Any]


class Moment:
    """Columns of n states, and the n times as of which they are read.

    A time before `state_at` reads as `state_at`: what a state already knows cannot be taken out of it again.
    """

    def __init__(self, states: Mapping[str, Column], at: NDArray[np.int64]) -> None:
        self._states = states
        self._numbers: dict[str, Floats] = {}
        self._remaining: dict[float, Floats] = {}
        state_at = self.numbers(STATE_AT)
        self.at = np.maximum(np.asarray(at, dtype=np.float64), state_at)  # microseconds are exact in a double until 2255
        self._age_days = (self.at - state_at) / DAY

    def numbers(self, name: str) -> Floats:
        """A column as floats, NaN for null."""
        if name not in self._numbers:
            self._numbers[name] = np.asarray(self._states[name], dtype=np.float64)
        return self._numbers[name]

    def texts(self, name: str) -> list[str | None]:
        """A column of text, None for null."""
        return [text if isinstance(text, str) else None for text in self._states[name]]

    def remaining(self, half_life_days: float) -> Floats:
        """How much of a decayed sum is left."""
        if half_life_days not in self._remaining:
            self._remaining[half_life_days] = np.exp2(-self._age_days / half_life_days)
        return self._remaining[half_life_days]

    def operand(self, name: str, half_life_days: float) -> Floats:
        """A column as floats, decayed to the moment where it has a half-life."""
        numbers = self.numbers(name)
        return numbers if half_life_days == inf else numbers * self.remaining(half_life_days)


class Read(Protocol):
    """One value per state, out of the columns of its folds."""

    @property
    def folds(self) -> tuple[Fold, ...]:
        """The folds whose columns it needs."""

    def values(self, moment: Moment) -> Column:
        """Shape (n,): float64 with NaN for unknown, or object with None for unknown categories."""


@dataclass(frozen=True, slots=True)
class Operand:
    """A column that goes into a number; decayed to the time of reading where it has a half-life."""

    name: str
    half_life_days: float = inf


class Arithmetic(Read, Protocol):
    """A read that is arithmetic on numbers alone: the same for many states, and for many such reads of one state."""

    @property
    def operands(self) -> tuple[Operand, ...]:
        """What goes into it: the first column of every fold."""
        return tuple(Operand(fold.name) for fold in self.folds)

    @staticmethod
    def formula(at: Floats, *operands: Floats) -> Floats:
        """The values out of those of the operands, element by element; `at` in microseconds."""

    def values(self, moment: Moment) -> Column:
        """Shape (n,), NaN for unknown."""
        return self.formula(moment.at, *(moment.operand(each.name, each.half_life_days) for each in self.operands))


@dataclass(frozen=True, slots=True)
class Decayed(Arithmetic):
    """A decayed sum, decayed further."""

    fold: DecayedSum

    @property
    def folds(self) -> tuple[Fold, ...]:
        """The sum."""
        return (self.fold,)

    @property
    def operands(self) -> tuple[Operand, ...]:
        """The sum times what is left of it."""
        return (Operand(self.fold.name, self.fold.half_life_days),)

    @staticmethod
    def formula(at: Floats, *operands: Floats) -> Floats:
        """As it is."""
        return operands[0]


@dataclass(frozen=True, slots=True)
class Plain(Arithmetic):
    """A count, total or current number as it is."""

    fold: Count | Total | Current

    @property
    def folds(self) -> tuple[Fold, ...]:
        """The fold."""
        return (self.fold,)

    @staticmethod
    def formula(at: Floats, *operands: Floats) -> Floats:
        """As it is."""
        return operands[0]


@dataclass(frozen=True, slots=True)
class Days(Arithmetic):
    """Days since the first or last time; NaN when there was none."""

    fold: Extreme

    @property
    def folds(self) -> tuple[Fold, ...]:
        """The extreme."""
        return (self.fold,)

    @staticmethod
    def formula(at: Floats, *operands: Floats) -> Floats:
        """The difference in days."""
        return (at - operands[0]) / DAY


@dataclass(frozen=True, slots=True)
class MeanGap(Arithmetic):
    """Mean days between consecutive interactions; NaN when there were fewer than two."""

    first: Extreme
    last: Extreme
    count: Count

    @property
    def folds(self) -> tuple[Fold, ...]:
        """Both ends and the number."""
        return (self.first, self.last, self.count)

    @staticmethod
    def formula(at: Floats, *operands: Floats) -> Floats:
        """The whole span by the number of gaps."""
        first, last, count = operands
        return _quotient((last - first) / DAY, count - 1.0)


@dataclass(frozen=True, slots=True)
class Mean(Arithmetic):
    """A total by its count; NaN when there was none.

    Of two sums that decay alike it is the mean weighted by recency, at every time the same.
    """

    total: Total | DecayedSum
    count: Count | DecayedSum

    @property
    def folds(self) -> tuple[Fold, ...]:
        """Total and count."""
        return (self.total, self.count)

    @staticmethod
    def formula(at: Floats, *operands: Floats) -> Floats:
        """The quotient."""
        return _quotient(*operands)


@dataclass(frozen=True, slots=True)
class Rate(Arithmetic):
    """Smoothed rate `(answers + 1) / (asked + 2)`: one half before anything is known, and never a division by zero."""

    answers: Decayed | Plain
    asked: Decayed | Plain

    @property
    def folds(self) -> tuple[Fold, ...]:
        """Those of both sides."""
        return (*self.answers.folds, *self.asked.folds)

    @property
    def operands(self) -> tuple[Operand, ...]:
        """Likewise."""
        return (*self.answers.operands, *self.asked.operands)

    @staticmethod
    def formula(at: Floats, *operands: Floats) -> Floats:
        """The smoothed quotient."""
        answers, asked = operands
        return (answers + 1.0) / (asked + 2.0)


@dataclass(frozen=True, slots=True)
class OpenCart(Arithmetic):
    """Whether something was put into the cart after the last purchase: 1 or 0, or what the cart was worth."""

    cart: Extreme
    purchase: Extreme
    worth: Current | None = None

    @property
    def folds(self) -> tuple[Fold, ...]:
        """Both times, and the cart's value if asked for."""
        return (self.cart, self.purchase, *((self.worth,) if self.worth else ()))

    @staticmethod
    def formula(at: Floats, *operands: Floats) -> Floats:
        """Zero when the cart is not open."""
        cart, purchase, *worth = operands
        is_open = ~np.isnan(cart) & ~(purchase >= cart)  # never bought: the comparison with NaN is false
        return np.where(is_open, np.nan_to_num(worth[0], nan=0.0) if worth else 1.0, 0.0)


def _quotient(top: Floats, bottom: Floats) -> Floats:
    quotient: Floats = np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)
    return quotient
