"""What a rule has against touchpoints, and what is worked out of a catalogue beforehand."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from features.catalogue import Catalogue
from features.catalogue.rules import Scoped
from training.policy.eligibility.situation import Situation


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


Standing = tuple[Objection, Sequence[str]]
"""An objection, and the recommendable touchpoints that it stands against."""

Check = Callable[[Situation], Iterable[Standing]]
"""What stands against touchpoints, for one customer at one moment; made once per catalogue, asked often."""


def nothing(situation: Situation) -> Iterable[Standing]:
    """The check of a catalogue without such rules: it is left out."""
    return ()


def covered(rule: Scoped, catalogue: Catalogue) -> tuple[str, ...]:
    """The recommendable touchpoints that a rule covers."""
    return tuple(touchpoint.name for touchpoint in catalogue.recommendable if rule.covers(touchpoint))
