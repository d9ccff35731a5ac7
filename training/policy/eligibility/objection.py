"""What a rule has against a touchpoint."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from features.catalogue import Touchpoint
from features.catalogue.rules import Scoped


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a touchpoint may not be chosen.

    Attributes
    ----------
    rule : in words, for the decision record.
    until : when it no longer stands in the way; None where time alone does not lift it.
    """

    rule: str
    until: datetime | None = None


Check = Callable[[Touchpoint], Iterable[Objection]]
"""What stands against a touchpoint, for one customer at one moment."""


def nothing(touchpoint: Touchpoint) -> Iterable[Objection]:
    """The check of who has no rule that stands: stages leave it out."""
    return ()


def for_covered(standing: Sequence[tuple[Scoped, Objection]]) -> Check:
    """The check of rules that object to all that they cover alike."""
    if not standing:
        return nothing
    return lambda touchpoint: (objection for rule, objection in standing if rule.covers(touchpoint))
