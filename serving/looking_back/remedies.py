"""What would have to change for a touchpoint that was not chosen: time, a consent, a condition, money, or the draw."""

from collections.abc import Mapping

from features.domain import NONE
from serving.deciding.record import DecisionRecord, ScoredCandidate
from training.policy import Terms

_OF_STAGES: Mapping[str, str] = {
    "available": "the request would have to ask for it, or not to rule it out, at a placement where it is shown",
    "reachable": "an identifier of the customer would have to be known by which the channel reaches them",
    "holdout": "the customer would have to be outside the holdout, which only another share or salt in the catalogue changes",
    "consent": "the customer would have to give the consent that is missing",
    "eligible": "the condition would have to hold",
    "applicable": "the condition would have to hold",
    "suitable": "the condition would have to hold",
    "contacts": "the rule in the catalogue would have to allow it",
    "quiet_hours": "the rule in the catalogue would have to allow it",
    "budget": "the budget would have to have something left",
    "mandatory": "no mandatory touchpoint would have to be eligible",
}


class Remedies:
    """Says for the candidates of one decision what each would have needed.

    Parameters
    ----------
    terms : of the policy that decided; None where they are not known any more, and then no figures are told.

    Attributes
    ----------
    best : the eligible candidate that went before the others.
    """

    def __init__(self, record: DecisionRecord, terms: Terms | None) -> None:
        self._record = record
        self._terms = terms
        self._has_priorities = any(candidate.priority for candidate in record.candidates)
        self.best = max((candidate for candidate in record.candidates if candidate.eligible), key=self._priority)

    def of_rule(self, candidate: ScoredCandidate) -> str:
        """For one that a rule dropped."""
        if candidate.until is not None:
            needed = f"that rule lets it through from {candidate.until:%Y-%m-%d %H:%M} UTC on"
        else:
            needed = _OF_STAGES.get(candidate.stage or "", "the rule would have to allow it")
        is_best = self._priority(candidate) > self._priority(self.best)
        return f"{needed}; it would have looked best" if is_best else needed

    def of_chance(self, candidate: ScoredCandidate) -> str:
        """For one that another draw would have chosen."""
        low = 0.0
        for each in self._record.candidates:
            if each.touchpoint == candidate.touchpoint:
                break
            low += each.probability
        high = low + candidate.probability
        return f"a draw from {low:.4g} to {high:.4g} would have chosen it; it was {self._record.draw.u:.4g}"

    def of_value(self, candidate: ScoredCandidate) -> str | None:
        """For one that was not worth most: by how much what is expected of it would have to differ."""
        if self._record.arm == "propensity":
            return "it would have to be likelier, whatever brings that about: in arm propensity effects do not count"
        if candidate.touchpoint == NONE:
            return "every other touchpoint would have to be worth less than it costs"
        gap = self._missing_money(candidate)
        ways = [way for way in (self._uplift(candidate, gap), self._cost(candidate, gap)) if way]
        missing = f"it would have to be worth {gap:.2f} {self._record.currency} more"
        return f"{missing}: {' or '.join(ways)}" if ways else missing

    def _missing_money(self, candidate: ScoredCandidate) -> float:
        """Net value that it lacks to be ordered first, with its lever as it is."""
        wanted = self._priority(self.best)
        wanted = wanted / candidate.lever if wanted > 0.0 else wanted * candidate.lever
        return wanted - candidate.net_value

    def _uplift(self, candidate: ScoredCandidate, gap: float) -> str | None:
        """The uplift that brings so much; whoever converts takes the incentive too."""
        if self._terms is None:
            return None
        arm = [each.touchpoint for each in self._record.candidates].index(candidate.touchpoint)
        given = float(self._terms.incentives[arm] + self._terms.discounts[arm] * candidate.value)
        per_conversion = candidate.value * self._terms.margin - given
        more = gap / per_conversion if per_conversion > 0.0 else float("inf")
        if candidate.propensity + more > 1.0:
            return None
        uplift = 100 * (candidate.uplift + more)
        return f"{100 * more:.2f} more points of conversion ({uplift:.2f} instead of {100 * candidate.uplift:.2f})"

    def _cost(self, candidate: ScoredCandidate, gap: float) -> str | None:
        left = candidate.cost - gap
        return f"a contact that costs {left:.2f} instead of {candidate.cost:.2f}" if left >= 0.0 else None

    def _priority(self, candidate: ScoredCandidate) -> float:
        return candidate.priority if self._has_priorities else candidate.net_value  # records of before had no levers
