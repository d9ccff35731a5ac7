"""Consent: what the customer said about being contacted, by the rules of the catalogue."""

from collections.abc import Iterable, Iterator

from features.catalogue import Catalogue, Touchpoint
from features.domain import Consent
from features.privacy.consent import rule_against, rule_for
from training.policy.eligibility.objection import Check, Objection, Standing, nothing
from training.policy.eligibility.situation import Situation


def consent(catalogue: Catalogue) -> Check:
    """The rules of consent that forbid a contact; touchpoints of one channel and message class meet the same one alike."""
    alike: dict[tuple[str, str], list[Touchpoint]] = {}
    for touchpoint in catalogue.recommendable:
        alike.setdefault((touchpoint.channel, touchpoint.message_class), []).append(touchpoint)
    asked = [
        (rule, any_of_them[0], [touchpoint.name for touchpoint in any_of_them])
        for any_of_them in alike.values()
        if (rule := rule_for(any_of_them[0], catalogue.consent)) is not None
    ]
    if not asked:
        return nothing

    def against(situation: Situation, consents: Iterable[Consent]) -> Iterator[Standing]:
        for rule, touchpoint, names in asked:
            found = rule_against(rule, touchpoint, consents, at=situation.at)
            if found is not None:
                yield Objection(found), names

    return lambda situation: against(situation, situation.consents)
