"""The decision record: all that led to a decision, as it is kept for good; and the answer, which is a part of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from pydantic import TypeAdapter


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """One touchpoint of the answer.

    Attributes
    ----------
    rank : 1 is the choice; the others follow by expected value.
    probability : P(the policy chose it for rank 1).
    propensity : P(the customer converts | touchpoint).
    uplift : propensity beyond that of doing nothing.
    expected_value : money beyond doing nothing: uplift x value x margin - cost.
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
class ScoredCandidate:
    """One touchpoint that was considered; `stage` and `rule` say what dropped it, if anything did."""

    touchpoint: str
    eligible: bool
    stage: str | None
    rule: str | None
    propensity: float
    uplift: float
    value: float
    net_value: float
    cost: float
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """How chance chose: `u`, uniform in [0, 1), comes from the seed and the decision id alone."""

    seed: int
    u: float


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
    arm : `treatment`, or `holdout` where the customer is left alone.
    request : what was asked, with hashed identifiers.
    consent : on what ground the customer may be contacted at the chosen touchpoint; None for `none`.
    """

    decision_id: str
    customer_id: str
    identifiers: tuple[str, ...] = ()
    at: datetime
    arm: str
    request: Mapping[str, Any]
    interactions: tuple[Taken, ...]
    features: FeaturesUsed
    candidates: tuple[ScoredCandidate, ...]
    draw: Draw
    chosen: str
    consent: str | None = None
    recommendations: tuple[Recommendation, ...]
    policy: PolicyInForce
    catalogue_version: str
    currency: str
    fallback: str | None
    decided_at: datetime
    software_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyNamed:
    """The policy of an answer."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeaturesAge:
    """How fresh the features of an answer were: `fresh`, `stale` or `missing`."""

    status: str
    age_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The reply to a question."""

    decision_id: str
    customer_id: str
    at: datetime
    arm: str
    recommendations: tuple[Recommendation, ...]
    policy: PolicyNamed
    features: FeaturesAge
    fallback: str | None


_RECORD: TypeAdapter[DecisionRecord] = TypeAdapter(DecisionRecord)
_ANSWER: TypeAdapter[Answer] = TypeAdapter(Answer)


def answer_of(record: DecisionRecord) -> Answer:
    """The part of a record that is the reply."""
    return Answer(
        decision_id=record.decision_id,
        customer_id=record.customer_id,
        at=record.at,
        arm=record.arm,
        recommendations=record.recommendations,
        policy=PolicyNamed(name=record.policy.name, version=record.policy.version),
        features=FeaturesAge(status=record.features.status, age_seconds=record.features.age_seconds),
        fallback=record.fallback,
    )


def answer_as_plain(answer: Answer) -> dict[str, Any]:
    """An answer as JSON values."""
    plain: dict[str, Any] = _ANSWER.dump_python(answer, mode="json")
    return plain


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
