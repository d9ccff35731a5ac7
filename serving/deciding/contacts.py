"""What a customer was sent and said lately, as far back as any rule looks, so that rules hold for what is recorded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from features.domain import ANSWERS, NONE, Consent, ConsentStatus, Contact, Interaction, Kind
from features.journal import Contacts, Journal


@dataclass(frozen=True, slots=True)
class RecentContacts:
    """A customer's contacts and answers around the time of a decision.

    Attributes
    ----------
    seen : how many of both the customer has in all, under any identifier; the journal refuses a decision that was taken on
        another number.
    contacts, answers : as they count, never later than the decision, oldest first.
    """

    seen: int
    contacts: tuple[Contact, ...]
    answers: tuple[Contact, ...]


def recent_contacts(found: Contacts, *, since: datetime, at: datetime, unrecorded: Sequence[Contact] = ()) -> RecentContacts:
    """The contacts and answers that any of the catalogue's rules may heed in a decision at `at`.

    What is recorded for a moment after `at` (a question about the past, or a clock that is behind) counts as if it lay as long
    before: whatever window holds both holds no more than a cap allows.

    Parameters
    ----------
    found : what the journal has of the customer from `since` on.
    unrecorded : contacts and answers that count although the journal does not hold them: those of a dry run.
    """
    also = [each for each in unrecorded if each.at >= since]
    made = [each for each in also if each.kind == Kind.CONTACT]
    answered = [each for each in also if each.kind != Kind.CONTACT]
    return RecentContacts(found.seen, _until([*found.contacts, *made], at), _until([*found.answers, *answered], at))


def contacts_among(interactions: Iterable[Interaction], journal: Journal) -> tuple[Contact, ...]:
    """The contacts and answers that interactions would be if they were recorded; a contact decided here was counted then."""
    return tuple(
        Contact(each.touchpoint, each.at, each.kind)
        for each in interactions
        if each.kind in (Kind.CONTACT, *ANSWERS) and each.touchpoint != NONE and not _was_counted(each, journal)
    )


def _was_counted(interaction: Interaction, journal: Journal) -> bool:
    if interaction.kind != Kind.CONTACT or interaction.decision_id is None:
        return False
    decision = journal.decision(interaction.decision_id)
    return decision is not None and decision.touchpoint == interaction.touchpoint and not decision.deferred


def known_consents(said: Iterable[Consent], *, at: datetime) -> tuple[Consent, ...]:
    """What a customer said about consent, as it counts in a decision at `at`.

    A refusal that came after `at` (a question about the past, or a clock that is behind) counts as if it had been there by then:
    nobody is contacted who is known not to want it. A grant that came later still counts only from then on.
    """
    return tuple(_refused_by(each, at) for each in said)


def _refused_by(consent: Consent, at: datetime) -> Consent:
    if consent.status == ConsentStatus.GRANTED:
        return consent
    return replace(consent, at=min(consent.at, at), received_at=min(consent.received_at, at))


def _until(contacts: Sequence[Contact], at: datetime) -> tuple[Contact, ...]:
    counting = (contact if contact.at <= at else replace(contact, at=at - abs(at - contact.at)) for contact in contacts)
    return tuple(sorted(counting, key=lambda contact: contact.at))
