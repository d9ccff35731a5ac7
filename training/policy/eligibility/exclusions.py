"""Exclusions: of some touchpoints a customer gets one only."""

from collections.abc import Iterator
from datetime import timedelta
from operator import attrgetter

from features.catalogue import Catalogue
from features.catalogue.rules import Exclusion
from training.policy.eligibility.objection import Objection, Standing
from training.policy.eligibility.past import Past, PastRule

_BY_TIME_AND_NAME = attrgetter("at", "touchpoint")


def exclusions(catalogue: Catalogue) -> list[PastRule]:
    """Against a touchpoint of a group at another one of which there was a contact; the same one again is left to caps."""
    return [_rule(rule, catalogue) for rule in catalogue.exclusions]


def _rule(rule: Exclusion, catalogue: Catalogue) -> PastRule:
    name, days, group = rule.name, timedelta(days=rule.days), frozenset(rule.touchpoints)
    names = [touchpoint.name for touchpoint in catalogue.recommendable if touchpoint.name in group]

    def against(past: Past) -> Iterator[Standing]:
        since = past.at - days
        # of several sent at the same moment always the same one is told, in whatever order they were read
        recent = sorted((contact for contact in past.contacts if contact.at > since), key=_BY_TIME_AND_NAME)
        for touchpoint in names if recent else ():
            last = next((contact for contact in reversed(recent) if contact.touchpoint != touchpoint), None)
            if last is not None:
                yield Objection(f"{name}: {last.touchpoint} sent on {last.at.date()}", last.at + days), (touchpoint,)

    return PastRule(group.__contains__, against)
