"""One event shows in many series, such as that of a touchpoint, of its channel and of everything: it is told once.

What departs at the same time and is no part of it, such as another channel, is another event.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from features.insights.changes.anomalies import Anomaly
from features.insights.changes.series import Bonds, Part

_WIDEST_FIRST = tuple(Part)


@dataclass(frozen=True, slots=True)
class Event:
    """Anomalies of one figure of the same thing, to one side, at the same time.

    Attributes
    ----------
    widest : the one of the widest part that departed.
    others : those of narrower parts, the one that is off by most first.
    """

    widest: Anomaly
    others: tuple[Anomaly, ...]

    @property
    def also(self) -> str:
        """The narrower parts, with their changes."""
        return ", ".join(f"{each.series.part.value} {each.series.name} ({change_in_words(each)})" for each in self.others)


def gather(anomalies: Iterable[Anomaly], bonds: Bonds) -> list[Event]:
    """The events that anomalies are of, the newest and then the largest first."""
    gathered: list[list[Anomaly]] = []
    for each in sorted(anomalies, key=lambda each: (_WIDEST_FIRST.index(each.series.part), -abs(each.deviations))):
        same = next((event for event in gathered if _one(event[0], each) and bonds.join(event[0].series, each.series)), None)
        if same is None:
            gathered.append([each])
        else:
            same.append(each)
    events = [Event(widest, tuple(sorted(others, key=_off, reverse=True))) for widest, *others in gathered]
    return sorted(events, key=lambda event: (event.widest.end, abs(event.widest.deviations)), reverse=True)


def recent(events: Iterable[Event], until: date, *, days: int) -> list[Event]:
    """Those that were still going on within the last days."""
    return [event for event in events if event.widest.end >= until - timedelta(days=days)]


def in_words(anomaly: Anomaly) -> str:
    """What happened, in one sentence."""
    when = f"on {anomaly.start}" if anomaly.start == anomaly.end else f"from {anomaly.start} to {anomaly.end}"
    numbers = (anomaly.observed, anomaly.expected, anomaly.low, anomaly.high)
    observed, expected, low, high = (as_text(anomaly, number) for number in numbers)
    still = "; it is still going on" if anomaly.ongoing else ""
    figure = anomaly.series.words
    return (
        f"{figure[0].upper()}{figure[1:]}, {when}: {anomaly.kind.value} to {observed}, where {expected} "
        f"({low} to {high}) was expected ({change_in_words(anomaly)}){still}."
    )


def as_text(anomaly: Anomaly, number: float) -> str:
    """A count, or a rate as a percentage."""
    return f"{number:,.0f}" if anomaly.series.exposure is None else f"{number:.1%}"


def change_in_words(anomaly: Anomaly) -> str:
    """Relative to what was expected."""
    return "none was expected" if anomaly.change is None else f"{anomaly.change:+,.0%}"


def _one(event: Anomaly, other: Anomaly) -> bool:
    same = event.series.measure is other.series.measure and (event.deviations > 0) == (other.deviations > 0)
    return same and event.start <= other.end and other.start <= event.end


def _off(anomaly: Anomaly) -> float:
    out_of = 1.0 if anomaly.series.exposure is None else float(anomaly.series.exposure.mean())
    return abs(anomaly.observed - anomaly.expected) * out_of
