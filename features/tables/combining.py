"""Combine states: that of a customer out of those of the customer's identifiers.

A state belongs to the identifier under which interactions were captured, and which of them are one customer's may change. Folds
commute, so the state of all interactions together follows from the parts: sums are decayed to the same time and added, of
times and values the first, last or latest is kept. Merging customers and parting them again therefore moves no data. Over history
the same comes out of `as_of`, which takes the interactions of all identifiers together.
"""

from collections.abc import Sequence

from features.tables.feature import Feature, folds_of
from features.tables.running import empty_state
from features.tables.state import POSITION, STATE_AT, State


def combine(features: Sequence[Feature], states: Sequence[State]) -> State:
    """The state of all interactions of `states`, which have none in common.

    The order makes no difference up to rounding of the sums, an empty state none at all, and the states themselves stay as
    they are. The position becomes the furthest of them: each part has its own, so take what the journal has beyond each of
    them in before, not after.
    """
    if len(states) < 2:
        return dict(states[0]) if states else empty_state(features)
    state_at = max(int(state[STATE_AT] or 0) for state in states)
    combined: State = {STATE_AT: state_at, POSITION: max(int(state[POSITION] or 0) for state in states)}
    for fold in folds_of(features):
        combined |= fold.combine(states, state_at)
    return combined
