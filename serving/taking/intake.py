"""Posted interactions and outcomes: checked by the rules of capture, durable before they are acknowledged, none lost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from features.catalogue import Catalogue
from features.domain import EARLIEST, METRIC_RANGE, UNKNOWN_TOUCHPOINT, ContactForm, Interaction, direction_of
from features.errors import RequestError, UnknownDecisionError
from features.journal import Journal, Receipt, SentInteraction, SentOutcome, Status
from features.privacy.subscriptions import consents_from
from serving.deciding.record import Taken, canonical_json
from serving.door import Door, Person, without_addresses, without_addresses_in
from serving.http.problems import problem_of_validation
from serving.http.values import as_text
from serving.http.wire import OwnInteraction, PostedInteraction, PostedOutcome
from serving.taking.incoming import digest_of

SOURCE = "api"


@dataclass(frozen=True, slots=True)
class Clock:
    """When items arrive, and how far ahead of it the clocks of their senders may be."""

    now: datetime
    skew_seconds: float

    def later(self, microseconds: int) -> "Clock":
        """The same, a little later: it keeps the order of what comes in one request."""
        return replace(self, now=self.now + timedelta(microseconds=microseconds))


def take_interactions(
    items: Sequence[Any], *, journal: Journal, catalogue: Catalogue, door: Door, clock: Clock
) -> tuple[list[Taken], list[Interaction]]:
    """Keep each item in the journal, or in its quarantine; one bad item keeps no other one out.

    Parameters
    ----------
    items : JSON values as they came.

    Returns
    -------
    What became of each, in order, all durable; and the interactions that are new.
    """
    read = [_read(item, catalogue, door, clock) for item in items]
    good = [item for item in read if isinstance(item, Interaction)]
    receipts = append_interactions(good, journal=journal)
    remaining = iter(receipts)
    refused = [(item.reason or "", raw) for item, raw in zip(read, items, strict=True) if isinstance(item, Taken)]
    quarantine_posted(refused, journal=journal, door=door, clock=clock)
    taken = [taken_of(next(remaining)) if isinstance(item, Interaction) else item for item in read]
    return taken, accepted_of(good, receipts)


def quarantine_posted(refused: Sequence[tuple[str, Any]], *, journal: Journal, door: Door, clock: Clock) -> None:
    """Keep refused items, each a reason and a JSON value, without identifiers in clear; durable on return."""
    kept = [(SOURCE, reason, canonical_json(door.redacted(raw)), clock.now) for reason, raw in refused]
    journal.quarantine_all(kept)


def append_interactions(interactions: Sequence[Interaction], *, journal: Journal) -> list[Receipt]:
    """Keep interactions, and before them what they say about consent: to unsubscribe must not get lost in between."""
    if said := [consent for each in interactions if (consent := consents_from(each)) is not None]:
        journal.append_consents(said)
    return journal.append_interactions(interactions) if interactions else []


def accepted_of(interactions: Sequence[Interaction], receipts: Sequence[Receipt]) -> list[Interaction]:
    """Those that are new."""
    pairs = zip(interactions, receipts, strict=True)
    return [interaction for interaction, receipt in pairs if receipt.status == Status.ACCEPTED]


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
        digest=digest_of(sent),
        message_id=posted.message_id or content_id(sent, clock),
        decision_id=posted.decision_id,
        kind=posted.kind,
        at=possible_time(posted.at, clock),
        received_at=clock.now,
        source=SOURCE,
        value=posted.value,
    )
    (receipt,) = journal.append_outcomes([outcome])
    return taken_of(receipt)


def interaction_from(wire: OwnInteraction, *, person: Person, catalogue: Catalogue, clock: Clock) -> SentInteraction:
    """The interaction that was meant.

    Raises
    ------
    RequestError
        When the touchpoint is unknown, the time impossible, or the rating incomplete or off its scale.
    """
    touchpoint = catalogue.touchpoint(wire.touchpoint)
    if touchpoint is None and wire.touchpoint != UNKNOWN_TOUCHPOINT:
        shown = without_addresses(wire.touchpoint)
        raise RequestError(f"/touchpoint: {shown!r} is not in the catalogue", field="/touchpoint")
    _check_rating(wire)
    sent = as_sent(wire, person)
    return SentInteraction(
        digest=digest_of(sent),
        message_id=wire.message_id or content_id(sent, clock),
        customer_id=person.customer_id,
        identifiers=person.identifiers,
        touchpoint=wire.touchpoint,
        kind=wire.kind,
        at=possible_time(wire.at, clock),
        received_at=clock.now,
        source=SOURCE,
        stage=wire.stage or (touchpoint.stage if touchpoint else None),
        value=wire.value,
        metric=wire.metric,
        score=wire.score,
        decision_id=wire.decision_id,
        direction=wire.direction or direction_of(wire.kind),
        contact_form=wire.contact_form or (touchpoint.form if touchpoint else ContactForm.DIRECT),
        sentiment=wire.sentiment,
        original_at=wire.original_at,
        traits=as_text(without_addresses_in(wire.traits)),
        properties=as_text(without_addresses_in(wire.properties)),
    )


def as_sent(wire: OwnInteraction, person: Person) -> dict[str, Any]:
    """What was sent, as JSON values with hashed identifiers: the same for the same item, posted alone or with a question."""
    identifiers = {"identifiers": sorted(person.identifiers)} if person.identifiers else {}
    return wire.model_dump(mode="json", exclude={"identifiers"}) | {"customer_id": person.customer_id} | identifiers


def taken_of(receipt: Receipt) -> Taken:
    """The journal's receipt as the caller hears it."""
    if receipt.status == Status.CONFLICT:
        return Taken(message_id=receipt.message_id, status="quarantined", reason=receipt.reason)
    return Taken(message_id=receipt.message_id, status=receipt.status.value, reason=receipt.reason)


def possible_time(at: datetime | None, clock: Clock) -> datetime:
    """The time of an item; a sender's clock that is slightly ahead does not make it an item of the future.

    Raises
    ------
    RequestError
        When it is further in the future, or before there were such records.
    """
    if at is None:
        return clock.now
    if at > clock.now + timedelta(seconds=clock.skew_seconds):
        raise RequestError(f"/at: {at.isoformat()} is in the future; the clock here says {clock.now.isoformat()}", field="/at")
    if at < EARLIEST:
        raise RequestError(f"/at: {at.isoformat()} is before {EARLIEST.year}; check the time's format", field="/at")
    return min(at, clock.now)


def content_id(sent: dict[str, Any], clock: Clock) -> str:
    """A name for an item that has none: the same content is the same item, and without a time it is an item of now."""
    return "sha256:" + digest_of(sent if sent["at"] is not None else sent | {"at": clock.now.isoformat()})


def _read(item: Any, catalogue: Catalogue, door: Door, clock: Clock) -> Interaction | Taken:
    message_id = item.get("message_id") if isinstance(item, dict) else None
    named = message_id if isinstance(message_id, str) else None
    try:
        wire = PostedInteraction.model_validate(item)
        person = door.person(wire.customer_id, wire.identifiers)
        return interaction_from(wire, person=person, catalogue=catalogue, clock=clock)
    except ValidationError as error:
        return Taken(message_id=named, status="quarantined", reason=str(problem_of_validation(error)))
    except RequestError as error:
        return Taken(message_id=named, status="quarantined", reason=str(error))


def _check_rating(wire: OwnInteraction) -> None:
    if (wire.metric is None) != (wire.score is None):
        raise RequestError("/score: a rating has both metric and score", field="/score")
    if wire.metric is not None and wire.score is not None:
        low, high = METRIC_RANGE[wire.metric]
        if not low <= wire.score <= high:
            raise RequestError(
                f"/score: {wire.score:g} is not on the scale of {wire.metric}, {low:g} to {high:g}", field="/score"
            )
