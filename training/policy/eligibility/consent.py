"""Consent: what the customer said about being contacted, by the rules of the catalogue."""

from collections.abc import Iterator

from features.catalogue import Catalogue, Touchpoint
from features.privacy import consent_against
from training.policy.eligibility.objection import Check, Objection
from training.policy.eligibility.situation import Situation


def consent(catalogue: Catalogue, situation: Situation) -> Check:
    """The rule of consent that forbids a contact at a touchpoint, if one does."""

    def check(touchpoint: Touchpoint) -> Iterator[Objection]:
        rule = consent_against(touchpoint, situation.consents, catalogue.consent, at=situation.at)
        if rule is not None:
            yield Objection(rule)

    return check
