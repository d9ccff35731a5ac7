"""Posted interactions and outcomes: checked by the rules of capture, durable before they are acknowledged, none lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from pydantic import ValidationError

from features.catalogue import Catalogue
from features.domain import EARLIEST, METRIC_RANGE, NOBODY, Interaction
from features.errors import RequestError, UnknownDecisionError
from features.journal import Journal, Receipt, SentInteraction, SentOutcome, Status
from serving.problems import problem_of_validation
from serving.record import Taken, canonical_json
from serving.wire import OwnInteraction, PostedInteraction, PostedOutcome, as_text

SOURCE = "api"


@dataclass(frozen=True, slots=True)
class Clock:
    """When items arrive, and how far ahead of it the clocks of their senders may be."""

    now: datetime
    skew_seconds: float


def take_interactions(items: Sequence[Any], *, journal: Journal, catalogue: Catalogue, clock: Clock) -> list[Taken]:
    """Keep each item in the journal, or in its quarantine; one bad item keeps no other one out.

    Parameters
    ----------
    items : JSON values as they came.

    Returns
    -------
    One per item, in order; all are durable.
    """
    read = [_read(item, catalogue, clock) for item in items]
    receipts = iter(journal.append_interactions([item for item in read if isinstance(item, Interaction)]))
    taken = []
    for item, raw in zip(read, items, strict=True):
        if isinstance(item, Interaction):
            receipt = next(receipts)
            taken.append(taken_of(receipt))
        else:
            journal.quarantine(SOURCE, item.reason or "", canonical_json(raw))
            taken.append(item)
    return taken


def take_outcome(posted: PostedOutcome, *, journal: Journal, clock: Clock) -> Taken:
    """Keep an outcome beside its decision.

    It is not an interaction too: what the customer did is reported by its own channel, and must not count twice.

    Raises
    ------
    UnknownDecisionError
        When the decision was not taken here.
    RequestError
        When its time is not possible.
    """
    if journal.decision(posted.decision_id) is None:
        raise UnknownDecisionError(f"decision {posted.decision_id!r} is not known here; give the decision_id of a recommendation")
    sent = posted.model_dump(mode="json") | {"record": "outcome"}
    outcome = SentOutcome(
        digest=_digest(sent),
        message_id=posted.message_id or _content_id(sent, clock),
        decision_id=posted.decision_id,
        kind=posted.kind,
        at=_time(posted.at, clock),
        received_at=clock.now,
        source=SOURCE,
        value=posted.value,
    )
    (receipt,) = journal.append_outcomes([outcome])
    return taken_of(receipt)


def interaction_from(wire: OwnInteraction, *, customer_id: str, catalogue: Catalogue, clock: Clock) -> SentInteraction:
    """The interaction that was meant.

    Raises
    ------
    RequestError
        When customer or touchpoint are unknown, the time impossible, or the rating incomplete or off its scale.
    """
    if customer_id.lower() in NOBODY:
        raise RequestError(f"/customer_id: {customer_id!r} stands for nobody; leave such records out", field="/customer_id")
    touchpoint = catalogue.touchpoint(wire.touchpoint)
    if touchpoint is None:
        raise RequestError(f"/touchpoint: {wire.touchpoint!r} is not in the catalogue", field="/touchpoint")
    _check_rating(wire)
    sent = wire.model_dump(mode="json") | {"customer_id": customer_id}
    return SentInteraction(
        digest=_digest(sent),
        message_id=wire.message_id or _content_id(sent, clock),
        customer_id=customer_id,
        touchpoint=wire.touchpoint,
        kind=wire.kind,
        at=_time(wire.at, clock),
        received_at=clock.now,
        source=SOURCE,
        stage=wire.stage or touchpoint.stage,
        value=wire.value,
        metric=wire.metric,
        score=wire.score,
        decision_id=wire.decision_id,
        traits=as_text(wire.traits),
        properties=as_text(wire.properties),
    )


def _read(item: Any, catalogue: Catalogue, clock: Clock) -> Interaction | Taken:
    message_id = item.get("message_id") if isinstance(item, dict) else None
    named = message_id if isinstance(message_id, str) else None
    try:
        wire = PostedInteraction.model_validate(item)
        return interaction_from(wire, customer_id=wire.customer_id, catalogue=catalogue, clock=clock)
    except ValidationError as error:
        return Taken(message_id=named, status="quarantined", reason=str(problem_of_validation(error)))
    except RequestError as error:
        return Taken(message_id=named, status="quarantined", reason=str(error))


def taken_of(receipt: Receipt) -> Taken:
    """The journal's receipt as the caller hears it."""
    if receipt.status == Status.CONFLICT:
        return Taken(message_id=receipt.message_id, status="quarantined", reason=receipt.reason)
    return Taken(message_id=receipt.message_id, status=receipt.status.value)


def _time(at: datetime | None, clock: Clock) -> datetime:
    """The time of an item; a sender's clock that is slightly ahead does not make it an item of the future."""
    if at is None:
        return clock.now
    if at > clock.now + timedelta(seconds=clock.skew_seconds):
        raise RequestError(f"/at: {at.isoformat()} is in the future; the clock here says {clock.now.isoformat()}", field="/at")
    if at < EARLIEST:
        raise RequestError(f"/at: {at.isoformat()} is before {EARLIEST.year}; check the time's format", field="/at")
    return min(at, clock.now)


def _check_rating(wire: OwnInteraction) -> None:
    if (wire.metric is None) != (wire.score is None):
        raise RequestError("/score: a rating has both metric and score", field="/score")
    if wire.metric is not None and wire.score is not None:
        low, high = METRIC_RANGE[wire.metric]
        if not low <= wire.score <= high:
            raise RequestError(
                f"/score: {wire.score:g} is not on the scale of {wire.metric}, {low:g} to {high:g}", field="/score"
            )


def _content_id(sent: dict[str, Any], clock: Clock) -> str:
    """A name for an item that has none: the same content is the same item, and without a time it is an item of now."""
    return "sha256:" + _digest(sent if sent["at"] is not None else sent | {"at": clock.now.isoformat()})


def _digest(sent: dict[str, Any]) -> str:
    return sha256(canonical_json(sent).encode()).hexdigest()
