"""What the journal takes and gives, apart from the domain's own nouns."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from features.domain import Consent, Contact, Interaction, Kind, Outcome


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
    deferred : whether somebody else decides if it is carried out: it makes no contact before an outcome or an interaction of kind
        `contact` tells that it was.
    arm, policy_version, fallback : as in the record; what decisions are found by.
    """

    decision_id: str
    customer_id: str
    touchpoint: str
    at: datetime
    request_hash: str
    record: str
    candidates: tuple[str, ...]
    probability: float
    deferred: bool = False
    arm: str | None = None
    policy_version: str | None = None
    fallback: str | None = None


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
    """How a customer was contacted, and answered.

    Attributes
    ----------
    seen : how many contacts and answers were ever recorded; `append_decision` compares it to notice what came in between.
    contacts, answers : those at or after the asked time, oldest first.
    """

    seen: int
    contacts: tuple[Contact, ...]
    answers: tuple[Contact, ...]


class Notice(NamedTuple):
    """What a message says of a contact or, where its kind is one of `ANSWERS`, of a customer's answer.

    Attributes
    ----------
    contact_id : the same one again counts no more.
    decision_id : the decision that the contact carries out.
    """

    contact_id: str
    customer_id: str
    touchpoint: str
    at: datetime
    kind: str = Kind.CONTACT
    decision_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a decision needs of the journal about one customer.

    Attributes
    ----------
    newer : by identifier, the interactions after its position, each with its own, in order.
    contacts : those at or after the asked time, and how many there ever were.
    consents : what was said about contacting the customer, in the order in which it was said.
    """

    newer: dict[str, list[tuple[int, Interaction]]]
    contacts: Contacts
    consents: list[Consent]


@dataclass(frozen=True, slots=True)
class VolumeLimit:
    """What all contacts of a time may weigh together, such as what they cost.

    Attributes
    ----------
    weights : by touchpoint what one contact weighs, 0 or more; a touchpoint that is not among them weighs nothing.
    since, until : the time, in whole quarters of an hour: the first is the one that `since` lies in, and the last begins before
        `until`.
    """

    weights: Mapping[str, float]
    since: datetime
    until: datetime
    at_most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A record that was refused, kept with its reason; `raw` is the record as JSON text."""

    record_id: str
    source: str
    received_at: datetime
    reason: str
    raw: str
