"""Step 2: what each arm is worth for each customer: propensities and values from a scorer, then money."""

from dataclasses import dataclass
from typing import Protocol

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
    churn : shape (n,), P(the customer leaves), in [0, 1].
    """

    propensity: FloatArray
    value: FloatArray
    churn: FloatArray

    @property
    def uplift(self) -> FloatArray:
        """Shape (n, k): the change in propensity against doing nothing; column 0 is zero."""
        return self.propensity - self.propensity[:, :1]


class Scorer(Protocol):
    """Anything that scores rows of features: a trained model, or a prior."""

    def score(self, features: FloatArray) -> Scores:
        """Score `features`, shape (n, d), NaN where unknown."""


@dataclass(frozen=True, slots=True)
class PriorScorer:
    """Scores everybody alike, from the catalogue's priors: what the policy starts with before anything was learnt.

    Attributes
    ----------
    propensity : shape (k,), P(a customer converts | arm).
    value, churn : the mean value of a conversion and the mean churn.
    """

    propensity: FloatArray
    value: float
    churn: float

    @classmethod
    def of(cls, catalogue: Catalogue, *, base_rate: float, value: float, churn: float = 0.0) -> "PriorScorer":
        """Take the arms' uplifts from `catalogue`; `base_rate` is the propensity under `none`."""
        uplifts = np.array([0.0, *(touchpoint.prior_uplift for touchpoint in catalogue.recommendable)])
        return cls(propensity=np.clip(base_rate + uplifts, 0.0, 1.0), value=value, churn=churn)

    def score(self, features: FloatArray) -> Scores:
        """The same scores for every row."""
        n = len(features)
        return Scores(np.tile(self.propensity, (n, 1)), np.full(n, self.value), np.full(n, self.churn))


def net_value(scores: Scores, costs: FloatArray, margin: float) -> FloatArray:
    """The money an arm is expected to earn beyond doing nothing: uplift x value x margin - cost.

    Parameters
    ----------
    costs : shape (k,), money per contact; that of `none` is 0.
    margin : share of the value that is profit, in (0, 1].

    Returns
    -------
    Shape (n, k); column 0 is exactly 0.

    Raises
    ------
    PolicyError
        When the shapes do not fit each other, a score is not finite, or a propensity is outside [0, 1].

    Examples
    --------
    >>> scores = Scores(np.array([[0.10, 0.30]]), np.array([50.0]), np.array([0.0]))
    >>> net_value(scores, np.array([0.0, 1.5]), margin=0.25).round(2)
    array([[0., 1.]])
    """
    _check(scores, costs)
    net = scores.uplift * (scores.value * margin)[:, None] - costs
    net[:, 0] = 0.0
    return net


def _check(scores: Scores, costs: FloatArray) -> None:
    n, k = len(scores.value), len(costs)
    if scores.propensity.shape != (n, k) or scores.churn.shape != (n,):
        raise PolicyError(
            f"scores of shapes propensity {scores.propensity.shape}, value {scores.value.shape}, churn {scores.churn.shape} "
            f"do not fit {k} arms: the scorer must return (n, {k}), (n,) and (n,)"
        )
    # min and max propagate NaN, and no comparison holds for NaN: two reductions check range and finiteness at once
    if n and not (scores.propensity.min() >= 0.0 and scores.propensity.max() <= 1.0):
        raise PolicyError("a propensity is outside [0, 1] or not a number: calibrate the scorer's output")
    if not np.isfinite(scores.value).all():
        raise PolicyError("a value is not a finite number: the scorer must return money for every row")
