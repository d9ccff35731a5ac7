"""Puts a decision together from what was read for it, and writes down all that led there; pure, with no journal and no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import Any

import numpy as np

from features.catalogue import Catalogue
from features.domain import Consent, Contact, Interaction
from features.experiment import Arm
from features.journal import Identity
from features.privacy import consent_basis
from features.tables import Feature
from serving.deciding.contacts import RecentContacts
from serving.deciding.judge import Basis, Judge, Verdict
from serving.deciding.live import LoadedPolicy
from serving.deciding.record import DecisionRecord, FeaturesUsed, PolicyInForce, Shadow, SlatePlace, Taken
from serving.deciding.situations import KeptSituation, facts_of, features_version
from serving.deciding.state import Reading
from training.policy.eligibility import Situation


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
    deferred : whether a contact counts only once the decision is activated.
    slate : which part of a slate this is.
    unrecorded : interactions posted with a dry run, which count for its answer only.
    contacts : made by earlier slots, where the journal does not count them.
    posted : what became of interactions posted with any other question.
    context : what conditions may name as `context.<key>`.
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
    deferred: bool = False
    slate: SlatePlace | None = None
    unrecorded: tuple[Interaction, ...] = ()
    contacts: tuple[Contact, ...] = ()
    posted: tuple[Taken, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)
    request: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """All that a decision rests on; before any policy was promoted, `loaded` is the priors.

    Attributes
    ----------
    arm : of the experiment, which the customer is in.
    used : of every budget, what had been used of it.
    shadow : the challenger, where what it would do is looked at as well.
    """

    at: datetime
    now: datetime
    identity: Identity
    reading: Reading
    consents: Sequence[Consent]
    contacts: RecentContacts
    loaded: LoadedPolicy
    fallback: str | None
    arm: Arm = Arm.TREATMENT
    used: Mapping[str, float] = field(default_factory=dict)
    shadow: LoadedPolicy | None = None


class Composer:
    """Composes decision records over one catalogue and one list of features.

    Parameters
    ----------
    seed : of the draws; together with a decision's id it fixes what chance does.
    """

    def __init__(self, catalogue: Catalogue, features: Sequence[Feature], *, seed: int) -> None:
        self._catalogue = catalogue
        self._judge = Judge(catalogue, features)
        self._names = tuple(feature.name for feature in features)
        self._seed = seed
        self._catalogue_version = catalogue.version
        self._features_version = features_version(features)
        self._software_version = version("next-best-touchpoint")

    def compose(self, question: Question, given: Circumstances) -> DecisionRecord:
        """Decide, and write down all that led there.

        Raises
        ------
        RequestError
            When the question names touchpoints that the catalogue does not have.
        """
        basis = self._basis(question, given)
        verdict = self._judge.judge(basis)
        reading, policy = given.reading, given.loaded.policy
        return DecisionRecord(
            decision_id=question.decision_id,
            customer_id=given.identity.customer_id,
            identifiers=given.identity.identifiers,
            at=given.at,
            arm=given.arm,
            deferred=question.deferred,
            request=question.request,
            context=question.context,
            interactions=question.posted,
            situation=KeptSituation.of(basis.situation, self._names),
            features=FeaturesUsed(
                status=reading.status, age_seconds=reading.age_seconds, position=reading.position, values=reading.values
            ),
            candidates=verdict.candidates,
            draw=verdict.draw,
            chosen=verdict.chosen,
            consent=self._consent(verdict.chosen, given),
            recommendations=verdict.recommendations,
            slate=question.slate,
            policy=PolicyInForce(name=policy.name, version=policy.version, sha256=given.loaded.sha256),
            shadow=_shadow(given.shadow, basis, verdict),
            features_version=self._features_version,
            catalogue_version=self._catalogue_version,
            currency=self._catalogue.currency,
            fallback=given.fallback,
            decided_at=given.now,
            software_version=self._software_version,
        )

    def _basis(self, question: Question, given: Circumstances) -> Basis:
        return Basis(
            decision_id=question.decision_id,
            situation=situation_of(question, given),
            values=given.reading.values,
            row=given.reading.row,
            policy=given.loaded.policy,
            arm=given.arm,
            seed=self._seed,
            limit=question.limit,
            slate=question.slate,
        )

    def _consent(self, touchpoint: str, given: Circumstances) -> str | None:
        chosen = self._catalogue.touchpoint(touchpoint)
        return None if chosen is None else consent_basis(chosen, given.consents, self._catalogue.consent, at=given.at)


def situation_of(question: Question, given: Circumstances) -> Situation:
    """What the rules go by."""
    slate = question.slate
    return Situation(
        at=given.at,
        candidates=question.candidates,
        exclude=(*question.exclude, *(slate.before if slate else ())),
        placement=slate.placement if slate else None,
        contacts=(*given.contacts.contacts, *question.contacts),
        answers=given.contacts.answers,
        consents=tuple(given.consents),
        identifiers=given.identity.identifiers,
        held_out=given.arm is Arm.HOLDOUT,
        facts=facts_of(given.reading.values, question.context),
        used=given.used,
    )


def _shadow(challenger: LoadedPolicy | None, basis: Basis, verdict: Verdict) -> Shadow | None:
    """What the challenger would have done among the very same candidates."""
    if challenger is None:
        return None
    policy = challenger.policy
    decided = policy.decide(basis.row, np.array([[candidate.eligible for candidate in verdict.candidates]]))
    return Shadow(
        policy=PolicyInForce(name=policy.name, version=policy.version, sha256=challenger.sha256),
        probabilities=dict(zip(policy.arms, decided.probabilities[0].tolist(), strict=True)),
        net_values=dict(zip(policy.arms, decided.net_values[0].tolist(), strict=True)),
    )
