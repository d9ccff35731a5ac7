"""Turns records into rows of the journal's tables and back."""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from sqlalchemy import Row

from features.domain import (
    Consent,
    ConsentStatus,
    ContactForm,
    Direction,
    Interaction,
    Kind,
    Link,
    LinkAction,
    Metric,
    Outcome,
    Stage,
)
from features.instants import microseconds, moment
from features.journal.compressed import kept, told
from features.journal.records import Quarantined, RecordedDecision, SentInteraction, SentOutcome

# json.dumps would make an encoder for each text.
_COMPACT = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
_SORTED = json.JSONEncoder(sort_keys=True)


def json_object(values: Mapping[str, str]) -> str | None:
    """Canonical JSON of a flat mapping; None when it is empty."""
    return _COMPACT.encode(dict(values)) if values else None


def interaction_row(interaction: Interaction) -> dict[str, Any]:
    """The row of an interaction."""
    row = {
        "message_id": interaction.message_id,
        "customer_id": interaction.customer_id,
        "touchpoint": interaction.touchpoint,
        "kind": interaction.kind.value,
        "at": microseconds(interaction.at),
        "source": interaction.source,
        "stage": None if interaction.stage is None else interaction.stage.value,
        "value": interaction.value,
        "metric": None if interaction.metric is None else interaction.metric.value,
        "score": interaction.score,
        "decision_id": interaction.decision_id,
        "identifiers": json.dumps(interaction.identifiers) if interaction.identifiers else None,
        "direction": interaction.direction,
        "contact_form": interaction.contact_form,
        "sentiment": interaction.sentiment,
        "original_at": interaction.original_at,
        "traits": json_object(interaction.traits),
        "properties": json_object(interaction.properties),
    }
    digest = interaction.digest if isinstance(interaction, SentInteraction) else _digest(row)
    return {**row, "digest": digest, "received_at": microseconds(interaction.received_at)}


def outcome_row(outcome: Outcome) -> dict[str, Any]:
    """The row of an outcome."""
    row = {
        "message_id": outcome.message_id,
        "decision_id": outcome.decision_id,
        "kind": outcome.kind.value,
        "at": microseconds(outcome.at),
        "source": outcome.source,
        "value": outcome.value,
    }
    digest = outcome.digest if isinstance(outcome, SentOutcome) else _digest(row)
    return {**row, "digest": digest, "received_at": microseconds(outcome.received_at)}


def decision_row(decision: RecordedDecision, dialect: str) -> dict[str, Any]:
    """The row of a decision in the database of a dialect."""
    return {
        "decision_id": decision.decision_id,
        "customer_id": decision.customer_id,
        "touchpoint": decision.touchpoint,
        "at": microseconds(decision.at),
        "request_hash": decision.request_hash,
        "record": kept(decision.record, dialect),
        "candidates": json.dumps(decision.candidates),
        "probability": decision.probability,
        "deferred": decision.deferred,
        "arm": decision.arm,
        "policy_version": decision.policy_version,
        "fallback": decision.fallback,
    }


def quarantine_row(source: str, reason: str, raw: str, received_at: int) -> dict[str, Any]:
    """The row of a refused record; the same record refused for the same reason has the same id."""
    record_id = _digest([source, reason, raw])
    return {"record_id": record_id, "source": source, "received_at": received_at, "reason": reason, "raw": raw}


def refused_row(row: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """The quarantine's row of a row that another table did not take."""
    raw = {name: value for name, value in row.items() if name not in ("digest", "received_at")}
    refused = quarantine_row(row["source"], reason, json.dumps(raw, sort_keys=True, ensure_ascii=False), row["received_at"])
    return {**refused, "record_id": _digest([row["source"], reason, row["digest"]])}  # by what was sent: refused again, kept once


def as_interaction(row: Any) -> Interaction:
    """The interaction of a row."""
    return Interaction(
        message_id=row.message_id,
        customer_id=row.customer_id,
        touchpoint=row.touchpoint,
        kind=Kind(row.kind),
        at=moment(row.at),
        received_at=moment(row.received_at),
        source=row.source,
        stage=None if row.stage is None else Stage(row.stage),
        value=row.value,
        metric=None if row.metric is None else Metric(row.metric),
        score=row.score,
        decision_id=row.decision_id,
        identifiers=tuple(json.loads(row.identifiers)) if row.identifiers else (),
        direction=None if row.direction is None else Direction(row.direction),
        contact_form=None if row.contact_form is None else ContactForm(row.contact_form),
        sentiment=row.sentiment,
        original_at=row.original_at,
        traits=json.loads(row.traits) if row.traits else {},
        properties=json.loads(row.properties) if row.properties else {},
    )


def as_outcome(row: Row[Any]) -> Outcome:
    """The outcome of a row."""
    return Outcome(
        message_id=row.message_id,
        decision_id=row.decision_id,
        kind=Kind(row.kind),
        at=moment(row.at),
        received_at=moment(row.received_at),
        source=row.source,
        value=row.value,
    )


def as_decision(row: Row[Any]) -> RecordedDecision:
    """The decision of a row."""
    return RecordedDecision(
        decision_id=row.decision_id,
        customer_id=row.customer_id,
        touchpoint=row.touchpoint,
        at=moment(row.at),
        request_hash=row.request_hash,
        record=told(row.record),
        candidates=tuple(json.loads(row.candidates)),
        probability=row.probability,
        deferred=bool(row.deferred),
        arm=row.arm,
        policy_version=row.policy_version,
        fallback=row.fallback,
    )


def as_quarantined(row: Row[Any]) -> Quarantined:
    """The refused record of a row."""
    return Quarantined(
        record_id=row.record_id, source=row.source, received_at=moment(row.received_at), reason=row.reason, raw=row.raw
    )


def link_row(link: Link) -> dict[str, Any]:
    """The row of a fact of the link log."""
    return {
        "link_id": link.link_id,
        "left": link.left,
        "right": link.right,
        "action": link.action.value,
        "at": microseconds(link.at),
        "received_at": microseconds(link.received_at),
        "source": link.source,
    }


def as_link(row: Row[Any]) -> Link:
    """The fact of a row."""
    return Link(
        link_id=row.link_id,
        left=row.left,
        right=row.right,
        action=LinkAction(row.action),
        at=moment(row.at),
        received_at=moment(row.received_at),
        source=row.source,
    )


def consent_row(consent: Consent) -> dict[str, Any]:
    """The row of a consent."""
    row = {
        "message_id": consent.message_id,
        "customer_id": consent.customer_id,
        "channel": consent.channel,
        "purpose": consent.purpose,
        "status": consent.status.value,
        "at": microseconds(consent.at),
        "source": consent.source,
    }
    return {**row, "digest": _digest(row), "received_at": microseconds(consent.received_at)}


def as_consent(row: Any) -> Consent:
    """The consent of a row."""
    return Consent(
        message_id=row.message_id,
        customer_id=row.customer_id,
        channel=row.channel,
        purpose=row.purpose,
        status=ConsentStatus(row.status),
        at=moment(row.at),
        received_at=moment(row.received_at),
        source=row.source,
    )


def _digest(values: object) -> str:
    return sha256(_SORTED.encode(values).encode()).hexdigest()
