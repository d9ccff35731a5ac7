"""Which journeys are looked at: those that ended within the period, and of which it is known that they did."""

from dataclasses import dataclass

from features.insights.look import Look
from features.instants import DAY, microseconds

NOW, BEFORE = 1, 2
"""How the tables of journeys name the period that is looked at and the one before it, in their column `period`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyWindow:
    """Times in microseconds since 1970; what is named `until` does not belong to it.

    Attributes
    ----------
    since, until : journeys that ended then are looked at. Without a conversion a journey has ended once the customer was silent
        for the gap, so the last `gap` before what is known cannot be looked at: who is silent there may yet come back, and to
        count only those who converted in time would flatter.
    before : since when journeys ended that are compared with; until `since`.
    read_since, read_until : interactions that are read; what is older than the look back belongs to no journey.
    gap : so long a silence ends a journey.
    """

    since: int
    until: int
    before: int
    read_since: int
    read_until: int
    gap: int

    @classmethod
    def of(cls, look: Look) -> "JourneyWindow":
        """The window of a look: journeys are followed back by the catalogue's `attribution_days`, or by a longer gap."""
        insights = look.catalogue.insights
        gap = round(insights.journey_gap_days * DAY)
        back = max(gap, round(insights.attribution_days * DAY))
        before = microseconds(look.period.before.since)
        until = min(microseconds(look.period.until), microseconds(look.known_until) - gap + 1)
        return cls(
            since=microseconds(look.period.since),
            until=until,
            before=before,
            read_since=before - back,
            read_until=until + gap,
            gap=gap,
        )

    @property
    def empty(self) -> bool:
        """Whether no journey can have ended in it for sure."""
        return self.until <= self.since
