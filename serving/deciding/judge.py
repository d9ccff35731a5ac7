"""The one code that decides, and that replays what was decided: eligible → score → arbitrate → explore, the draw, the reasons.

What goes in is a `Basis`: a decision record holds all of it. So the same answer can be had again from a record alone, and
another one where something in it is changed. Pure, with no journal and no clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.domain import NONE, channel_of
from features.tables import Feature, matrix
from serving.deciding.reasons import Explains, arm_reason, chance_reason, feature_reasons, money_reason
from serving.deciding.record import Draw, Parts, Recommendation, ScoredCandidate, SlatePlace
from serving.deciding.situations import Fact
from training.policy import Decided, Policy, arm_at, rng_for, variant
from training.policy.eligibility import Candidate, Rules, Situation

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
        self.rules = Rules(catalogue)

    def judge(self, basis: Basis) -> Verdict:
        """Give the answer that follows.

        Raises
        ------
        RequestError
            When the situation names touchpoints that the catalogue does not have.
        """
        policy = variant(basis.policy, basis.arm, self.catalogue)
        arms = _without_taken(self.rules.candidates(basis.situation), basis.slate)
        decided = policy.decide(basis.row, np.array([[arm.eligible for arm in arms]]))
        u = float(rng_for(basis.decision_id, basis.seed).random())
        chosen = arm_at(decided.probabilities[0], u)
        candidates = scored(arms, decided, policy)
        return Verdict(
            candidates=candidates,
            order=tuple(policy.arms[arm] for arm in decided.order[0].tolist()),
            draw=Draw(seed=basis.seed, u=u),
            chosen=arms[chosen].touchpoint,
            recommendations=self._recommended(basis, policy, decided, candidates, chosen),
        )

    def _recommended(
        self, basis: Basis, policy: Policy, decided: Decided, candidates: Sequence[ScoredCandidate], chosen: int
    ) -> tuple[Recommendation, ...]:
        """The drawn touchpoint first, then the other eligible ones, best first."""
        others = [arm for arm in decided.order[0].tolist() if candidates[arm].eligible and arm != chosen]
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
    if arm == 0 or not hasattr(policy.scorer, "contributions"):  # isinstance of a protocol takes longer than what follows
        return None
    return cast(Explains, policy.scorer).contributions(row, arm)[0, :features]


def scored(arms: Sequence[Candidate], decided: Decided, policy: Policy) -> tuple[ScoredCandidate, ...]:
    """The candidates of one decision as its record has them."""
    scores, found, terms = decided.scores, decided.parts, policy.terms
    value = float(scores.value[0])
    expected = (scores.propensity[0], scores.uplift[0], decided.net_values[0], decided.priorities[0], decided.probabilities[0])
    money = (found.gain[0], found.retention[0], found.cost[0], found.incentive[0], found.fatigue[0])
    # plain numbers, a column at once: one by one they would take longer than all else
    numbers = zip(*(each.tolist() for each in (*expected, terms.levers, terms.costs)), strict=True)
    parts = (
        Parts(gain=gain, retention=retention, cost=cost, incentive=incentive, fatigue=fatigue)
        for gain, retention, cost, incentive, fatigue in zip(*(each.tolist() for each in money), strict=True)
    )
    return tuple(
        ScoredCandidate(
            touchpoint=arm.touchpoint,
            eligible=arm.eligible,
            stage=arm.stage,
            rule=arm.rule,
            until=arm.until,
            propensity=propensity,
            uplift=uplift,
            value=value,
            parts=part,
            net_value=net_value,
            lever=lever,
            priority=priority,
            cost=cost,
            probability=probability,
        )
        for arm, part, (propensity, uplift, net_value, priority, probability, lever, cost) in zip(
            arms, parts, numbers, strict=True
        )
    )


def _without_taken(arms: Sequence[Candidate], slate: SlatePlace | None) -> Sequence[Candidate]:
    """Say of what stood in earlier slots that this is why it is excluded."""
    if slate is None or not slate.before:
        return arms
    before = slate.before
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
