"""What callers say about customers themselves: who is one person and who is not, and whom the brand may contact."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from features.domain import PERSON, Consent, Link, LinkAction
from features.errors import RequestError
from features.identity import link_of
from features.journal import Journal
from serving.deciding.record import Taken
from serving.door import Door, Person
from serving.http.problems import problem_of_validation
from serving.http.wire import PostedConsent, PostedLink
from serving.taking.intake import SOURCE, Clock, content_id, possible_time, quarantine_posted, taken_of


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenLink:
    """What became of one statement about two identifiers.

    Attributes
    ----------
    status, reason : as those of an interaction.
    left, right : the identifiers, as they are kept.
    customers : which customers they are now; one, when the statement or an earlier one made them one.
    """

    link_id: str | None
    status: str
    reason: str | None = None
    left: str | None = None
    right: str | None = None
    customers: tuple[str, ...] = ()


def link_from(posted: PostedLink, *, door: Door, clock: Clock) -> Link:
    """The fact that was meant; a person says it.

    Raises
    ------
    RequestError
        When an identifier is none, both are the same, or the time is impossible.
    """
    left, right = (door.person(None, side, field=f"/{name}") for name, side in (("left", posted.left), ("right", posted.right)))
    if left.customer_id == right.customer_id:
        raise RequestError("/right: both sides are the same identifier; name two", field="/right")
    sent = {
        "left": left.customer_id,
        "right": right.customer_id,
        "action": posted.action,
        "at": posted.at and posted.at.isoformat(),
    }
    return link_of(
        left.customer_id,
        right.customer_id,
        posted.action,
        at=possible_time(posted.at, clock),
        received_at=clock.now,
        source=PERSON,
        message_id=posted.message_id or content_id(sent, clock),
    )


def consent_from(posted: PostedConsent, *, door: Door, clock: Clock) -> tuple[Consent, list[Link]]:
    """The consent that was meant, and what it proves about the identifiers that it names together.

    Raises
    ------
    RequestError
        When an identifier is none, or the time is impossible.
    """
    person = door.person(posted.customer_id, posted.identifiers)
    sent = posted.model_dump(mode="json", exclude={"identifiers", "message_id"}) | {"customer_id": person.customer_id}
    consent = Consent(
        message_id=posted.message_id or content_id(sent, clock),
        customer_id=person.customer_id,
        status=posted.status,
        at=possible_time(posted.at, clock),
        received_at=clock.now,
        source=SOURCE,
        channel=posted.channel,
        purpose=posted.purpose,
    )
    return consent, _observed(person, consent)


def take_links(items: Sequence[Any], *, journal: Journal, door: Door, clock: Clock) -> list[TakenLink]:
    """Keep each statement in the link log, or in the quarantine; one bad item keeps no other one out.

    Of several about the same two identifiers the later in the list counts.
    """
    read = [_read_link(item, door, clock.later(nth)) for nth, item in enumerate(items)]
    receipts = iter(journal.append_links([item for item in read if isinstance(item, Link)]))
    quarantine_posted(_refused(read, items), journal=journal, door=door, clock=clock)
    taken = []
    for item in read:
        if isinstance(item, Link):
            said = taken_of(next(receipts))
            customers = dict.fromkeys(journal.customer_of(side) for side in (item.left, item.right))
            taken.append(
                TakenLink(
                    link_id=item.link_id,
                    status=said.status,
                    reason=said.reason,
                    left=item.left,
                    right=item.right,
                    customers=tuple(customers),
                )
            )
        else:
            taken.append(TakenLink(link_id=None, status="quarantined", reason=item))
    return taken


def take_consents(items: Sequence[Any], *, journal: Journal, door: Door, clock: Clock) -> list[Taken]:
    """Keep each consent in the journal, or in the quarantine; one bad item keeps no other one out."""
    read = [_read_consent(item, door, clock) for item in items]
    good = [item for item in read if not isinstance(item, str)]
    if links := [link for _, proven in good for link in proven]:
        journal.append_links(links)
    receipts = iter(journal.append_consents([consent for consent, _ in good]))
    quarantine_posted(_refused(read, items), journal=journal, door=door, clock=clock)
    return [
        Taken(message_id=None, status="quarantined", reason=item) if isinstance(item, str) else taken_of(next(receipts))
        for item in read
    ]


def _read_link(item: Any, door: Door, clock: Clock) -> Link | str:
    try:
        return link_from(PostedLink.model_validate(item), door=door, clock=clock)
    except ValidationError as error:
        return str(problem_of_validation(error))
    except RequestError as error:
        return str(error)


def _read_consent(item: Any, door: Door, clock: Clock) -> tuple[Consent, list[Link]] | str:
    try:
        return consent_from(PostedConsent.model_validate(item), door=door, clock=clock)
    except ValidationError as error:
        return str(problem_of_validation(error))
    except RequestError as error:
        return str(error)


def _observed(person: Person, consent: Consent) -> list[Link]:
    return [
        link_of(
            person.customer_id,
            other,
            LinkAction.LINK,
            at=consent.at,
            received_at=consent.received_at,
            source=consent.source,
            message_id=consent.message_id,
        )
        for other in person.identifiers
    ]


def _refused(read: Sequence[Any], items: Sequence[Any]) -> list[tuple[str, Any]]:
    return [(item, raw) for item, raw in zip(read, items, strict=True) if isinstance(item, str)]
