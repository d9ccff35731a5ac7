"""Calls of the Segment HTTP API as records of the preset `segment`, so that existing SDKs can be pointed at this service.

An event is made what Segment's own export has of it: `timestamp` is corrected for a sender whose clock is wrong, and
`originalTimestamp` is what the sender wrote. So the event and the same event in an export give the same interaction.

References
----------
Twilio Segment (2026). HTTP Tracking API Source; Spec: Common Fields, "Timestamps".
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from serving.deciding.record import canonical_json
from serving.http.problems import BODY_TOO_LARGE, INVALID_REQUEST, FieldError, ProblemError
from serving.taking.incoming import Incoming, digest_of, refused, text_or_none, time_of

SOURCE = "segment"
CALLS = ("identify", "track", "page", "screen", "group", "alias")
MOST_EVENTS = 2_500
LARGEST_EVENT_BYTES = 32 * 1024
LARGEST_BATCH_BYTES = 500 * 1024

_OF_THE_TRANSPORT = ("sentAt", "receivedAt", "timestamp")  # the original time stays, and is what the sender wrote


def event_of_call(call: str, body: Any, *, received_at: datetime) -> Incoming:
    """The event of a call such as /v1/track."""
    return _event({**body, "type": call} if isinstance(body, dict) else body, {}, received_at)


def events_of_batch(body: Any, *, size: int, received_at: datetime) -> list[Incoming]:
    """The events of a call of /v1/batch; each can be refused by itself.

    Raises
    ------
    ProblemError
        When there is no list of events, or the batch is larger than Segment takes.
    """
    if size > LARGEST_BATCH_BYTES:
        raise ProblemError(BODY_TOO_LARGE, f"a batch has at most {LARGEST_BATCH_BYTES:,} bytes; send fewer events at a time")
    events = body.get("batch") if isinstance(body, dict) else None
    if not isinstance(events, list):
        raise _invalid("/batch: give the events as a list")
    if len(events) > MOST_EVENTS:
        raise _invalid(f"/batch: {len(events):,} events are more than {MOST_EVENTS:,}; send them in several batches")
    shared = {key: body[key] for key in ("context", "integrations", "sentAt") if key in body}
    return [_event(event, shared, received_at) for event in events]


def _event(event: Any, shared: Mapping[str, Any], received_at: datetime) -> Incoming:
    if not isinstance(event, dict):
        return refused(event, "an event is a JSON object")
    if (size := len(canonical_json(event).encode())) > LARGEST_EVENT_BYTES:
        shown = {name: event[name] for name in ("type", "event", "messageId") if isinstance(event.get(name), str)}
        reason = f"an event has at most {LARGEST_EVENT_BYTES:,} bytes, this one had {size:,} and was not kept: send less"
        return refused(shown, reason, message_id=event.get("messageId"))
    return _timed({**shared, **event}, received_at)


def _timed(event: dict[str, Any], received_at: datetime) -> Incoming:
    """With the times that Segment's servers add; an event without a name gets one by its content."""
    original = event.get("originalTimestamp", event.get("timestamp"))
    record = {**event, "originalTimestamp": original, "receivedAt": received_at.isoformat()}
    record["timestamp"] = _corrected(original, event.get("sentAt"), received_at)
    sent = {name: value for name, value in record.items() if name not in _OF_THE_TRANSPORT}
    if not event.get("messageId"):
        record["messageId"] = "sha256-" + digest_of(sent if original is not None else {**sent, "at": record["timestamp"]})
    return Incoming(record=record, message_id=text_or_none(record["messageId"]), digest=digest_of(sent))


def _corrected(original: Any, sent: Any, received_at: datetime) -> Any:
    """`receivedAt - (sentAt - originalTimestamp)`: how long before it was sent it happened, before it was received."""
    if original is None:
        return received_at.isoformat()
    at, sent_at = time_of(original), time_of(sent)
    if at is None or sent_at is None:
        return original
    try:
        return (received_at - (sent_at - at)).isoformat()
    except OverflowError:  # a clock so wrong tells nothing
        return original


def _invalid(detail: str) -> ProblemError:
    return ProblemError(INVALID_REQUEST, detail, errors=[FieldError("/batch", detail)])
