"""What a run uses of budgets: contact after contact, in the order in which customers are taken."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from features.catalogue import Catalogue
from features.domain import NONE
from features.journal import Journal
from training.policy.eligibility import allowances

_ROUNDING = 1e-9  # as the rule has it, which decides; here it is only noticed that the rule may say something else


class Purse:
    """The budgets of a catalogue at a moment.

    Attributes
    ----------
    used : by the name of a budget, what contacts weigh already.
    """

    def __init__(self, catalogue: Catalogue, journal: Journal, *, at: datetime) -> None:
        self._allowances = allowances(catalogue, at) if catalogue.budgets else ()
        self._journal = journal
        self.used: Mapping[str, float] = {}
        self.look()

    def look(self) -> None:
        """Ask the journal what is used by now."""
        self.used = {each.budget.name: self._journal.volume(each.weights, each.since, each.until) for each in self._allowances}

    def is_enough(self, contacts: int) -> bool:
        """Whether no budget would be used up by so many contacts, wherever they are made."""
        return all(
            self.used[each.budget.name] + contacts * max(each.weights.values(), default=0.0) <= each.allowed
            for each in self._allowances
        )

    def take(self, touchpoints: Sequence[str]) -> int:
        """Count contacts in their order, up to the first after which other touchpoints fit than before; give their number."""
        if self.is_enough(len(touchpoints)):
            for touchpoint, number in Counter(touchpoints).items():
                self._add(touchpoint, number)
            return len(touchpoints)
        before = self._fitting()
        for number, touchpoint in enumerate(touchpoints, start=1):
            if touchpoint != NONE:
                self._add(touchpoint, 1)
                if self._fitting() != before:
                    return number
        return len(touchpoints)

    def _add(self, touchpoint: str, number: int) -> None:
        weights = {each.budget.name: each.weights.get(touchpoint, 0.0) for each in self._allowances}
        self.used = {name: used + number * weights[name] for name, used in self.used.items()}

    def _fitting(self) -> list[bool]:
        """Of every weight that a budget knows, whether one more contact of it fits."""
        return [
            self.used[each.budget.name] + weight <= each.allowed * (1 + _ROUNDING)
            for each in self._allowances
            for weight in sorted(set(each.weights.values()))
        ]
