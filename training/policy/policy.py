"""The policy: the four steps in their order, as one function of features and eligibility."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from features.catalogue import Catalogue, Exploration
from features.domain import NONE
from features.errors import PolicyError
from training.policy.arbitrate import BoolArray, IntArray, arbitrate
from training.policy.explore import inverse_gap_probabilities
from training.policy.score import FloatArray, Scorer, Scores, net_value


class TargetPolicy(Protocol):
    """What can be evaluated on a log: a learnt policy, or a constant one."""

    @property
    def name(self) -> str:
        """The policy's name in comparisons."""

    @property
    def arms(self) -> tuple[str, ...]:
        """What it chooses from, `none` first."""

    def as_probabilities(self, features: FloatArray, eligible: BoolArray) -> FloatArray:
        """Shape (n, k): P(choose the arm), rows sum to 1, exactly 0 where not eligible."""


@dataclass(frozen=True, slots=True)
class Decided:
    """All that was computed for n customers and k arms; serving records it, evaluation uses the probabilities.

    Attributes
    ----------
    net_values : shape (n, k), money beyond doing nothing.
    order : shape (n, k), arm indices, best first, ineligible ones last.
    probabilities : shape (n, k), P(the policy chooses the arm).
    """

    scores: Scores
    net_values: FloatArray
    order: IntArray
    probabilities: FloatArray

    @property
    def propensity(self) -> FloatArray:
        """Shape (n, k): P(the customer converts | arm)."""
        return self.scores.propensity

    @property
    def uplift(self) -> FloatArray:
        """Shape (n, k): propensity beyond that of doing nothing."""
        return self.scores.uplift

    @property
    def value(self) -> FloatArray:
        """Shape (n,): money of a conversion."""
        return self.scores.value

    @property
    def best(self) -> IntArray:
        """Shape (n,): index of the eligible arm with the highest net value."""
        return self.order[:, 0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Chooses by expected net value, and explores; eligibility comes from outside, since it depends on the request.

    Attributes
    ----------
    arms : `none` first.
    costs : shape (k,), money per contact; that of `none` is 0.
    margin : share of the value that is profit.
    """

    name: str
    version: str
    arms: tuple[str, ...]
    costs: FloatArray
    margin: float
    exploration: Exploration
    scorer: Scorer

    @classmethod
    def of(cls, catalogue: Catalogue, scorer: Scorer, *, name: str, version: str) -> "Policy":
        """A policy over the catalogue's arms, with its costs, margin and exploration."""
        return cls(
            name=name,
            version=version,
            arms=catalogue.arms,
            costs=np.array([0.0, *(touchpoint.cost for touchpoint in catalogue.recommendable)]),
            margin=catalogue.objective.margin,
            exploration=catalogue.exploration,
            scorer=scorer,
        )

    def __post_init__(self) -> None:
        if not self.arms or self.arms[0] != NONE:
            raise PolicyError(f"arms {self.arms} must start with {NONE!r}")
        if self.costs.shape != (len(self.arms),) or not np.isfinite(self.costs).all() or self.costs[0] != 0.0:
            raise PolicyError(f"costs {self.costs.tolist()} must be one finite number per arm of {self.arms}, 0 for {NONE!r}")

    def decide(self, features: FloatArray, eligible: BoolArray) -> Decided:
        """Score, arbitrate and explore for n customers.

        Parameters
        ----------
        features : shape (n, d), NaN where unknown.
        eligible : shape (n, k), from step 1; column 0 is True.

        Raises
        ------
        PolicyError
            When shapes do not fit, `none` is not eligible somewhere, or the scorer returns what is no score.
        """
        check_eligible(features, eligible, self.arms)
        scores = self.scorer.score(features)
        net_values = net_value(scores, self.costs, self.margin)
        order = arbitrate(net_values, eligible)
        probabilities = inverse_gap_probabilities(
            net_values, eligible, sharpness=self.exploration.sharpness, floor=self.exploration.floor
        )
        return Decided(scores, net_values, order, probabilities)

    def as_probabilities(self, features: FloatArray, eligible: BoolArray) -> FloatArray:
        """What it would have chosen on every row of a log: `decide`'s probabilities."""
        return self.decide(features, eligible).probabilities


def check_eligible(features: FloatArray, eligible: BoolArray, arms: tuple[str, ...]) -> None:
    """Refuse rows that no policy over `arms` can decide on."""
    if features.ndim != 2 or eligible.shape != (len(features), len(arms)) or eligible.dtype != np.bool_:
        raise PolicyError(
            f"features {features.shape} must be (n, d), eligibility {eligible.shape} {eligible.dtype} bool (n, {len(arms)})"
        )
    if not eligible[:, 0].all():
        raise PolicyError(f"row {int(eligible[:, 0].argmin())}: {NONE!r} must always be eligible")
