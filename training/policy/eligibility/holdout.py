"""Holdout: customers whom the brand leaves alone, but for what they have to be told."""

from features.catalogue import Catalogue
from training.policy.eligibility.objection import Check, Objection


def holdout(catalogue: Catalogue) -> Check:
    """Against everything that is not transactional, for who is in the holdout."""
    objection = Objection(f"in the holdout of {100 * catalogue.holdout.share:g} % of all customers")
    names = [touchpoint.name for touchpoint in catalogue.recommendable if touchpoint.message_class != "transactional"]
    standing = ((objection, names),)
    return lambda situation: standing if situation.held_out else ()
