"""One record of another system on its way in: what its mapping reads, how it is known again, and what is wrong with it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from serving.deciding.record import canonical_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A record as it came over HTTP.

    Attributes
    ----------
    record : what the source's mapping reads, the same that its nightly file has.
    message_id : the sender's name for it, for the reply.
    digest : of what the sender wrote, where the record has more, which changes when it is sent again.
    refused : why no mapping should look at it; None when one should.
    """

    record: Any
    message_id: str | None = None
    digest: str | None = None
    refused: str | None = None


def refused(raw: Any, reason: str, *, message_id: Any = None) -> Incoming:
    """What no mapping should look at."""
    return Incoming(record=raw, message_id=text_or_none(message_id), refused=reason)


def raw_record(item: Any) -> Incoming:
    """A record as any system exports it: a JSON object."""
    if isinstance(item, dict):
        return Incoming(record=item)
    return refused(item, "a record is a JSON object, with a member for each column")


def text_or_none(value: Any) -> str | None:
    """A text; whatever else it is, nothing."""
    return value if isinstance(value, str) else None


def digest_of(value: Any) -> str:
    """SHA-256 of JSON values, whatever the order of their members."""
    return sha256(canonical_json(value).encode()).hexdigest()


def time_of(text: Any) -> datetime | None:
    """A time as ISO 8601 has it, UTC where it names no zone; None when it is none."""
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
