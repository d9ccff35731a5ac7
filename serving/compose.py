"""Puts a decision together from what was read for it, in the order of the policy; pure, with no journal and no clock.

eligible → score → arbitrate → explore, then the draw, the slate with its reasons, and the record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import Any

import numpy as np

from features.catalogue import Catalogue
from features.domain import NONE, Consent, Interaction, channel_of
from features.journal import Identity
from features.privacy import consent_basis, in_holdout
from features.tables import Feature
from serving.contacts import RecentContacts
from serving.live import LoadedPolicy
from serving.reasons import Explains, chance_reason, feature_reasons, money_reason
from serving.record import DecisionRecord, Draw, FeaturesUsed, PolicyInForce, Recommendation, ScoredCandidate, Taken
from serving.state import Reading
from training.policy import Candidate, Decided, Policy, draw, eligibility, rng_for

TREATMENT, HOLDOUT = "treatment", "holdout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which touchpoint is best for this customer?

    Attributes
    ----------
    customer_id : what the customer was named by: a customer_id, or the strongest of the identifiers.
    identifiers : the others, strongest first; only those that say who somebody is.
    at : decide as of then; None is now.
    candidates : only these touchpoints; None is all that the brand can start.
    limit : how many touchpoints to rank.
    unrecorded : interactions posted with a dry run, which count for its answer only.
    posted : what became of interactions posted with any other question.
    request : what was asked, as JSON values, for the record and to tell one question from another.
    """

    decision_id: str
    customer_id: str
    identifiers: tuple[str, ...] = ()
    at: datetime | None = None
    candidates: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    limit: int = 1
    dry_run: bool = False
    unrecorded: tuple[Interaction, ...] = ()
    posted: tuple[Taken, ...] = ()
    request: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """All that a decision rests on; before any policy was promoted, `loaded` is the priors."""

    at: datetime
    now: datetime
    identity: Identity
    reading: Reading
    consents: Sequence[Consent]
    contacts: RecentContacts
    loaded: LoadedPolicy
    fallback: str | None


class Composer:
    """Composes decision records over one catalogue and one list of features.

    Parameters
    ----------
    seed : of the draws; together with a decision's id it fixes what chance does.
    """

    def __init__(self, catalogue: Catalogue, features: Sequence[Feature], *, seed: int) -> None:
        self._catalogue = catalogue
        self._features = tuple(features)
        self._seed = seed
        self._catalogue_version = catalogue.version
        self._software_version = version("next-best-touchpoint")

    def compose(self, question: Question, given: Circumstances) -> DecisionRecord:
        """Decide, and write down all that led there.

        Raises
        ------
        RequestError
            When the question names touchpoints that the catalogue does not have.
        """
        reading, policy = given.reading, given.loaded.policy
        held_out = in_holdout(given.identity.identifiers, self._catalogue.holdout, self._catalogue.identifier_types)
        arms = eligibility(
            self._catalogue,
            candidates=question.candidates,
            exclude=question.exclude,
            contact_touchpoints=given.contacts.touchpoints,
            contact_times=given.contacts.times,
            at=given.at,
            consents=given.consents,
            identifiers_in_holdout=held_out,
        )
        decided = policy.decide(reading.row, np.array([[arm.eligible for arm in arms]]))
        chosen = draw(decided.probabilities[0], rng_for(question.decision_id, self._seed))
        candidates = _scored(arms, decided, policy)
        return DecisionRecord(
            decision_id=question.decision_id,
            customer_id=given.identity.customer_id,
            identifiers=given.identity.identifiers,
            at=given.at,
            arm=HOLDOUT if held_out else TREATMENT,
            request=question.request,
            interactions=question.posted,
            features=FeaturesUsed(
                status=reading.status, age_seconds=reading.age_seconds, position=reading.position, values=reading.values
            ),
            candidates=candidates,
            draw=Draw(seed=self._seed, u=float(rng_for(question.decision_id, self._seed).random())),
            chosen=arms[chosen].touchpoint,
            consent=self._basis(arms[chosen].touchpoint, given),
            recommendations=self._slate(question.limit, chosen, decided, candidates, given),
            policy=PolicyInForce(name=policy.name, version=policy.version, sha256=given.loaded.sha256),
            catalogue_version=self._catalogue_version,
            currency=self._catalogue.currency,
            fallback=given.fallback,
            decided_at=given.now,
            software_version=self._software_version,
        )

    def _slate(
        self, limit: int, chosen: int, decided: Decided, candidates: Sequence[ScoredCandidate], given: Circumstances
    ) -> tuple[Recommendation, ...]:
        """The drawn touchpoint first, then the other eligible ones, best first."""
        others = [int(arm) for arm in decided.order[0] if candidates[arm].eligible and arm != chosen]
        learnt = chance_reason(candidates[chosen], candidates[int(decided.best[0])], currency=self._catalogue.currency)
        return tuple(
            _recommendation(
                candidates[arm], rank, self._reasons(candidates[arm], arm, given) + ((learnt,) if learnt and rank == 1 else ())
            )
            for rank, arm in enumerate([chosen, *others][:limit], start=1)
        )

    def _basis(self, touchpoint: str, given: Circumstances) -> str | None:
        chosen = self._catalogue.touchpoint(touchpoint)
        return None if chosen is None else consent_basis(chosen, given.consents, self._catalogue.consent, at=given.at)

    def _reasons(self, candidate: ScoredCandidate, arm: int, given: Circumstances) -> tuple[str, ...]:
        policy, reading, currency = given.loaded.policy, given.reading, self._catalogue.currency
        money = money_reason(candidate, margin=policy.margin, currency=currency)
        if arm == 0 or not isinstance(policy.scorer, Explains):
            return (money,)
        effects = policy.scorer.contributions(reading.row, arm)[0, : len(self._features)]
        reasons = feature_reasons(self._features, reading.values, effects, touchpoint=candidate.touchpoint, currency=currency)
        return (money, *reasons)


def _scored(arms: Sequence[Candidate], decided: Decided, policy: Policy) -> tuple[ScoredCandidate, ...]:
    return tuple(
        ScoredCandidate(
            touchpoint=arm.touchpoint,
            eligible=arm.eligible,
            stage=arm.stage,
            rule=arm.rule,
            propensity=float(decided.propensity[0, index]),
            uplift=float(decided.uplift[0, index]),
            value=float(decided.value[0]),
            net_value=float(decided.net_values[0, index]),
            cost=float(policy.costs[index]),
            probability=float(decided.probabilities[0, index]),
        )
        for index, arm in enumerate(arms)
    )


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
