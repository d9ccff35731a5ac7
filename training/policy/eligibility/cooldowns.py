"""Cooldowns: a pause after a contact."""

from collections.abc import Iterable
from datetime import timedelta

from features.catalogue import Catalogue
from features.catalogue.rules import Cooldown
from training.policy.eligibility.objection import Objection, Standing, covered
from training.policy.eligibility.past import Past, PastRule, counted_by


def cooldowns(catalogue: Catalogue) -> list[PastRule]:
    """The pauses that last still, for what each covers."""
    return [_rule(rule, catalogue) for rule in catalogue.cooldowns]


def _rule(rule: Cooldown, catalogue: Catalogue) -> PastRule:
    name, pause, names = rule.name, timedelta(hours=rule.hours), covered(rule, catalogue)

    def against(past: Past) -> Iterable[Standing]:
        last = past.contacts[-1].at
        if last <= past.at - pause:
            return ()
        return ((Objection(f"{name}: sent on {last:%Y-%m-%d at %H:%M} UTC", last + pause), names),)

    return PastRule(counted_by(rule.trigger, catalogue), against)
