"""Runs the stages in their order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from features.catalogue import Catalogue
from training.policy.eligibility.available import available
from training.policy.eligibility.budgets import Allowance, Budgets, budgets
from training.policy.eligibility.conditions import applicable, eligible, suitable
from training.policy.eligibility.consent import consent
from training.policy.eligibility.contacts import contacts
from training.policy.eligibility.holdout import holdout
from training.policy.eligibility.mandatory import behind
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


_STAGES: Sequence[tuple[EligibilityStage, Callable[[Catalogue], Check]]] = (
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


class Rules:
    """The rules of one catalogue, with everything worked out beforehand that is the same in every situation."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.arms = catalogue.arms
        prepared = [(stage, prepare(catalogue)) for stage, prepare in _STAGES]
        self._checks = [(stage, check) for stage, check in prepared if check is not nothing]
        self._mandatory = tuple(touchpoint.name for touchpoint in catalogue.recommendable if touchpoint.mandatory)
        self._budgets = Budgets(catalogue)
        self._free = {arm: Candidate(arm, eligible=True) for arm in self.arms}

    def candidates(self, situation: Situation) -> list[Candidate]:
        """Every arm of the catalogue in order, eligible or dropped; `none` is eligible unless a mandatory touchpoint is.

        Raises
        ------
        RequestError
            When the situation's candidates name what is not recommendable, its exclusions what is not in the catalogue, or its
            placement is none of those of the catalogue.
        """
        stages, objections = self._dropped(situation)
        return [_dropped(arm, stages[arm], objections[arm]) if arm in stages else free for arm, free in self._free.items()]

    def eligible(self, situation: Situation) -> list[bool]:
        """Of every arm, whether it is eligible: `candidates` without the reasons, for who asks very often.

        Raises
        ------
        RequestError
            As `candidates`.
        """
        stages, _ = self._dropped(situation)
        return [arm not in stages for arm in self.arms]

    def allowances(self, at: datetime) -> tuple[Allowance, ...]:
        """What every budget of the catalogue allows at a moment."""
        return self._budgets.allowances(at)

    def _dropped(self, situation: Situation) -> tuple[dict[str, EligibilityStage], dict[str, Objection]]:
        """By touchpoint, the first stage that is against it, and of what that stage has against it what lasts longest."""
        stages: dict[str, EligibilityStage] = {}
        objections: dict[str, Objection] = {}
        for stage, check in self._checks:
            worst: dict[str, Objection] = {}
            for objection, names in check(situation):
                for name in names:
                    if name not in objections and (name not in worst or _lasts(objection) > _lasts(worst[name])):
                        worst[name] = objection
            if worst:
                objections |= worst
                stages |= dict.fromkeys(worst, stage)
        first = [name for name in self._mandatory if name not in objections]
        if first:
            others = [arm for arm in self.arms if arm not in objections and arm not in first]
            objections |= dict.fromkeys(others, behind(first))
            stages |= dict.fromkeys(others, EligibilityStage.MANDATORY)
        return stages, objections


def eligibility(catalogue: Catalogue, situation: Situation) -> list[Candidate]:
    """The candidates of one situation; who asks about several has `Rules` of the catalogue made once.

    Raises
    ------
    RequestError
        As `Rules.candidates`.
    """
    return Rules(catalogue).candidates(situation)


def _dropped(arm: str, stage: EligibilityStage, objection: Objection) -> Candidate:
    return Candidate(arm, eligible=False, stage=stage, rule=objection.rule, until=objection.until)


def _lasts(objection: Objection) -> datetime:
    return objection.until or _NEVER
