"""Step 1: which touchpoints may be chosen at all, and for every other one the stage and rule that dropped it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from features.catalogue import Cap, Catalogue, Touchpoint
from features.domain import NONE, Consent, channel_of
from features.errors import PolicyError, RequestError
from features.privacy import consent_against


class EligibilityStage(StrEnum):
    """The stages, in the order in which they drop touchpoints."""

    AVAILABLE = "available"
    EXCLUDED = "excluded"
    HOLDOUT = "holdout"
    CONSENT = "consent"
    CAPS = "caps"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One arm, and if it may not be chosen, the first stage and the rule that dropped it."""

    touchpoint: str
    eligible: bool
    stage: str | None = None
    rule: str | None = None


def eligibility(
    catalogue: Catalogue,
    *,
    candidates: Sequence[str] | None,
    exclude: Sequence[str],
    contact_touchpoints: Sequence[str],
    contact_times: Sequence[datetime],
    at: datetime,
    consents: Sequence[Consent] = (),
    identifiers_in_holdout: bool = False,
) -> list[Candidate]:
    """Every arm of the catalogue in order, eligible or dropped; `none` is always eligible.

    Parameters
    ----------
    candidates : the touchpoints asked for; None asks for all that are recommendable.
    exclude : touchpoints that the request rules out; ruling out `none` has no effect.
    contact_touchpoints, contact_times : the customer's contacts. A cap counts those it covers in (at - days, at].
    consents : what was said under any of the customer's identifiers; the catalogue's rules say what is needed.
    identifiers_in_holdout : whether the customer is one whom the brand leaves alone, as `features.privacy.in_holdout` says.

    Raises
    ------
    RequestError
        When `candidates` names what is not recommendable, or `exclude` what is not in the catalogue.
    PolicyError
        When contacts and times differ in number.
    """
    touchpoints = {touchpoint.name: touchpoint for touchpoint in catalogue.touchpoints}
    arms = catalogue.arms
    _check_names("/candidates", candidates or (), known=arms, rule="not recommendable in the catalogue")
    _check_names("/exclude", exclude, known=(NONE, *touchpoints), rule="not in the catalogue")
    if len(contact_touchpoints) != len(contact_times):
        raise PolicyError(f"{len(contact_touchpoints)} contacts but {len(contact_times)} times: give one time per contact")
    contacts = list(zip(contact_touchpoints, contact_times, strict=True))
    exhausted = [cap for cap in catalogue.caps if _used(cap, contacts, touchpoints, at) >= cap.limit]
    held_out = f"in the holdout of {100 * catalogue.holdout.share:g} % of all customers" if identifiers_in_holdout else None
    stages: tuple[tuple[EligibilityStage, Callable[[str], str | None]], ...] = (
        (EligibilityStage.AVAILABLE, lambda arm: _unasked(arm, candidates)),
        (EligibilityStage.EXCLUDED, lambda arm: "excluded by the request" if arm in exclude else None),
        (EligibilityStage.HOLDOUT, lambda arm: held_out),
        (EligibilityStage.CONSENT, lambda arm: consent_against(touchpoints[arm], consents, catalogue.consent, at=at)),
        (EligibilityStage.CAPS, lambda arm: next((cap.name for cap in exhausted if cap.covers(touchpoints[arm])), None)),
    )
    return [Candidate(NONE, eligible=True), *(_candidate(arm, stages) for arm in arms[1:])]


def _candidate(arm: str, stages: Iterable[tuple[EligibilityStage, Callable[[str], str | None]]]) -> Candidate:
    for stage, rule_against in stages:
        rule = rule_against(arm)
        if rule is not None:
            return Candidate(arm, eligible=False, stage=stage, rule=rule)
    return Candidate(arm, eligible=True)


def _unasked(arm: str, candidates: Sequence[str] | None) -> str | None:
    return None if candidates is None or arm in candidates else "not among the candidates of the request"


def _used(cap: Cap, contacts: Iterable[tuple[str, datetime]], touchpoints: Mapping[str, Touchpoint], at: datetime) -> int:
    after = at - timedelta(days=cap.days)
    return sum(after < time <= at and _counts(cap, name, touchpoints) for name, time in contacts)


def _counts(cap: Cap, name: str, touchpoints: Mapping[str, Touchpoint]) -> bool:
    if name in touchpoints:
        return cap.covers(touchpoints[name])
    # a contact at a touchpoint since removed from the catalogue: its name still tells its channel, but not its message class
    unscoped = cap.touchpoint is None and cap.message_class is None
    return name != NONE and unscoped and cap.channel in (None, channel_of(name))


def _check_names(field: str, names: Sequence[str], *, known: Sequence[str], rule: str) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        message = f"{', '.join(map(repr, unknown))} {rule}; give some of {', '.join(known)}"
        raise RequestError(f"{field}: {message}", field=field)
