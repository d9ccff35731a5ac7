"""Step 2, first half: what is expected of each customer under each arm, from a scorer."""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.errors import PolicyError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scores:
    """What is expected of n customers under k arms.

    Attributes
    ----------
    propensity : shape (n, k), P(the customer converts | arm), in [0, 1]; column 0 is `none`.
    value : shape (n,), money of a conversion before margin.
    churn : shape (n, k), P(the customer leaves | arm), in [0, 1].
    lifetime : shape (n,), profit that a customer who stays brings later on; what leaving costs.
    unsubscribe : shape (n, k), P(the contact makes the customer unsubscribe), in [0, 1]; that of `none` is 0.
    recent_contacts : shape (n,), contacts of the last 30 days or so.
    """

    propensity: FloatArray
    value: FloatArray
    churn: FloatArray
    lifetime: FloatArray
    unsubscribe: FloatArray
    recent_contacts: FloatArray

    @classmethod
    def of(
        cls,
        propensity: FloatArray,
        value: FloatArray,
        *,
        churn: FloatArray | None = None,
        lifetime: FloatArray | None = None,
        unsubscribe: FloatArray | None = None,
        recent_contacts: FloatArray | None = None,
    ) -> Self:
        """Scores of which only some are known; the others are zero."""
        n, shape = len(propensity), propensity.shape
        return cls(
            propensity,
            value,
            np.zeros(shape) if churn is None else churn,
            np.zeros(n) if lifetime is None else lifetime,
            np.zeros(shape) if unsubscribe is None else unsubscribe,
            np.zeros(n) if recent_contacts is None else recent_contacts,
        )

    @property
    def uplift(self) -> FloatArray:
        """Shape (n, k): the change in propensity against doing nothing; column 0 is zero."""
        return self.propensity - self.propensity[:, :1]

    @property
    def churn_change(self) -> FloatArray:
        """Shape (n, k): the change in P(the customer leaves) against doing nothing; column 0 is zero."""
        return self.churn - self.churn[:, :1]

    def check(self, arms: int) -> None:
        """Refuse what is no score.

        Raises
        ------
        PolicyError
            When the shapes do not fit each other, a number is not finite, or a probability is outside [0, 1].
        """
        n = len(self.value)
        for name, shape in (("propensity", (n, arms)), ("churn", (n, arms)), ("unsubscribe", (n, arms))):
            self._check_shape(name, shape)
            found = getattr(self, name)
            # min and max propagate NaN, and no comparison holds for NaN: two reductions check range and finiteness at once
            if n and not (found.min() >= 0.0 and found.max() <= 1.0):
                raise PolicyError(f"a {name} is outside [0, 1] or not a number: calibrate the scorer's output")
        for name in ("value", "lifetime", "recent_contacts"):
            self._check_shape(name, (n,))
            if not np.isfinite(getattr(self, name)).all():
                raise PolicyError(f"a {name} is not a finite number: the scorer must return one for every row")

    def _check_shape(self, name: str, shape: tuple[int, ...]) -> None:
        found = getattr(self, name).shape
        if found != shape:
            raise PolicyError(f"{name} of shape {found} must be {shape}: the scorer must score every row under every arm")


class Scorer(Protocol):
    """Anything that scores rows of features: a trained model, or a prior."""

    def score(self, features: FloatArray) -> Scores:
        """Score `features`, shape (n, d), NaN where unknown."""


@dataclass(frozen=True, slots=True)
class PriorScorer:
    """Scores everybody alike, from the catalogue's priors: what the policy starts with before anything was learnt.

    Attributes
    ----------
    propensity, churn, unsubscribe : shape (k,), probabilities under each arm.
    value, lifetime : the mean value of a conversion, and the mean profit that a customer who stays brings later on.
    """

    propensity: FloatArray
    churn: FloatArray
    unsubscribe: FloatArray
    value: float
    lifetime: float = 0.0

    @classmethod
    def of(cls, catalogue: Catalogue, *, base_rate: float, value: float, churn: float = 0.0, lifetime: float = 0.0) -> Self:
        """Take what the arms change from `catalogue`; `base_rate` and `churn` are the probabilities under `none`."""
        arms = catalogue.recommendable
        return cls(
            propensity=np.clip(base_rate + np.array([0.0, *(arm.prior_uplift for arm in arms)]), 0.0, 1.0),
            churn=np.clip(churn + np.array([0.0, *(arm.prior_churn for arm in arms)]), 0.0, 1.0),
            unsubscribe=np.array([0.0, *(arm.prior_unsubscribe for arm in arms)]),
            value=value,
            lifetime=lifetime,
        )

    def score(self, features: FloatArray) -> Scores:
        """The same scores for every row."""
        n = len(features)
        return Scores(
            propensity=np.tile(self.propensity, (n, 1)),
            value=np.full(n, self.value),
            churn=np.tile(self.churn, (n, 1)),
            lifetime=np.full(n, self.lifetime),
            unsubscribe=np.tile(self.unsubscribe, (n, 1)),
            recent_contacts=np.zeros(n),
        )
