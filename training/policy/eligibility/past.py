"""What was sent and answered up to the moment of a decision, and what of it a rule counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from features.catalogue import Catalogue, Touchpoint
from features.catalogue.rules import Scoped
from features.domain import NONE, Contact, channel_of
from training.policy.eligibility.situation import Situation

_LISTED = 3


@dataclass(frozen=True, slots=True)
class Past:
    """Contacts and answers up to `at`, oldest first, each with its touchpoint as the catalogue has it, None where it has not."""

    at: datetime
    contacts: tuple[tuple[Contact, Touchpoint | None], ...]
    answers: tuple[tuple[Contact, Touchpoint | None], ...]

    @classmethod
    def of(cls, catalogue: Catalogue, situation: Situation) -> "Past":
        """The past of a situation."""
        known = {touchpoint.name: touchpoint for touchpoint in catalogue.touchpoints}

        def until_now(found: Iterable[Contact]) -> tuple[tuple[Contact, Touchpoint | None], ...]:
            before = (each for each in found if each.at <= situation.at and each.touchpoint != NONE)
            return tuple((each, known.get(each.touchpoint)) for each in sorted(before, key=lambda each: each.at))

        return cls(situation.at, until_now(situation.contacts), until_now(situation.answers))

    def contacted(self, rule: Scoped, *, within: timedelta) -> list[datetime]:
        """When contacts that a rule counts were made, in (at - within, at], oldest first."""
        since = self.at - within
        return [contact.at for contact, place in self.contacts if contact.at > since and _counts(rule, contact, place)]

    def contacted_at(self, touchpoints: Iterable[str], *, within: timedelta) -> list[Contact]:
        """The contacts at some touchpoints in (at - within, at], oldest first."""
        since, among = self.at - within, frozenset(touchpoints)
        return [contact for contact, _ in self.contacts if contact.at > since and contact.touchpoint in among]

    def last_answer(self, rule: Scoped) -> datetime | None:
        """When the customer last answered anything that a rule counts."""
        return max((answer.at for answer, place in self.answers if _counts(rule, answer, place)), default=None)


def _counts(rule: Scoped, contact: Contact, place: Touchpoint | None) -> bool:
    if place is not None:
        return rule.covers(place)
    # a touchpoint since removed from the catalogue: its name still tells its channel, but not its message class
    unscoped = rule.touchpoint is None and rule.message_class is None
    return unscoped and rule.channel in (None, channel_of(contact.touchpoint))


def dates(times: Sequence[datetime]) -> str:
    """The days of some times, oldest first, in words.

    >>> from datetime import UTC
    >>> dates([datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)])
    '2026-11-20 and 2026-11-21'
    """
    days = [f"{time:%Y-%m-%d}" for time in times]
    if len(days) > _LISTED:
        return f"{days[0]} and {len(days) - 1} times since, last on {days[-1]}"
    return " and ".join(filter(None, (", ".join(days[:-1]), days[-1])))
