"""The policy: the four steps in their order, as one function of features and eligibility."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

import numpy as np

from features.catalogue import Catalogue, Exploration
from features.domain import NONE
from features.errors import PolicyError
from training.policy.arbitrate import BoolArray, IntArray, check_choices, ordered
from training.policy.explore import explored
from training.policy.score import FloatArray, Scorer, Scores
from training.policy.value import Terms, ValueParts, priorities, value_parts


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


class Ranking(StrEnum):
    """What the arms are ordered by."""

    NET_VALUE = "net_value"  # what a contact changes, in money
    PROPENSITY = "propensity"  # what is likely anyway, in money: only to see how much less that is worth


@dataclass(frozen=True, slots=True)
class Decided:
    """All that was computed for n customers and k arms; serving records it, evaluation uses the probabilities.

    Attributes
    ----------
    parts : the money of every arm beyond doing nothing.
    priorities : shape (n, k), what the arms were ordered by: net value and levers.
    order : shape (n, k), arm indices, best first, ineligible ones last.
    probabilities : shape (n, k), P(the policy chooses the arm).
    """

    scores: Scores
    parts: ValueParts
    priorities: FloatArray
    order: IntArray
    probabilities: FloatArray

    @property
    def net_values(self) -> FloatArray:
        """Shape (n, k): money beyond doing nothing."""
        return self.parts.net

    @property
    def best(self) -> IntArray:
        """Shape (n,): index of the eligible arm that goes before the others."""
        return self.order[:, 0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Chooses by expected net value, and explores; eligibility comes from outside, since it depends on the request.

    Attributes
    ----------
    arms : `none` first.
    ceilings : shape (k,), the most that each arm may get while it ramps up; 1 where it is not held back.
    chosen : how often each arm was chosen in the decisions learnt from.
    """

    name: str
    version: str
    arms: tuple[str, ...]
    terms: Terms
    exploration: Exploration
    ceilings: FloatArray
    scorer: Scorer
    ranking: Ranking = Ranking.NET_VALUE
    chosen: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        catalogue: Catalogue,
        scorer: Scorer,
        *,
        name: str,
        version: str,
        chosen: Mapping[str, int] = MappingProxyType({}),
        arms: tuple[str, ...] | None = None,
    ) -> "Policy":
        """A policy over the catalogue's arms, with its terms and exploration.

        Parameters
        ----------
        chosen : how often each arm was chosen in the decisions learnt from; they make it sharper, and new arms ramp up.
        arms : what the scorer scores, `none` first, in place of the catalogue's; what the catalogue does not have costs nothing.
        """
        exploration, arms = catalogue.exploration, arms or catalogue.arms
        thousands = max(sum(chosen.values()) / 1000, 1.0)
        sharper = {"sharpness": exploration.sharpness * thousands**exploration.growth}
        return cls(
            name=name,
            version=version,
            arms=arms,
            terms=Terms.of(catalogue, arms),
            exploration=exploration.model_copy(update=sharper),
            ceilings=ramp(arms, exploration, chosen),
            scorer=scorer,
            chosen=chosen,
        )

    def __post_init__(self) -> None:
        if not self.arms or self.arms[0] != NONE:
            raise PolicyError(f"arms {self.arms} must start with {NONE!r}")
        for name, found in (("costs", self.terms.costs), ("ceilings", self.ceilings)):
            if found.shape != (len(self.arms),) or not np.isfinite(found).all():
                raise PolicyError(f"{name} {found.tolist()} must be one finite number per arm of {self.arms}")

    def decide(self, features: FloatArray, eligible: BoolArray) -> Decided:
        """Score, arbitrate and explore for n customers.

        Parameters
        ----------
        features : shape (n, d), NaN where unknown.
        eligible : shape (n, k), from step 1; every row has at least one.

        Raises
        ------
        PolicyError
            When shapes do not fit, nothing is eligible somewhere, or the scorer returns what is no score.
        """
        check_eligible(features, eligible, self.arms)
        scores = self.scorer.score(features)
        parts = value_parts(scores, self.terms)
        weighed = priorities(self._ranked(scores, parts), self.terms.levers)
        check_choices(weighed, eligible)
        probabilities = explored(weighed, eligible, self.exploration, ceilings=self.ceilings)
        return Decided(scores, parts, weighed, ordered(weighed, eligible), probabilities)

    def under(self, catalogue: Catalogue) -> "Policy":
        """What was learnt, with the terms and the exploration of another catalogue."""
        return Policy.of(catalogue, self.scorer, name=self.name, version=self.version, chosen=self.chosen, arms=self.arms)

    @property
    def exploiting(self) -> "Policy":
        """The same without exploration: always what goes before the others."""
        sure = self.exploration.model_copy(update={"method": "epsilon_greedy", "epsilon": 0.0, "floor": 0.0})
        return replace(self, exploration=sure, ceilings=np.ones(len(self.arms)))

    def as_probabilities(self, features: FloatArray, eligible: BoolArray) -> FloatArray:
        """What it would have chosen on every row of a log: `decide`'s probabilities."""
        return self.decide(features, eligible).probabilities

    def _ranked(self, scores: Scores, parts: ValueParts) -> FloatArray:
        if self.ranking is Ranking.NET_VALUE:
            return parts.net
        likely = scores.propensity * (scores.value * self.terms.margin)[:, None]
        likely[:, 0] = 0.0  # doing nothing earns nothing of its own: who counts responses always finds a contact better
        return likely - parts.cost - parts.incentive - parts.fatigue


def ramp(arms: Sequence[str], exploration: Exploration, chosen: Mapping[str, int]) -> FloatArray:
    """The most that each arm may get, shape (k,): from `ramp_share` up to all, in proportion to how often it was chosen.

    >>> ramp(("none", "a.b", "c.d"), Exploration(ramp_decisions=200, ramp_share=0.1), {"a.b": 100, "c.d": 500}).tolist()
    [1.0, 0.55, 1.0]
    """
    if not exploration.ramp_decisions:
        return np.ones(len(arms))
    ripe = np.array([min(chosen.get(arm, 0) / exploration.ramp_decisions, 1.0) for arm in arms])
    ripe[0] = 1.0
    return np.asarray(exploration.ramp_share + (1.0 - exploration.ramp_share) * ripe)


def check_eligible(features: FloatArray, eligible: BoolArray, arms: tuple[str, ...]) -> None:
    """Refuse rows that no policy over `arms` can decide on."""
    if features.ndim != 2 or eligible.shape != (len(features), len(arms)) or eligible.dtype != np.bool_:
        raise PolicyError(
            f"features {features.shape} must be (n, d), eligibility {eligible.shape} {eligible.dtype} bool (n, {len(arms)})"
        )
    if not eligible.any(axis=1).all():
        row = int(eligible.any(axis=1).argmin())
        raise PolicyError(f"row {row}: nothing is eligible; {NONE!r} always is, unless another is mandatory")
