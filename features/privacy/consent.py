"""Whether a customer may be contacted at a touchpoint, by what they said and by the catalogue's rules; pure.

Of one identifier, what was said last about the narrowest scope counts: of statements about marketing by e-mail the last, else the
last of those about marketing or about e-mail, else the last of those about everything. A refusal of a wider scope that came
later takes a narrower grant back; a grant of a wider scope takes no refusal back. Of several identifiers of one
customer the strictest counts.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby

from features.catalogue.rules import ConsentRule
from features.catalogue.touchpoint import Touchpoint
from features.domain import Consent, ConsentStatus

_ASSUMED = tuple(ConsentRule(purpose=purpose, basis="opt_out") for purpose in ("marketing", "service"))
"""Where the catalogue has no rule; what is transactional then needs no consent."""


def consent_against(
    touchpoint: Touchpoint, consents: Iterable[Consent], rules: Sequence[ConsentRule], *, at: datetime
) -> str | None:
    """The rule that forbids a contact at the touchpoint, and why, in words; None when it may be made.

    Parameters
    ----------
    consents : all that was said under any identifier of the customer, in any order.
    rules : the catalogue's; the one for the touchpoint's channel goes before the one for all channels.
    at : what became known later does not count.
    """
    rule = rule_for(touchpoint, rules)
    return None if rule is None else rule_against(rule, touchpoint, consents, at=at)


def rule_against(rule: ConsentRule, touchpoint: Touchpoint, consents: Iterable[Consent], *, at: datetime) -> str | None:
    """What the rule in force for a touchpoint has against a contact there, in words; see `consent_against`."""
    statements = _in_force(consents, touchpoint, at)
    refusals = [statement for statement in statements if _refuses(statement)]
    if refusals:
        return f"{rule.name}: {_words(max(refusals, key=_order))}"
    return f"{rule.name}: not granted" if rule.basis == "opt_in" and not statements else None


def consent_basis(
    touchpoint: Touchpoint, consents: Iterable[Consent], rules: Sequence[ConsentRule], *, at: datetime
) -> str | None:
    """The rule that allows a contact at the touchpoint, and by which statement, in words; None when it is forbidden."""
    known = list(consents)
    rule = rule_for(touchpoint, rules)
    if rule is None:
        return f"{touchpoint.message_class} needs no consent"
    if consent_against(touchpoint, known, rules, at=at) is not None:
        return None
    grants = _in_force(known, touchpoint, at)
    return f"{rule.name}: {_words(max(grants, key=_order)) if grants else 'not refused'}"


def rule_for(touchpoint: Touchpoint, rules: Sequence[ConsentRule]) -> ConsentRule | None:
    """The rule in force for a touchpoint, of several for the same scope the strictest; None when it needs no consent."""
    of_purpose = [rule for rule in rules if rule.purpose == touchpoint.message_class]
    for channel in (touchpoint.channel, None):
        if found := [rule for rule in of_purpose if rule.channel == channel]:
            return next((rule for rule in found if rule.basis == "opt_in"), found[0])
    return next((rule for rule in _ASSUMED if rule.purpose == touchpoint.message_class), None)


def _in_force(consents: Iterable[Consent], touchpoint: Touchpoint, at: datetime) -> list[Consent]:
    """Of every identifier the statement that counts, if there is one."""
    channel, purpose = touchpoint.channel, touchpoint.message_class
    about = [each for each in consents if each.channel in (None, channel) and each.purpose in (None, purpose)]
    known = [each for each in about if max(each.at, each.received_at) <= at]
    if len(known) < 2:
        return known
    known.sort(key=lambda each: each.customer_id)
    return [_of_one([*said]) for _, said in groupby(known, key=lambda each: each.customer_id)]


def _of_one(said: Sequence[Consent]) -> Consent:
    narrowest = max(_narrowness(each) for each in said)
    last = max((each for each in said if _narrowness(each) == narrowest), key=_order)
    return max([last, *filter(_refuses, said)], key=_order)


def _narrowness(consent: Consent) -> int:
    return (consent.channel is not None) + (consent.purpose is not None)


def _refuses(consent: Consent) -> bool:
    return consent.status != ConsentStatus.GRANTED


def _order(consent: Consent) -> tuple[datetime, bool, datetime, str]:
    return consent.at, _refuses(consent), consent.received_at, consent.message_id  # said at the same time, the refusal counts


def _words(consent: Consent) -> str:
    return f"{consent.status} on {consent.at.date()} ({consent.source})"
