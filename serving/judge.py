"""The one code that decides, and that replays what was decided: eligible → score → arbitrate → explore, the draw, the reasons.

What goes in is a `Basis`: a decision record holds all of it. So the same answer can be had again from a record alone, and
another one where something in it is changed. Pure, with no journal and no clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.domain import NONE, channel_of
from features.tables import Feature, matrix
from serving.reasons import Explains, arm_reason, chance_reason, feature_reasons, money_reason
from serving.record import Draw, Parts, Recommendation, ScoredCandidate, SlatePlace
from serving.situations import Fact
from training.policy import Decided, Policy, arm_at, rng_for, variant
from training.policy.eligibility import Candidate, Situation, eligibility

TAKEN_BEFORE = "in an earlier slot of this slate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """All that an answer follows from, but for the catalogue and the list of features.

    Attributes
    ----------
    values, row : the features, by name and as the policy reads them, shape (1, d).
    policy : of the policy in force, before what the arm changes of it.
    seed : of the draw; together with the decision's id it fixes what chance does.
    limit : how many touchpoints to rank.
    """

    decision_id: str
    situation: Situation
    values: Mapping[str, Fact]
    row: NDArray[np.float64]
    policy: Policy
    arm: str
    seed: int
    limit: int = 1
    slate: SlatePlace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """An answer, with everything that was computed for it.

    Attributes
    ----------
    order : the touchpoints as they were ranked, best first, those that are not eligible last.
    """

    candidates: tuple[ScoredCandidate, ...]
    order: tuple[str, ...]
    draw: Draw
    chosen: str
    recommendations: tuple[Recommendation, ...]

    @property
    def choice(self) -> ScoredCandidate:
        """The candidate that was chosen."""
        return next(candidate for candidate in self.candidates if candidate.touchpoint == self.chosen)


class Judge:
    """Judges over one catalogue and one list of features."""

    def __init__(self, catalogue: Catalogue, features: Sequence[Feature]) -> None:
        self.catalogue = catalogue
        self.features = tuple(features)

    def judge(self, basis: Basis) -> Verdict:
        """Give the answer that follows.

        Raises
        ------
        RequestError
            When the situation names touchpoints that the catalogue does not have.
        """
        policy = variant(basis.policy, basis.arm, self.catalogue)
        arms = _without_taken(eligibility(self.catalogue, basis.situation), basis.slate)
        decided = policy.decide(basis.row, np.array([[arm.eligible for arm in arms]]))
        u = float(rng_for(basis.decision_id, basis.seed).random())
        chosen = arm_at(decided.probabilities[0], u)
        candidates = scored(arms, decided, policy)
        return Verdict(
            candidates=candidates,
            order=tuple(policy.arms[arm] for arm in decided.order[0]),
            draw=Draw(seed=basis.seed, u=u),
            chosen=arms[chosen].touchpoint,
            recommendations=self._recommended(basis, policy, decided, candidates, chosen),
        )

    def _recommended(
        self, basis: Basis, policy: Policy, decided: Decided, candidates: Sequence[ScoredCandidate], chosen: int
    ) -> tuple[Recommendation, ...]:
        """The drawn touchpoint first, then the other eligible ones, best first."""
        others = [int(arm) for arm in decided.order[0] if candidates[arm].eligible and arm != chosen]
        best = candidates[int(decided.best[0])]
        learnt = chance_reason(candidates[chosen], best, currency=self.catalogue.currency)
        why = [reason for reason in (arm_reason(basis.arm), learnt) if reason]
        first = _recommendation(candidates[chosen], 1, (*self._reasons(basis, policy, candidates[chosen], chosen), *why))
        slate = basis.slate
        first = replace(
            first,
            rank=slate.slot if slate else 1,
            decision_id=basis.decision_id,
            placement=slate.placement if slate else None,
        )
        rest = [
            _recommendation(candidates[arm], rank, self._reasons(basis, policy, candidates[arm], arm))
            for rank, arm in enumerate(others[: basis.limit - 1], start=2)
        ]
        return (first, *rest)

    def _reasons(self, basis: Basis, policy: Policy, candidate: ScoredCandidate, arm: int) -> tuple[str, ...]:
        money = money_reason(candidate, margin=policy.terms.margin, currency=self.catalogue.currency)
        effects = contributions(policy, basis.row, arm, len(self.features))
        if effects is None:
            return (money,)
        told = feature_reasons(
            self.features, basis.values, effects, touchpoint=candidate.touchpoint, currency=self.catalogue.currency
        )
        return (money, *told)


def row_of(features: Sequence[Feature], values: Mapping[str, Fact]) -> NDArray[np.float64]:
    """Features by name as a policy reads them, shape (1, d)."""
    return matrix(features, {feature.name: _column(feature, values.get(feature.name)) for feature in features})


def contributions(policy: Policy, row: NDArray[np.float64], arm: int, features: int) -> NDArray[np.float64] | None:
    """What each feature adds to the uplift of an arm, shape (features,); None where the policy cannot tell."""
    if arm == 0 or not isinstance(policy.scorer, Explains):
        return None
    return policy.scorer.contributions(row, arm)[0, :features]


def scored(arms: Sequence[Candidate], decided: Decided, policy: Policy) -> tuple[ScoredCandidate, ...]:
    """The candidates of one decision as its record has them."""
    return tuple(
        ScoredCandidate(
            touchpoint=arm.touchpoint,
            eligible=arm.eligible,
            stage=arm.stage,
            rule=arm.rule,
            until=arm.until,
            propensity=float(decided.scores.propensity[0, index]),
            uplift=float(decided.scores.uplift[0, index]),
            value=float(decided.scores.value[0]),
            parts=Parts(**{part.name: float(getattr(decided.parts, part.name)[0, index]) for part in fields(Parts)}),
            net_value=float(decided.net_values[0, index]),
            lever=float(policy.terms.levers[index]),
            priority=float(decided.priorities[0, index]),
            cost=float(policy.terms.costs[index]),
            probability=float(decided.probabilities[0, index]),
        )
        for index, arm in enumerate(arms)
    )


def _without_taken(arms: Sequence[Candidate], slate: SlatePlace | None) -> Sequence[Candidate]:
    """Say of what stood in earlier slots that this is why it is excluded."""
    before = slate.before if slate else ()
    return [replace(arm, rule=TAKEN_BEFORE) if arm.touchpoint in before and not arm.eligible else arm for arm in arms]


def _recommendation(candidate: ScoredCandidate, rank: int, reasons: tuple[str, ...]) -> Recommendation:
    return Recommendation(
        touchpoint=candidate.touchpoint,
        channel=None if candidate.touchpoint == NONE else channel_of(candidate.touchpoint),
        rank=rank,
        probability=candidate.probability,
        propensity=candidate.propensity,
        uplift=candidate.uplift,
        expected_value=candidate.net_value,
        cost=candidate.cost,
        reasons=reasons,
    )


def _column(feature: Feature, value: Fact) -> NDArray[np.float64] | NDArray[np.object_]:
    if feature.dtype == "category":
        return np.array([value], dtype=object)
    return np.array([np.nan if value is None else value], dtype=np.float64)
