"""What rules of a catalogue have to agree on with the rest of it; each error says what is wrong and what to write instead."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, get_args

from features.catalogue.rules import Condition
from features.catalogue.table import MessageClass, zone_named
from features.domain import Channel

if TYPE_CHECKING:
    from features.catalogue.model import Catalogue, Trait

_CLASSES = get_args(MessageClass)


def rule_errors(catalogue: "Catalogue") -> Iterator[str]:
    """Everything in the rules that names what the catalogue does not have, or that could never hold as it is meant."""
    yield from _of_cooldowns(catalogue)
    yield from _of_quiet_hours(catalogue)
    yield from _of_budgets(catalogue)
    yield from _of_channels(catalogue)
    for condition in catalogue.conditions:
        yield from (f"conditions: {condition.value!r}: {error}" for error in _of_condition(condition, catalogue))
    for touchpoint in catalogue.touchpoints:
        if touchpoint.mandatory and not touchpoint.recommendable:
            yield f"touchpoint {touchpoint.name!r} is mandatory, which only a recommendable one can be; add recommendable = true"


def feature_errors(catalogue: "Catalogue", features: Iterable[str]) -> Iterator[str]:
    """Conditions on features that there are not."""
    known = list(features)
    for value in dict.fromkeys(condition.value for condition in catalogue.conditions):
        if "." not in value and value not in known:
            rule = "a trait is trait.<name>, and what comes with a request context.<key>"
            yield f"conditions: {value!r} is no feature{_near(value, known)}; {rule}"


def floor_errors(catalogue: "Catalogue") -> Iterator[str]:
    """A least probability that so many touchpoints cannot all have, with which all would be alike, whatever was learnt.

    Asked of a catalogue that is loaded, never of one that stands with a record: that decision was taken.
    """
    floor, arms = catalogue.exploration.floor, len(catalogue.arms)
    if arms > 1 and floor * arms >= 1.0:
        yield (
            f"exploration: floor = {floor:g} for each of {arms} touchpoints, 'none' included, is {floor * arms:.4g}: all would "
            f"be equally likely and nothing learnt would count; give a floor below {1 / arms:.4g}"
        )


def _of_cooldowns(catalogue: "Catalogue") -> Iterator[str]:
    known = [*(touchpoint.name for touchpoint in catalogue.touchpoints), *map(str, Channel), *_CLASSES]
    for rule in catalogue.cooldowns:
        if rule.after is not None and rule.after not in known:
            yield (
                f"cooldowns: after = {rule.after!r} is no touchpoint of this catalogue, no channel and no message class"
                + _near(rule.after, known)
            )


def _of_quiet_hours(catalogue: "Catalogue") -> Iterator[str]:
    for name in (rule.trait for rule in catalogue.quiet_hours if rule.trait is not None):
        trait = catalogue.traits.get(name)
        if trait is None:
            yield f"quiet_hours: there is no trait {name!r}{_near(name, catalogue.traits)}; add [traits.{name}]"
        elif trait.type != "category":
            yield f"quiet_hours: trait {name!r} is a number; one that names time zones is a category"
        elif wrong := [category for category in trait.categories if zone_named(category) is None]:
            yield f"quiet_hours: categories {wrong} of trait {name!r} are no time zones; give such as 'Europe/Berlin'"


def _of_budgets(catalogue: "Catalogue") -> Iterator[str]:
    names = [budget.name for budget in catalogue.budgets]
    for budget in catalogue.budgets:
        if names.count(budget.name) > 1:
            yield f"budgets: {budget.name!r} is listed twice; leave one"
        costs = [touchpoint.cost for touchpoint in catalogue.touchpoints if budget.covers(touchpoint)]
        if budget.money and costs and not any(costs):
            yield f"budgets: {budget.name!r} limits nothing: what it covers costs nothing; give costs, or a number of contacts"


def _of_channels(catalogue: "Catalogue") -> Iterator[str]:
    known = catalogue.identifier_types
    for channel, reach in catalogue.channels.items():
        for type_ in reach.needs:
            if type_ not in known:
                yield f"channels.{channel}: {type_!r} is no type of identifier{_near(type_, known)}; add [identifiers.{type_}]"


def _of_condition(condition: Condition, catalogue: "Catalogue") -> Iterator[str]:
    source, dot, name = condition.value.partition(".")
    if dot and (source not in ("trait", "context") or not name):
        yield "a condition's value is a feature, trait.<name> or context.<key>"
    elif dot and source == "trait" and name not in catalogue.traits:
        yield f"there is no such trait{_near(name, catalogue.traits)}; add [traits.{name}]"
    elif dot and source == "trait":
        yield from _of_trait(condition, catalogue.traits[name])


def _of_trait(condition: Condition, trait: "Trait") -> Iterator[str]:
    values = condition.one_of or (() if condition.equals is None else (condition.equals,))
    if trait.type == "number":
        if texts := [value for value in values if isinstance(value, str) and not _is_number(value)]:
            yield f"the trait is a number, never {texts[0]!r}"
    elif not values:
        yield "the trait is a category, which is not more or less than a number; use equals or one_of"
    elif unknown := [value for value in values if not _is_category(value, trait)]:
        yield f"{unknown[0]!r} is none of the trait's categories {', '.join(trait.categories)}"


def _is_category(value: float | str, trait: "Trait") -> bool:
    if str(value) in trait.categories:
        return True
    return any(_is_number(category) and _is_number(value) and float(category) == float(value) for category in trait.categories)


def _is_number(value: float | str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _near(name: str, known: Iterable[str]) -> str:
    found = get_close_matches(name, list(known), n=1)
    return f"; did you mean {found[0]!r}" if found else ""
