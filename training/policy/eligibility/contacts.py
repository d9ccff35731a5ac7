"""Contacts: caps, cooldowns, suppressions and exclusions, by what was sent to the customer and what they answered."""

from collections.abc import Iterator

from features.catalogue import Catalogue
from features.domain import Contact
from training.policy.eligibility.caps import caps
from training.policy.eligibility.cooldowns import cooldowns
from training.policy.eligibility.exclusions import exclusions
from training.policy.eligibility.objection import Check, Standing, nothing
from training.policy.eligibility.past import Past, until
from training.policy.eligibility.situation import Situation
from training.policy.eligibility.suppressions import suppressions

_FAMILIES = (caps, cooldowns, suppressions, exclusions)


def contacts(catalogue: Catalogue) -> Check:
    """What these rules have against one more contact."""
    rules = [rule for family in _FAMILIES for rule in family(catalogue)]
    if not rules:
        return nothing
    always = [number for number, rule in enumerate(rules) if rule.always]

    def counting(name: str) -> tuple[int, ...]:
        return tuple(number for number, rule in enumerate(rules) if rule.counts(name))

    known = {touchpoint.name: counting(touchpoint.name) for touchpoint in catalogue.touchpoints}

    def counted(found: list[Contact]) -> dict[int, list[Contact]]:
        """By rule, what it counts."""
        by_rule: dict[int, list[Contact]] = {}
        for each in found:
            name = each.touchpoint
            for number in known[name] if name in known else counting(name):
                by_rule.setdefault(number, []).append(each)
        return by_rule

    def check(situation: Situation) -> Iterator[Standing]:
        at = situation.at
        sent = counted(until(at, situation.contacts))
        answered = counted(until(at, situation.answers)) if sent and situation.answers else {}
        for number in sorted({*sent, *always}):
            yield from rules[number].against(Past(at, sent.get(number, ()), answered.get(number, ())))

    return check
