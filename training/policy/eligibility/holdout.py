"""Holdout: customers whom the brand leaves alone, but for what they have to be told."""

from features.catalogue import Catalogue
from training.policy.eligibility.objection import Check, Objection, nothing
from training.policy.eligibility.situation import Situation


def holdout(catalogue: Catalogue, situation: Situation) -> Check:
    """Against everything that is not transactional, for who is in the holdout."""
    if not situation.held_out:
        return nothing
    stands = (Objection(f"in the holdout of {100 * catalogue.holdout.share:g} % of all customers"),)
    return lambda touchpoint: () if touchpoint.message_class == "transactional" else stands
