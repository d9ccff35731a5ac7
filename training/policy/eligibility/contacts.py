"""Contacts: caps, cooldowns, suppressions and exclusions, by what was sent to the customer and what they answered."""

from itertools import chain

from features.catalogue import Catalogue
from training.policy.eligibility.caps import caps
from training.policy.eligibility.cooldowns import cooldowns
from training.policy.eligibility.exclusions import exclusions
from training.policy.eligibility.objection import Check, nothing
from training.policy.eligibility.past import Past
from training.policy.eligibility.situation import Situation
from training.policy.eligibility.suppressions import suppressions

_FAMILIES = (caps, cooldowns, suppressions, exclusions)


def contacts(catalogue: Catalogue, situation: Situation) -> Check:
    """What these rules have against one more contact at a touchpoint."""
    past = Past.of(catalogue, situation)
    checks = [check for family in _FAMILIES if (check := family(catalogue, past)) is not nothing]
    if not checks:
        return nothing
    return lambda touchpoint: chain.from_iterable(check(touchpoint) for check in checks)
