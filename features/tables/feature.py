"""A feature: its name, meaning and unit, and the read that gives its value."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from features.errors import ConfigurationError
from features.tables.folds import Fold
from features.tables.reads import Read
from features.tables.state import TECHNICAL, StateColumn


@dataclass(frozen=True, slots=True)
class Feature:
    """One column that models see, declared once.

    Attributes
    ----------
    name : `<what>_<window>_<unit>`.
    unit : count, days, money, rate, score, flag, number or category.
    meaning : one sentence.
    read : how its value comes from the state; the read names the folds that keep that state.
    categories : for a category, every value in the order of its codes.

    Raises
    ------
    ConfigurationError
        When the name ends in `_y`, which the feature store's join loses, or a category lists no values.
    """

    name: str
    dtype: Literal["float", "int", "category"]
    unit: str
    meaning: str
    read: Read
    categories: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.name.endswith("_y"):
            raise ConfigurationError(f"feature {self.name!r}: a name ending in '_y' is lost by the feature store; rename it")
        if (self.dtype == "category") != bool(self.categories):
            raise ConfigurationError(f"feature {self.name!r}: a category lists its categories, another dtype has none")

    def __hash__(self) -> int:
        return hash(self.name)  # lists of features are looked up at every decision; the other fields are compared, not hashed


def folds_of(features: Sequence[Feature]) -> tuple[Fold, ...]:
    """Every fold that the features need, once, in the order of the features."""
    return _folds_of(tuple(features))


def state_columns(features: Sequence[Feature]) -> tuple[StateColumn, ...]:
    """The columns that a state has for these features, without `state_at` and `position`."""
    return all_columns(features)[len(TECHNICAL) :]


def all_columns(features: Sequence[Feature]) -> tuple[StateColumn, ...]:
    """The columns of a state, `state_at` and `position` first."""
    return _all_columns(tuple(features))


@lru_cache(maxsize=8)
def _folds_of(features: tuple[Feature, ...]) -> tuple[Fold, ...]:
    return tuple({fold.name: fold for feature in features for fold in feature.read.folds}.values())


@lru_cache(maxsize=8)
def _all_columns(features: tuple[Feature, ...]) -> tuple[StateColumn, ...]:
    return (*TECHNICAL, *(column for fold in _folds_of(features) for column in fold.columns))
