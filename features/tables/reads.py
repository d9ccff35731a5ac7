"""Reads: what a feature makes of state columns as of a time, for many customers at once.

A state is true at every later time by arithmetic alone: training rows, online rows and streamed rows all go through these lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass
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


class Read(Protocol):
    """One value per state, out of the columns of its folds."""

    @property
    def folds(self) -> tuple[Fold, ...]:
        """The folds whose columns it needs."""

    def values(self, moment: Moment) -> Column:
        """Shape (n,): float64 with NaN for unknown, or object with None for unknown categories."""


@dataclass(frozen=True, slots=True)
class Decayed:
    """A decayed sum, decayed further."""

    fold: DecayedSum

    @property
    def folds(self) -> tuple[Fold, ...]:
        """The sum."""
        return (self.fold,)

    def values(self, moment: Moment) -> Column:
        """The sum times what is left of it."""
        return moment.numbers(self.fold.name) * moment.remaining(self.fold.half_life_days)


@dataclass(frozen=True, slots=True)
class Plain:
    """A count, total or current number as it is."""

    fold: Count | Total | Current

    @property
    def folds(self) -> tuple[Fold, ...]:
        """The fold."""
        return (self.fold,)

    def values(self, moment: Moment) -> Column:
        """The column."""
        return moment.numbers(self.fold.name)


@dataclass(frozen=True, slots=True)
class Days:
    """Days since the first or last time; NaN when there was none."""

    fold: Extreme

    @property
    def folds(self) -> tuple[Fold, ...]:
        """The extreme."""
        return (self.fold,)

    def values(self, moment: Moment) -> Column:
        """The difference in days."""
        return (moment.at - moment.numbers(self.fold.name)) / DAY


@dataclass(frozen=True, slots=True)
class MeanGap:
    """Mean days between consecutive interactions; NaN when there were fewer than two."""

    first: Extreme
    last: Extreme
    count: Count

    @property
    def folds(self) -> tuple[Fold, ...]:
        """Both ends and the number."""
        return (self.first, self.last, self.count)

    def values(self, moment: Moment) -> Column:
        """The whole span by the number of gaps."""
        span = (moment.numbers(self.last.name) - moment.numbers(self.first.name)) / DAY
        return _quotient(span, moment.numbers(self.count.name) - 1.0)


@dataclass(frozen=True, slots=True)
class Mean:
    """A total by its count; NaN when there was none.

    Of two sums that decay alike it is the mean weighted by recency, at every time the same.
    """

    total: Total | DecayedSum
    count: Count | DecayedSum

    @property
    def folds(self) -> tuple[Fold, ...]:
        """Total and count."""
        return (self.total, self.count)

    def values(self, moment: Moment) -> Column:
        """The quotient."""
        return _quotient(moment.numbers(self.total.name), moment.numbers(self.count.name))


@dataclass(frozen=True, slots=True)
class Rate:
    """Smoothed rate `(answers + 1) / (asked + 2)`: one half before anything is known, and never a division by zero."""

    answers: Decayed | Plain
    asked: Decayed | Plain

    @property
    def folds(self) -> tuple[Fold, ...]:
        """Those of both sides."""
        return (*self.answers.folds, *self.asked.folds)

    def values(self, moment: Moment) -> Column:
        """The smoothed quotient."""
        rates: Floats = (self.answers.values(moment) + 1.0) / (self.asked.values(moment) + 2.0)
        return rates


@dataclass(frozen=True, slots=True)
class Category:
    """A current text when it is one of the categories, else None."""

    fold: Current
    categories: tuple[str, ...]

    @property
    def folds(self) -> tuple[Fold, ...]:
        """The current value."""
        return (self.fold,)

    def values(self, moment: Moment) -> Column:
        """The texts, as objects."""
        known = frozenset(self.categories)
        return np.array([text if text in known else None for text in moment.texts(self.fold.name)], dtype=object)


@dataclass(frozen=True, slots=True)
class Number:
    """A current text read as a number; NaN when it is not a finite one."""

    fold: Current

    @property
    def folds(self) -> tuple[Fold, ...]:
        """The current value."""
        return (self.fold,)

    def values(self, moment: Moment) -> Column:
        """The numbers."""
        return np.array([_number(text) for text in moment.texts(self.fold.name)], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class OpenCart:
    """Whether something was put into the cart after the last purchase: 1 or 0, or what the cart was worth."""

    cart: Extreme
    purchase: Extreme
    worth: Current | None = None

    @property
    def folds(self) -> tuple[Fold, ...]:
        """Both times, and the cart's value if asked for."""
        return (self.cart, self.purchase, *((self.worth,) if self.worth else ()))

    def values(self, moment: Moment) -> Column:
        """Zero when the cart is not open."""
        cart, purchase = moment.numbers(self.cart.name), moment.numbers(self.purchase.name)
        is_open = ~np.isnan(cart) & ~(purchase >= cart)  # never bought: the comparison with NaN is false
        worth = np.nan_to_num(moment.numbers(self.worth.name), nan=0.0) if self.worth else 1.0
        return np.where(is_open, worth, 0.0)


def _quotient(top: Floats, bottom: Floats) -> Floats:
    quotient: Floats = np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)
    return quotient


def _number(text: str | None) -> float:
    try:
        number = float(text) if text is not None else np.nan
    except ValueError:
        return np.nan
    return number if np.isfinite(number) else np.nan
