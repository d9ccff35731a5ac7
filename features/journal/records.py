"""What the journal takes and gives, apart from the domain's own nouns."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from features.domain import Interaction, Outcome


class Status(StrEnum):
    """What became of an appended record."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"  # the same record was there already
    CONFLICT = "conflict"  # another record of that id was there already; this one is in the quarantine


@dataclass(frozen=True, slots=True, kw_only=True)
class SentInteraction(Interaction):
    """An interaction whose receiver filled in what its sender left out, such as the time.

    Attributes
    ----------
    digest : of what the sender wrote; by this, and not by what was filled in, the same one is known when it is sent again.
    """

    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SentOutcome(Outcome):
    """An outcome whose receiver filled in what its sender left out; `digest` is that of a SentInteraction."""

    digest: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to one appended record; durable once given.

    Attributes
    ----------
    position : where the record with this id stands in the journal.
    reason : why it was quarantined, for a conflict.
    """

    message_id: str
    status: Status
    position: int
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedDecision:
    """A decision of the service, as it was taken.

    Attributes
    ----------
    request_hash : identifies the question, so that the same decision_id cannot answer another one.
    record : the whole decision record, JSON.
    candidates : what could be chosen then, `none` included.
    probability : P(the policy chose `touchpoint`).
    """

    decision_id: str
    customer_id: str
    touchpoint: str
    at: datetime
    request_hash: str
    record: str
    candidates: tuple[str, ...]
    probability: float


@dataclass(frozen=True, slots=True)
class Contacts:
    """How often a customer was contacted.

    Attributes
    ----------
    seen : all contacts ever recorded; `append_decision` compares it to notice a concurrent decision.
    touchpoints, times : the contacts since the asked time, oldest first.
    """

    seen: int
    touchpoints: tuple[str, ...]
    times: tuple[datetime, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A record that was refused, kept with its reason; `raw` is the record as JSON text."""

    record_id: str
    source: str
    reason: str
    raw: str
