"""What is kept of one customer: named columns that a fold writes and a read reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from features.domain import Interaction
from features.instants import microseconds

State = dict[str, int | float | str | None]
"""One customer's columns by name, with `state_at` and `position`; None where nothing has happened yet."""

STATE_AT = "state_at"
"""Column: microseconds at which the decayed sums stand, the latest `visible_at` folded; 0 before the first."""

POSITION = "position"
"""Column: the journal position up to which interactions are in; 0 when none came by the journal."""


@dataclass(frozen=True, slots=True)
class StateColumn:
    """One column of the state and one field in the feature store; times are int, microseconds since 1970."""

    name: str
    dtype: Literal["float", "int", "text"]
    initial: int | float | None
    meaning: str


TECHNICAL = (
    StateColumn(STATE_AT, "int", 0, "microseconds since 1970 at which the decayed sums stand"),
    StateColumn(POSITION, "int", 0, "journal position up to which interactions are in"),
)
"""The columns that every state has, whatever the features."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One interaction on its way into a state.

    Attributes
    ----------
    at : when it happened, in microseconds.
    before, after : `state_at` before and after it is folded; `at` is never later than `after`.
    """

    interaction: Interaction
    at: int
    before: int
    after: int

    @classmethod
    def of(cls, interaction: Interaction, state: Mapping[str, int | float | str | None]) -> "Arrival":
        """The arrival of `interaction` at `state`."""
        before = int(state[STATE_AT] or 0)
        return cls(interaction, microseconds(interaction.at), before, max(before, microseconds(interaction.visible_at)))
