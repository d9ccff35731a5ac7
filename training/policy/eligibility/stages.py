"""Runs the stages in their order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from features.catalogue import Catalogue, Touchpoint
from features.domain import NONE
from training.policy.eligibility.available import available
from training.policy.eligibility.budgets import budgets
from training.policy.eligibility.conditions import applicable, eligible, suitable
from training.policy.eligibility.consent import consent
from training.policy.eligibility.contacts import contacts
from training.policy.eligibility.holdout import holdout
from training.policy.eligibility.mandatory import mandatory_among
from training.policy.eligibility.objection import Check, Objection, nothing
from training.policy.eligibility.quiet_hours import quiet_hours
from training.policy.eligibility.reachable import reachable
from training.policy.eligibility.situation import Situation


class EligibilityStage(StrEnum):
    """The stages, in the order in which they drop touchpoints."""

    AVAILABLE = "available"
    REACHABLE = "reachable"
    HOLDOUT = "holdout"
    CONSENT = "consent"
    ELIGIBLE = "eligible"
    APPLICABLE = "applicable"
    SUITABLE = "suitable"
    CONTACTS = "contacts"
    QUIET_HOURS = "quiet_hours"
    BUDGET = "budget"
    MANDATORY = "mandatory"


_STAGES: Sequence[tuple[EligibilityStage, Callable[[Catalogue, Situation], Check]]] = (
    (EligibilityStage.AVAILABLE, available),
    (EligibilityStage.REACHABLE, reachable),
    (EligibilityStage.HOLDOUT, holdout),
    (EligibilityStage.CONSENT, consent),
    (EligibilityStage.ELIGIBLE, eligible),
    (EligibilityStage.APPLICABLE, applicable),
    (EligibilityStage.SUITABLE, suitable),
    (EligibilityStage.CONTACTS, contacts),
    (EligibilityStage.QUIET_HOURS, quiet_hours),
    (EligibilityStage.BUDGET, budgets),
)
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One arm, and if it may not be chosen, the first stage and the rule that dropped it.

    Attributes
    ----------
    until : when that rule no longer stands in the way, where time alone removes it.
    """

    touchpoint: str
    eligible: bool
    stage: str | None = None
    rule: str | None = None
    until: datetime | None = None


def eligibility(catalogue: Catalogue, situation: Situation) -> list[Candidate]:
    """Every arm of the catalogue in order, eligible or dropped; `none` is eligible unless a mandatory touchpoint is.

    Raises
    ------
    RequestError
        When the situation's candidates name what is not recommendable, its exclusions what is not in the catalogue, or its
        placement is none of those of the catalogue.
    """
    prepared = [(stage, prepare(catalogue, situation)) for stage, prepare in _STAGES]
    checks = [(stage, check) for stage, check in prepared if check is not nothing]
    found = [Candidate(NONE, eligible=True), *(_candidate(touchpoint, checks) for touchpoint in catalogue.recommendable)]
    first = mandatory_among(catalogue, [candidate.touchpoint for candidate in found if candidate.eligible])
    return [_behind(candidate, first) for candidate in found] if first else found


def _candidate(touchpoint: Touchpoint, checks: Sequence[tuple[EligibilityStage, Check]]) -> Candidate:
    for stage, check in checks:
        worst = max(check(touchpoint), key=_lasts, default=None)
        if worst is not None:
            return Candidate(touchpoint.name, eligible=False, stage=stage, rule=worst.rule, until=worst.until)
    return Candidate(touchpoint.name, eligible=True)


def _lasts(objection: Objection) -> datetime:
    return objection.until or _NEVER


def _behind(candidate: Candidate, first: Sequence[str]) -> Candidate:
    if not candidate.eligible or candidate.touchpoint in first:
        return candidate
    rule = f"goes after the mandatory {' or '.join(first)}"
    return Candidate(candidate.touchpoint, eligible=False, stage=EligibilityStage.MANDATORY, rule=rule)
