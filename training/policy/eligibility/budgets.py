"""Budgets: what all contacts of a day may cost or number together, spread over its hours.

Of a paced budget a share is allowed that grows evenly from its start to its end: before the start nothing, and after the end what
is left. From the start on at least one contact is allowed, so that nobody waits for half of a contact to come due.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from features.catalogue import Catalogue, Touchpoint
from features.catalogue.rules import Budget
from training.policy.eligibility.objection import Check, Objection, nothing
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


def allowances(catalogue: Catalogue, at: datetime) -> tuple[Allowance, ...]:
    """What every budget of the catalogue allows at a moment."""
    return tuple(_allowance(budget, catalogue, at) for budget in catalogue.budgets)


def budgets(catalogue: Catalogue, situation: Situation) -> Check:
    """The budgets that one more contact would exceed; one that takes nothing of a budget exceeds only a limit of zero."""
    standing = allowances(catalogue, situation.at)
    if not standing:
        return nothing

    def check(touchpoint: Touchpoint) -> Iterator[Objection]:
        for allowance in standing:
            weight = allowance.weights.get(touchpoint.name)
            if weight is not None:
                yield from _against(allowance, weight, situation)

    return check


def _allowance(budget: Budget, catalogue: Catalogue, at: datetime) -> Allowance:
    day = Day.of(budget, at)
    weights = {
        touchpoint.name: touchpoint.cost if budget.money is not None else 1.0
        for touchpoint in catalogue.touchpoints
        if budget.covers(touchpoint)
    }
    return Allowance(budget=budget, weights=weights, since=day.since, until=day.until, allowed=_allowed(budget, weights, day, at))


def _allowed(budget: Budget, weights: Mapping[str, float], day: Day, at: datetime) -> float:
    if not budget.paced:
        return budget.limit
    return 0.0 if at < day.begins else max(budget.limit * day.share(at), _one(budget, weights))


def _one(budget: Budget, weights: Mapping[str, float]) -> float:
    """The weight of one contact, of the heaviest that the limit allows at all."""
    return max((weight for weight in weights.values() if weight <= budget.limit), default=0.0)


def _against(allowance: Allowance, weight: float, situation: Situation) -> Iterator[Objection]:
    budget, at = allowance.budget, situation.at
    used = situation.used.get(budget.name, 0.0)
    if budget.limit == 0:
        yield Objection(f"{budget.name}: never")
    elif weight > 0 and not _fits(used + weight, allowance.allowed):
        yield Objection(_words(allowance, used, weight), _lifted(allowance, used, weight, Day.of(budget, at), at))


def _words(allowance: Allowance, used: float, weight: float) -> str:
    budget = allowance.budget
    if not _fits(weight, budget.limit):
        return f"{budget.name}: one takes {weight:g}"
    if allowance.allowed == 0:
        return f"{budget.name}: begins at {budget.start:%H:%M} in {budget.zone}"
    return f"{budget.name}: {used:g} used of {allowance.allowed:.4g} that are allowed by now"


def _lifted(allowance: Allowance, used: float, weight: float, day: Day, at: datetime) -> datetime | None:
    """When it fits if nobody else is contacted meanwhile; None when it never does."""
    budget, needed = allowance.budget, used + weight
    if not _fits(weight, budget.limit):
        return None
    if not _fits(needed, budget.limit):
        return Day.of(budget, day.until).begins
    if at < day.begins and _fits(needed, _one(budget, allowance.weights)):
        return day.begins
    return day.when(min(needed / budget.limit, 1.0))


def _fits(amount: float, limit: float) -> bool:
    return amount <= limit * (1 + _ROUNDING)
