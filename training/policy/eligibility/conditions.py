"""Conditions: what must be so of the customer, in three stages; eligible by any rule, applicable now, suitable for them.

Numbers compare as numbers, also where a source wrote them as text; everything else compares as the same text.
"""

from collections.abc import Iterator
from math import isfinite

from features.catalogue import Catalogue
from features.catalogue.rules import Condition
from training.policy.eligibility.objection import Check, Objection, Standing, covered, nothing
from training.policy.eligibility.situation import Fact, Situation


def eligible(catalogue: Catalogue) -> Check:
    """Against what the customer may not have by any rule."""
    return _of_stage("eligible", catalogue)


def applicable(catalogue: Catalogue) -> Check:
    """Against what makes no sense now."""
    return _of_stage("applicable", catalogue)


def suitable(catalogue: Catalogue) -> Check:
    """Against what is not right for this customer."""
    return _of_stage("suitable", catalogue)


def _of_stage(stage: str, catalogue: Catalogue) -> Check:
    rules = [
        (rule, rule.value, names) for rule in catalogue.conditions if rule.stage == stage and (names := covered(rule, catalogue))
    ]
    if not rules:
        return nothing

    def check(situation: Situation) -> Iterator[Standing]:
        facts = situation.facts
        for rule, value, names in rules:
            broken = _against(rule, facts.get(value))
            if broken is not None:
                yield broken, names

    return check


def _against(rule: Condition, fact: Fact) -> Objection | None:
    fits = _fits(rule, fact)
    if fits or (fits is None and rule.unknown == "allow"):
        return None
    what = rule.value if rule.reason else "it"
    return Objection(f"{rule.name}: {what} is {'not known' if fits is None else _shown(fact)}")


def _fits(rule: Condition, fact: Fact) -> bool | None:
    """Whether the condition holds; None where that cannot be said."""
    number = number_of(fact)
    if fact is None or (number is None and not isinstance(fact, str)):
        return None
    if rule.one_of is not None:
        return any(_equal(fact, value) for value in rule.one_of)
    if rule.equals is not None:
        return _equal(fact, rule.equals)
    if number is None:
        return None
    return (rule.at_least is None or number >= rule.at_least) and (rule.at_most is None or number <= rule.at_most)


def _equal(fact: Fact, value: float | str) -> bool:
    number, wanted = number_of(fact), number_of(value)
    return fact == value if number is None or wanted is None else number == wanted


def number_of(value: Fact) -> float | None:
    """A value as a number; None where it is none, or not finite.

    >>> number_of("1"), number_of(1), number_of("gold"), number_of(float("nan"))
    (1.0, 1.0, None, None)
    """
    if value is None:
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if isfinite(number) else None


def _shown(fact: Fact) -> str:
    return f"{fact:g}" if isinstance(fact, float) else str(fact)
