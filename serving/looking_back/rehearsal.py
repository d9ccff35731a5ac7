"""What a dry run of new rules found, and how it is told."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from features.domain import NONE
from training.policy import Candidate, EligibilityStage

_MOST_TOLD = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One touchpoint under the rules in force and under the new ones.

    Attributes
    ----------
    eligible_before, eligible_after : in how many of the decisions.
    expected_before, expected_after : how often it would be chosen, the sum of its probabilities.
    """

    touchpoint: str
    eligible_before: int
    eligible_after: int
    expected_before: float
    expected_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A touchpoint that one of the two catalogues drops by a rule, and the other does not.

    Attributes
    ----------
    stage, rule : of the catalogue that drops it.
    decisions : in how many.
    chosen : in how many of these it was what was really chosen.
    """

    touchpoint: str
    stage: str
    rule: str
    decisions: int
    chosen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What new rules would have done to decisions that were really taken.

    Attributes
    ----------
    in_force, proposed : versions of the two catalogues.
    decisions : how many were looked at.
    left_out : how many could not be, since their records do not say what the rules went by.
    dropped : what only the new rules drop, by which of them, most frequent first.
    allowed : what only the rules in force drop, by which of them, most frequent first.
    chosen_dropped : decisions whose choice the new rules, and not those in force, drop.
    contacts_before, contacts_after : expected contacts.
    value_before, value_after : expected net value of all choices, money.
    notes : what it cannot know.
    """

    in_force: str
    proposed: str
    since: datetime
    until: datetime
    currency: str
    decisions: int
    left_out: int
    touchpoints: tuple[Compared, ...]
    dropped: tuple[Moved, ...]
    allowed: tuple[Moved, ...]
    chosen_dropped: int
    contacts_before: float
    contacts_after: float
    value_before: float
    value_after: float
    notes: tuple[str, ...]

    def in_words(self) -> str:
        """The result for a reader."""
        return "\n".join(
            [
                f"Catalogue {self.proposed} instead of {self.in_force}, on {self.decisions} decisions "
                f"from {self.since:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M} UTC:",
                *self._table(),
                f"Expected contacts: {self.contacts_after:.1f} instead of {self.contacts_before:.1f}; expected net value: "
                f"{self.value_after:.2f} instead of {self.value_before:.2f} {self.currency}.",
                f"In {self.chosen_dropped} of these decisions what was chosen would not have been eligible.",
                *_listed("Dropped by the new rules alone:", self.dropped),
                *_listed("Dropped by the rules in force alone:", self.allowed),
                *self._unread(),
                "What this cannot know:",
                *(f"  {note}" for note in self.notes),
            ]
        )

    def _table(self) -> list[str]:
        wide = max([len("touchpoint"), *(len(each.touchpoint) for each in self.touchpoints)])
        head = f"  {'touchpoint':<{wide}}  {'eligible before':>15}  {'after':>8}  {'chosen before':>13}  {'after':>8}"
        return [head] + [
            f"  {each.touchpoint:<{wide}}  {each.eligible_before:>15}  {each.eligible_after:>8}  "
            f"{each.expected_before:>13.1f}  {each.expected_after:>8.1f}"
            for each in self.touchpoints
        ]

    def _unread(self) -> list[str]:
        left_out = f"{self.left_out} decisions are left out: their records do not say what the rules went by."
        return [left_out] if self.left_out else []


def _listed(title: str, moved: tuple[Moved, ...]) -> list[str]:
    if not moved:
        return [f"{title} nothing."]
    lines = [
        f"  {each.touchpoint} in {each.decisions} decisions, in {each.chosen} of them the choice ({each.stage}: {each.rule})"
        for each in moved[:_MOST_TOLD]
    ]
    more = len(moved) - _MOST_TOLD
    return [title, *lines, *([f"  and {more} more; --json tells them all"] if more > 0 else [])]


@dataclass(frozen=True, slots=True)
class Judged:
    """One decision under one catalogue.

    Attributes
    ----------
    probabilities, net_values : by touchpoint.
    """

    candidates: Mapping[str, Candidate]
    probabilities: Mapping[str, float]
    net_values: Mapping[str, float]

    @property
    def value(self) -> float:
        """Expected net value, money."""
        return sum(chance * self.net_values[name] for name, chance in self.probabilities.items())

    def against(self, touchpoint: str) -> tuple[str, str] | None:
        """Stage and rule that drop a touchpoint, without what a rule says of one customer; None where it may be chosen."""
        candidate = self.candidates.get(touchpoint)
        if candidate is None:
            return EligibilityStage.AVAILABLE.value, "not recommendable in this catalogue"
        return None if candidate.eligible else (str(candidate.stage), str(candidate.rule).partition(": ")[0])


class Tally:
    """Adds decisions up."""

    def __init__(self) -> None:
        self.left_out = 0
        self._decisions = 0
        self._chosen_dropped = 0
        self._values = [0.0, 0.0]
        self._eligible: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._expected: tuple[dict[str, float], dict[str, float]] = ({}, {})
        self._moved: tuple[Counter[tuple[str, str, str]], ...] = (Counter(), Counter())
        self._chosen: tuple[Counter[tuple[str, str, str]], ...] = (Counter(), Counter())

    def add(self, chosen: str, before: Judged, after: Judged) -> None:
        """Count one decision, under the catalogue in force and under the new one."""
        self._decisions += 1
        for index, judged in enumerate((before, after)):
            self._values[index] += judged.value
            self._eligible[index].update(name for name, each in judged.candidates.items() if each.eligible)
            for name, chance in judged.probabilities.items():
                self._expected[index][name] = self._expected[index].get(name, 0.0) + chance
        self._count_moved(0, chosen, before, after)
        self._count_moved(1, chosen, after, before)
        self._chosen_dropped += after.against(chosen) is not None and before.against(chosen) is None

    def totals(self) -> dict[str, Any]:
        """The numbers of a `Rehearsal`, by its attributes."""
        touchpoints = tuple(self._compared(name) for name in dict.fromkeys((*self._expected[0], *self._expected[1])))
        made = [each for each in touchpoints if each.touchpoint != NONE]
        return {
            "decisions": self._decisions,
            "left_out": self.left_out,
            "touchpoints": touchpoints,
            "dropped": self._listed(1),
            "allowed": self._listed(0),
            "chosen_dropped": self._chosen_dropped,
            "contacts_before": sum(each.expected_before for each in made),
            "contacts_after": sum(each.expected_after for each in made),
            "value_before": self._values[0],
            "value_after": self._values[1],
        }

    def _count_moved(self, index: int, chosen: str, drops: Judged, other: Judged) -> None:
        for name in drops.candidates.keys() | other.candidates.keys():
            against = drops.against(name)
            if against is not None and other.against(name) is None:
                self._moved[index][name, *against] += 1
                self._chosen[index][name, *against] += name == chosen

    def _compared(self, name: str) -> Compared:
        return Compared(
            touchpoint=name,
            eligible_before=self._eligible[0][name],
            eligible_after=self._eligible[1][name],
            expected_before=self._expected[0].get(name, 0.0),
            expected_after=self._expected[1].get(name, 0.0),
        )

    def _listed(self, index: int) -> tuple[Moved, ...]:
        found = sorted(self._moved[index].items(), key=lambda item: (-item[1], item[0]))
        return tuple(
            Moved(touchpoint=name, stage=stage, rule=rule, decisions=count, chosen=self._chosen[index][name, stage, rule])
            for (name, stage, rule), count in found
        )
