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
    ERASED = "erased"  # it is of somebody who asked to be forgotten since; it was not kept


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
    message_id : of the record; of a link its link_id.
    position : where the record with this id stands in the journal; 0 when it was not kept.
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
class Identity:
    """Who somebody is today.

    Attributes
    ----------
    identifiers : all by which the customer is known, the customer_id among them, in alphabetical order.
    """

    customer_id: str
    identifiers: tuple[str, ...]


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
    received_at: datetime
    reason: str
    raw: str
