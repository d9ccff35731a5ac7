"""Exclusions: of some touchpoints a customer gets one only."""

from collections.abc import Iterator
from datetime import timedelta

from features.catalogue import Catalogue, Touchpoint
from features.catalogue.rules import Exclusion
from training.policy.eligibility.objection import Check, Objection, nothing
from training.policy.eligibility.past import Past


def exclusions(catalogue: Catalogue, past: Past) -> Check:
    """Against a touchpoint of a group at another one of which there was a contact; the same one again is left to caps."""
    if not catalogue.exclusions:
        return nothing

    def check(touchpoint: Touchpoint) -> Iterator[Objection]:
        for rule in catalogue.exclusions:
            if touchpoint.name in rule.touchpoints:
                yield from _against(rule, touchpoint, past)

    return check


def _against(rule: Exclusion, touchpoint: Touchpoint, past: Past) -> Iterator[Objection]:
    days = timedelta(days=rule.days)
    others = past.contacted_at((name for name in rule.touchpoints if name != touchpoint.name), within=days)
    if others:
        last = others[-1]
        yield Objection(f"{rule.name}: {last.touchpoint} sent on {last.at:%Y-%m-%d}", last.at + days)
