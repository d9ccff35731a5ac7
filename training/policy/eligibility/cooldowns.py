"""Cooldowns: a pause after a contact."""

from datetime import timedelta

from features.catalogue import Catalogue
from features.catalogue.rules import Cooldown
from training.policy.eligibility.objection import Check, Objection, for_covered
from training.policy.eligibility.past import Past


def cooldowns(catalogue: Catalogue, past: Past) -> Check:
    """The pauses that last still, for what each covers."""
    return for_covered([(rule, pause) for rule in catalogue.cooldowns if (pause := _against(rule, past))])


def _against(rule: Cooldown, past: Past) -> Objection | None:
    pause = timedelta(hours=rule.hours)
    times = past.contacted(rule.trigger, within=pause)
    return Objection(f"{rule.name}: sent on {times[-1]:%Y-%m-%d at %H:%M} UTC", times[-1] + pause) if times else None
