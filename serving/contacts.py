"""What was sent to a customer lately, as far back as any cap looks, so that caps hold for every decision that is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from features.catalogue import Catalogue
from features.journal import Journal


@dataclass(frozen=True, slots=True)
class RecentContacts:
    """A customer's contacts around the time of a decision.

    Attributes
    ----------
    seen : how many contacts the customer has in all, under any identifier; the journal refuses a decision that was taken on an
        older number.
    times : when they count as sent, never later than the decision.
    """

    seen: int
    touchpoints: tuple[str, ...]
    times: tuple[datetime, ...]


def recent_contacts(journal: Journal, catalogue: Catalogue, identifiers: Sequence[str], *, at: datetime) -> RecentContacts:
    """Read the contacts that any of the catalogue's caps may count for a decision at `at`.

    A contact recorded for a moment after `at` (a question about the past, or a clock that is behind) counts as if it lay as long
    before: whatever window holds both holds no more than the cap allows.
    """
    days = max((cap.days for cap in catalogue.caps), default=0.0)
    found = journal.contacts_of(identifiers, since=at - timedelta(days=days))
    times = tuple(at - abs(at - time) for time in found.times)
    return RecentContacts(found.seen, found.touchpoints, times)
