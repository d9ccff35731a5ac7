"""Reachable: the customer has an identifier by which the channel finds them."""

from collections.abc import Iterator

from features.catalogue import Catalogue, Touchpoint
from features.identity.names import type_of
from training.policy.eligibility.objection import Check, Objection, nothing
from training.policy.eligibility.situation import Situation


def reachable(catalogue: Catalogue, situation: Situation) -> Check:
    """What a channel misses of the customer; a customer_id is no identifier of any type."""
    if not catalogue.channels:
        return nothing
    types = catalogue.identifier_types
    known = {type_of(identifier, types) for identifier in situation.identifiers}

    def check(touchpoint: Touchpoint) -> Iterator[Objection]:
        reach = catalogue.channels.get(touchpoint.channel)
        if reach is not None and reach.needs and known.isdisjoint(reach.needs):
            yield Objection(f"{touchpoint.channel} needs an identifier of type {' or '.join(reach.needs)}: none is known")

    return check
