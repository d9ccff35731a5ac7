"""Reachable: the customer has an identifier by which the channel finds them."""

from collections.abc import Iterator

from features.catalogue import Catalogue
from features.identity.names import type_of
from training.policy.eligibility.objection import Check, Objection, Standing, nothing
from training.policy.eligibility.situation import Situation


def reachable(catalogue: Catalogue) -> Check:
    """What a channel misses of the customer; a customer_id is no identifier of any type."""
    missing = [
        (
            frozenset(reach.needs),
            Objection(f"{channel} needs an identifier of type {' or '.join(reach.needs)}: none is known"),
            names,
        )
        for channel, reach in catalogue.channels.items()
        if reach.needs and (names := [each.name for each in catalogue.recommendable if each.channel == channel])
    ]
    if not missing:
        return nothing
    types = catalogue.identifier_types

    def check(situation: Situation) -> Iterator[Standing]:
        known = {type_of(identifier, types) for identifier in situation.identifiers}
        for needs, objection, names in missing:
            if known.isdisjoint(needs):
                yield objection, names

    return check
