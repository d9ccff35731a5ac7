"""Mandatory: what goes before all that is not, whenever it may be chosen at all."""

from collections.abc import Sequence

from training.policy.eligibility.objection import Objection


def behind(first: Sequence[str]) -> Objection:
    """Against everything but the eligible mandatory touchpoints, `none` included."""
    return Objection(f"goes after the mandatory {' or '.join(first)}")
