"""What each touchpoint changes for each customer: a mean per arm, and what models say of the customer beyond it."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from training.arms import under_each
from training.models import Model

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Term:
    """A model's say in the raw effects of the arms.

    Attributes
    ----------
    model : over features, or over features and one column per arm but `none`; see `with_arms`.
    weights : shape (k,), what its raw score counts for in the effect of each arm; 0 where it says nothing.
    against_none : whether its raw score under `none` is taken away from that under the arm.
    """

    model: Model
    weights: tuple[float, ...]
    against_none: bool = False

    def raw(self, features: Floats, arms: tuple[str, ...]) -> Floats:
        """Its part in the raw effects, shape (n, k)."""
        weights, width = np.array(self.weights), features.shape[1]
        if self.model.width == width:
            return np.asarray(self.model.raw(features)[:, None] * weights)
        effects, spoken = np.zeros((len(features), len(arms))), np.flatnonzero(weights)
        if len(spoken):
            options = np.concatenate(([0], spoken)) if self.against_none else spoken
            model = self.model.part(range(width, self.model.width)) if self.against_none else self.model
            found = model.raw(under_each(features, options, arms)).reshape(len(features), len(options))
            effects[:, spoken] = (found[:, 1:] - found[:, :1]) if self.against_none else found
        return np.asarray(effects * weights)

    def contributions(self, features: Floats, arm: int, arms: tuple[str, ...]) -> Floats:
        """What moves the raw effect of one arm, shape (n, d + 1); the last column is all that is no feature."""
        width = features.shape[1]
        if self.model.width == width:
            parts = self.model.contributions(features)
        elif self.against_none:
            part = self.model.part(range(width - 1 + arm, width + arm))
            under = part.contributions(under_each(features, np.array([0, arm]), arms))
            parts = under[1::2] - under[::2]
        else:
            parts = self.model.contributions(under_each(features, np.array([arm]), arms))
        told = np.empty((len(features), width + 1))
        told[:, :width] = parts[:, :width]
        told[:, width] = parts[:, width:].sum(axis=1)
        return told * self.weights[arm]


@dataclass(frozen=True, slots=True)
class Effects:
    """The change in propensity against doing nothing, of n customers under k arms.

    Attributes
    ----------
    terms : together the raw effects; empty where all customers are taken to be alike.
    offsets : shape (k,), the mean uplift of each arm; 0 for `none`.
    centres : shape (k,), the mean raw effect of each arm.
    slope : what a difference in raw effects is worth in uplift.
    """

    arms: tuple[str, ...]
    terms: tuple[Term, ...]
    offsets: tuple[float, ...]
    centres: tuple[float, ...]
    slope: float

    @classmethod
    def alike(cls, arms: tuple[str, ...], offsets: tuple[float, ...]) -> Self:
        """The same for every customer."""
        return cls(arms, (), offsets, (0.0,) * len(arms), 0.0)

    def uplift(self, features: Floats) -> Floats:
        """Shape (n, k), before propensities are bounded; column 0 is zero."""
        uplift = np.empty((len(features), len(self.arms)))
        uplift[:] = self.offsets
        if self.terms:
            uplift += self.slope * (raw_effects(self.terms, features, self.arms) - np.array(self.centres))
        return uplift

    def contributions(self, features: Floats, arm: int) -> Floats:
        """What moves the uplift of `arm`, shape (n, d + 1): each feature's part, last the touchpoint's own; rows sum to it."""
        parts = np.zeros((len(features), features.shape[1] + 1))
        for term in self.terms:
            if term.weights[arm]:
                parts += self.slope * term.contributions(features, arm, self.arms)
        parts[:, -1] += self.offsets[arm] - self.slope * self.centres[arm]
        return parts


def raw_effects(terms: tuple[Term, ...], features: Floats, arms: tuple[str, ...]) -> Floats:
    """The sum of what models say of each arm, shape (n, k), in a unit of their own."""
    effects = np.zeros((len(features), len(arms)))
    for term in terms:
        effects += term.raw(features, arms)
    return effects
