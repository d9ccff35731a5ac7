"""The decision record: all that led to a decision, as it is kept for good."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter

from serving.deciding.situations import KeptSituation


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """One touchpoint of the answer.

    Attributes
    ----------
    rank : 1 is the choice; the others follow by expected value.
    probability : P(the policy chose it for rank 1).
    propensity : P(the customer converts | touchpoint).
    uplift : propensity beyond that of doing nothing.
    expected_value : money beyond doing nothing: the candidate's net value.
    decision_id : the decision that chose it; None for what is only ranked behind a choice.
    placement : where it is to be shown, where the question named placements.
    """

    touchpoint: str
    channel: str | None
    rank: int
    probability: float
    propensity: float
    uplift: float
    expected_value: float
    cost: float
    reasons: tuple[str, ...]
    decision_id: str | None = None
    placement: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInForce:
    """Which policy decided; `sha256` is that of its files, None for the priors of the catalogue."""

    name: str
    version: str
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeaturesUsed:
    """What was known of the customer.

    Attributes
    ----------
    status : `fresh`, `stale` (too old, so not used) or `missing`.
    age_seconds : from the last moment at which everything was known to the decision.
    position : the journal's position up to which interactions were read.
    values : what the policy was given, by feature; None where unknown.
    """

    status: str
    age_seconds: float | None
    position: int
    values: Mapping[str, float | int | str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a touchpoint is expected to bring beyond doing nothing, in money: net value = gain + retention - the others.

    Attributes
    ----------
    gain : uplift x value x margin.
    retention : the fall of P(the customer leaves) x what a customer who stays brings later on.
    cost : of the contact.
    incentive : what converters are given, those included who would have bought anyway.
    fatigue : expected cost of unsubscribing, and of one more contact after many.
    """

    gain: float = 0.0
    retention: float = 0.0
    cost: float = 0.0
    incentive: float = 0.0
    fatigue: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredCandidate:
    """One touchpoint that was considered; `stage` and `rule` say what dropped it, if anything did.

    Attributes
    ----------
    until : when that rule no longer stands in the way, where time alone removes it.
    parts : what its net value is made of.
    lever, priority : the business's weight, and what the touchpoints were ordered by.
    """

    touchpoint: str
    eligible: bool
    stage: str | None
    rule: str | None
    until: datetime | None = None
    propensity: float
    uplift: float
    value: float
    parts: Parts = Parts()
    net_value: float
    lever: float = 1.0
    priority: float = 0.0
    cost: float
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """How chance chose: `u`, uniform in [0, 1), comes from the seed and the decision id alone."""

    seed: int
    u: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SlatePlace:
    """Which part of a slate a decision is.

    Attributes
    ----------
    id : the decision of its first slot.
    slot : 1 is the first.
    placement : where it is shown, where the question named placements.
    before : the touchpoints of the slots before, `none` left out: none of them is chosen twice.
    """

    id: str
    slot: int
    placement: str | None = None
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadow:
    """What the challenger would have done in the very same situation; nobody was contacted for it.

    Attributes
    ----------
    probabilities, net_values : by touchpoint, of every candidate.
    """

    policy: PolicyInForce
    probabilities: Mapping[str, float]
    net_values: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of one posted item.

    Attributes
    ----------
    status : `accepted`, `duplicate`, `quarantined` with the reason, or `erased`: not taken, since its customer was forgotten; of
        other systems' records also `ignored`, when their mapping makes nothing of them.
    """

    message_id: str | None
    status: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """One decision, whole.

    Attributes
    ----------
    identifiers : all that were the customer's then; what any of them says counted.
    arm : `treatment`, `holdout` where the customer is left alone, or a diagnostic arm of the experiment.
    deferred : whether it counts as a contact only once it is activated.
    request : what was asked, with hashed identifiers.
    context : what came with the question.
    situation : what the rules went by; None in records of before there was one.
    consent : on what ground the customer may be contacted at the chosen touchpoint; None for `none`.
    slate : which part of a slate it is, if of one.
    shadow : what the challenger would have done, where that is looked at.
    features_version : changes with the list of features.
    """

    decision_id: str
    customer_id: str
    identifiers: tuple[str, ...] = ()
    at: datetime
    arm: str
    deferred: bool = False
    request: Mapping[str, Any]
    context: Mapping[str, Any] = field(default_factory=dict)
    interactions: tuple[Taken, ...]
    situation: KeptSituation | None = None
    features: FeaturesUsed
    candidates: tuple[ScoredCandidate, ...]
    draw: Draw
    chosen: str
    consent: str | None = None
    recommendations: tuple[Recommendation, ...]
    slate: SlatePlace | None = None
    policy: PolicyInForce
    shadow: Shadow | None = None
    features_version: str | None = None
    catalogue_version: str
    currency: str
    fallback: str | None
    decided_at: datetime
    software_version: str


_RECORD: TypeAdapter[DecisionRecord] = TypeAdapter(DecisionRecord)


def record_as_json(record: DecisionRecord) -> str:
    """A record as it is stored; numbers that are not finite become null."""
    return _RECORD.dump_json(record).decode()


def record_from_json(text: str) -> DecisionRecord:
    """A record as it was stored."""
    return _RECORD.validate_json(text)


def request_hash(request: Mapping[str, Any]) -> str:
    """A digest of what was asked; the decision id and the order of keys make no difference.

    >>> request_hash({"limit": 2, "customer_id": "a"}) == request_hash({"decision_id": "d", "customer_id": "a", "limit": 2})
    True
    """
    asked = {key: value for key, value in request.items() if key != "decision_id"}
    return sha256(canonical_json(asked).encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """JSON text that is the same for the same values."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
