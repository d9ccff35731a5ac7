"""What a mapping makes of records that arrive online, as values of the domain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from features.domain import Consent, ConsentStatus, Interaction, Kind, Link, LinkAction, Outcome
from features.identity import link_of
from features.lake_values import interaction_of


@dataclass(frozen=True, slots=True)
class Refused:
    """A record of which nothing can be made.

    Attributes
    ----------
    index : its place in the request.
    raw : the record as the quarantine may keep it: without what names persons in clear.
    """

    index: int
    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class Mapped:
    """What came out of the records of a request, each with the place of its record; one record may give several, or none.

    What [[decisions]] say is taken from files only.
    """

    interactions: tuple[tuple[int, Interaction], ...] = ()
    outcomes: tuple[tuple[int, Outcome], ...] = ()
    consents: tuple[tuple[int, Consent], ...] = ()
    links: tuple[tuple[int, Link], ...] = ()
    refused: tuple[Refused, ...] = ()


def as_interaction(row: Mapping[str, Any], received_at: datetime) -> Interaction:
    """The interaction of a row."""
    return interaction_of({**row, "received_at": received_at})


def as_outcome(row: Mapping[str, Any], received_at: datetime) -> Outcome:
    """The outcome of a row."""
    return Outcome(
        message_id=row["message_id"],
        decision_id=row["decision_id"],
        kind=Kind(row["kind"]),
        at=row["at"],
        received_at=received_at,
        source=row["source"],
        value=row["value"],
    )


def as_consent(row: Mapping[str, Any], received_at: datetime) -> Consent:
    """The consent of a row."""
    return Consent(
        message_id=row["message_id"],
        customer_id=row["customer_id"],
        status=ConsentStatus(row["status"]),
        at=row["at"],
        received_at=received_at,
        source=row["source"],
        channel=row["channel"],
        purpose=row["purpose"],
    )


def as_link(row: Mapping[str, Any], received_at: datetime) -> Link:
    """The fact of a row."""
    return Link(
        link_id=row["link_id"],
        left=row["left"],
        right=row["right"],
        action=LinkAction(row["action"]),
        at=row["at"],
        received_at=received_at,
        source=row["source"],
    )


def links_of_consent(consent: Consent, others: Sequence[str]) -> list[Link]:
    """What a consent that names several identifiers proves, as `features.identity.links_of` has it of interactions."""
    return [
        link_of(
            consent.customer_id,
            other,
            LinkAction.LINK,
            at=consent.at,
            received_at=consent.received_at,
            source=consent.source,
            message_id=consent.message_id,
        )
        for other in others
    ]
