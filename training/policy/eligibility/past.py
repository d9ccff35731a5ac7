"""What was sent and answered up to the moment of a decision, and what of it a rule counts."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter

from features.catalogue import Catalogue
from features.catalogue.rules import Scoped
from features.domain import NONE, Contact, channel_of
from training.policy.eligibility.objection import Standing

_LISTED = 3
_BY_TIME = attrgetter("at")


@dataclass(frozen=True, slots=True)
class Past:
    """What one rule counts up to `at`, oldest first; never empty contacts but for a rule that stands always."""

    at: datetime
    contacts: Sequence[Contact]
    answers: Sequence[Contact] = ()

    def within(self, window: timedelta) -> list[datetime]:
        """When contacts were made in (at - window, at], oldest first."""
        since = self.at - window
        return [contact.at for contact in self.contacts if contact.at > since]


@dataclass(frozen=True, slots=True)
class PastRule:
    """A rule that goes by what was sent and answered.

    Attributes
    ----------
    counts : whether it counts what happened at a touchpoint, by name.
    against : what stands, by what the rule counts.
    always : whether it is asked even where there is nothing that it counts.
    """

    counts: Callable[[str], bool]
    against: Callable[[Past], Iterable[Standing]]
    always: bool = False


def counted_by(rule: Scoped, catalogue: Catalogue) -> Callable[[str], bool]:
    """Whether a rule counts what happened at a touchpoint of that name, also at one that the catalogue no longer has."""
    known = {touchpoint.name: rule.covers(touchpoint) for touchpoint in catalogue.touchpoints}
    # a touchpoint since removed from the catalogue: its name still tells its channel, but not its message class
    unscoped = rule.touchpoint is None and rule.message_class is None

    def counts(name: str) -> bool:
        return known[name] if name in known else unscoped and rule.channel in (None, channel_of(name))

    return counts


def until(at: datetime, found: Iterable[Contact]) -> list[Contact]:
    """The contacts or answers up to `at`, oldest first."""
    return sorted((each for each in found if each.at <= at and each.touchpoint != NONE), key=_BY_TIME)


def dates(times: Sequence[datetime]) -> str:
    """The days of some times, oldest first, in words.

    >>> from datetime import UTC
    >>> dates([datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)])
    '2026-11-20 and 2026-11-21'
    """
    days = [str(time.date()) for time in times]
    if len(days) > _LISTED:
        return f"{days[0]} and {len(days) - 1} times since, last on {days[-1]}"
    return " and ".join(filter(None, (", ".join(days[:-1]), days[-1])))
