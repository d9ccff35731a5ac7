"""Budgets: what all contacts of a day may cost or number together, spread over its hours.

Of a paced budget a share is allowed that grows evenly from its start to its end: before the start nothing, and after the end what
is left. From the start on at least one contact is allowed, so that nobody waits for half of a contact to come due.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from features.catalogue import Catalogue
from features.catalogue.rules import Budget
from training.policy.eligibility.objection import Check, Objection, Standing, covered, nothing
from training.policy.eligibility.pace import Day
from training.policy.eligibility.situation import Situation

_ROUNDING = 1e-9  # as the journal has it, which has the last word: three times 0.1 is a little more than 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a budget allows at a moment.

    Attributes
    ----------
    weights : by touchpoint that the budget covers, what one contact takes of it: its cost, or 1 where contacts are counted.
    since, until : the day in the budget's zone; all contacts in it count.
    allowed : what these may weigh together by now; never above the day's limit.
    """

    budget: Budget
    weights: Mapping[str, float]
    since: datetime
    until: datetime
    allowed: float


@dataclass(frozen=True, slots=True)
class _Weighed:
    """A budget, with all that no moment changes.

    Attributes
    ----------
    one : the weight of one contact, of the heaviest that the limit allows at all.
    alike : the recommendable touchpoints that it covers, by their weight.
    """

    budget: Budget
    name: str
    limit: float
    weights: Mapping[str, float]
    one: float
    alike: Mapping[float, Sequence[str]]

    @classmethod
    def of(cls, budget: Budget, catalogue: Catalogue) -> Self:
        weights = {
            touchpoint.name: touchpoint.cost if budget.money is not None else 1.0
            for touchpoint in catalogue.touchpoints
            if budget.covers(touchpoint)
        }
        alike: dict[float, list[str]] = {}
        for name in covered(budget, catalogue):
            alike.setdefault(weights[name], []).append(name)
        one = max((weight for weight in weights.values() if weight <= budget.limit), default=0.0)
        return cls(budget, budget.name, budget.limit, weights, one, alike)

    def allowance(self, at: datetime) -> Allowance:
        day = Day.of(self.budget, at)
        return Allowance(
            budget=self.budget, weights=self.weights, since=day.since, until=day.until, allowed=self.allowed(day, at)
        )

    def allowed(self, day: Day, at: datetime) -> float:
        if not self.budget.paced:
            return self.limit
        return 0.0 if at < day.begins else max(self.limit * day.share(at), self.one)


class Budgets:
    """The budgets of one catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._weighed = [_Weighed.of(budget, catalogue) for budget in catalogue.budgets]

    def allowances(self, at: datetime) -> tuple[Allowance, ...]:
        """What every budget allows at a moment."""
        return tuple(each.allowance(at) for each in self._weighed)

    def check(self, situation: Situation) -> Iterator[Standing]:
        """The budgets that one more contact would exceed; one that takes nothing of a budget exceeds only a limit of zero."""
        for each in self._weighed:
            yield from _against(each, situation)


def budgets(catalogue: Catalogue) -> Check:
    """What the budgets have against one more contact."""
    return Budgets(catalogue).check if catalogue.budgets else nothing


def allowances(catalogue: Catalogue, at: datetime) -> tuple[Allowance, ...]:
    """What every budget of a catalogue allows at a moment."""
    return Budgets(catalogue).allowances(at)


def _against(weighed: _Weighed, situation: Situation) -> Iterator[Standing]:
    at = situation.at
    if weighed.limit == 0:
        never = Objection(f"{weighed.name}: never")
        yield from ((never, names) for names in weighed.alike.values())
        return
    day = Day.of(weighed.budget, at)
    used, allowed = situation.used.get(weighed.name, 0.0), weighed.allowed(day, at)
    for weight, names in weighed.alike.items():
        if weight > 0 and not _fits(used + weight, allowed):
            yield Objection(_words(weighed, allowed, used, weight), _lifted(weighed, used, weight, day, at)), names


def _words(weighed: _Weighed, allowed: float, used: float, weight: float) -> str:
    budget, name = weighed.budget, weighed.name
    if not _fits(weight, weighed.limit):
        return f"{name}: one takes {weight:g}"
    if allowed == 0:
        return f"{name}: begins at {budget.start:%H:%M} in {budget.zone}"
    return f"{name}: {used:g} used of {allowed:.4g} that are allowed by now"


def _lifted(weighed: _Weighed, used: float, weight: float, day: Day, at: datetime) -> datetime | None:
    """When it fits if nobody else is contacted meanwhile; None when it never does."""
    limit, needed = weighed.limit, used + weight
    if not _fits(weight, limit):
        return None
    if not _fits(needed, limit):
        return Day.of(weighed.budget, day.until).begins
    if at < day.begins and _fits(needed, weighed.one):
        return day.begins
    return day.when(min(needed / limit, 1.0))


def _fits(amount: float, limit: float) -> bool:
    return amount <= limit * (1 + _ROUNDING)
