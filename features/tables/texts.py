"""Reads of text: a category, or a number that was written as text."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from features.tables.extremes import Current
from features.tables.folds import Fold
from features.tables.reads import Column, Moment, Read


class Texts(Read, Protocol):
    """A read of one column of text."""

    fold: Current

    def value(self, text: str | None) -> str | float | None:
        """What one text says."""


@dataclass(frozen=True, slots=True)
class Category(Texts):
    """A current text when it is one of the categories, else None."""

    fold: Current
    categories: tuple[str, ...]

    @property
    def folds(self) -> tuple[Fold, ...]:
        """The current value."""
        return (self.fold,)

    def value(self, text: str | None) -> str | None:
        """The text itself."""
        return text if text in self.categories else None

    def values(self, moment: Moment) -> Column:
        """The texts, as objects."""
        known = frozenset(self.categories)
        return np.array([text if text in known else None for text in moment.texts(self.fold.name)], dtype=object)


@dataclass(frozen=True, slots=True)
class Number(Texts):
    """A current text read as a number; NaN when it is not a finite one."""

    fold: Current

    @property
    def folds(self) -> tuple[Fold, ...]:
        """The current value."""
        return (self.fold,)

    def value(self, text: str | None) -> float:
        """The number, or NaN."""
        return _number(text)

    def values(self, moment: Moment) -> Column:
        """The numbers."""
        return np.array([_number(text) for text in moment.texts(self.fold.name)], dtype=np.float64)


def _number(text: str | None) -> float:
    try:
        number = float(text) if text is not None else np.nan
    except ValueError:
        return np.nan
    return number if np.isfinite(number) else np.nan
