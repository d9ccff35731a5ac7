"""The answer to a question: the part of the decision record that is the reply."""

from dataclasses import dataclass
from datetime import datetime

from serving.deciding.record import DecisionRecord, Recommendation


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
