"""One interaction at a time: the way a state moves online."""

from collections.abc import Sequence

from features.domain import Interaction
from features.tables.feature import Feature, all_columns, folds_of
from features.tables.state import POSITION, STATE_AT, Arrival, State


def empty_state(features: Sequence[Feature]) -> State:
    """The state of a customer of whom nothing is known."""
    return {column.name: column.initial for column in all_columns(features)}


def fold(features: Sequence[Feature], state: State, interaction: Interaction, *, position: int = 0) -> State:
    """The state after one more interaction; `state` itself stays as it is.

    Folds commute: late and out-of-order interactions may come in any order, and the result is the same up to
    rounding of the sums. The same interaction twice counts twice: who calls this has made sure by `message_id`.

    Parameters
    ----------
    position : where the interaction stands in the journal; 0 when it did not come by the journal.
    """
    arrival = Arrival.of(interaction, state)
    folded = dict(state)
    for kept in folds_of(features):
        kept.step(folded, arrival)
    folded[STATE_AT] = arrival.after
    folded[POSITION] = max(int(folded[POSITION] or 0), position)
    return folded
