"""What is known of a customer at a time: the online row of the feature store, plus what the journal holds beyond it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from features.domain import Interaction
from features.errors import RequestError, StoreError
from features.instants import microseconds, moment
from features.journal import Journal
from features.store import FeatureStore
from features.tables import Feature, State, empty_state, fold, matrix, read, stacked
from features.tables.state import POSITION, STATE_AT

FRESH, STALE, MISSING = "fresh", "stale", "missing"


@dataclass(frozen=True, slots=True)
class Reading:
    """A customer's features as of a time.

    Attributes
    ----------
    status : `fresh`, `stale` or `missing`; unless fresh, the values are those of a customer of whom nothing is known.
    fallback : why the customer's own features were not used, or None.
    values : by feature; NaN or None where unknown.
    row : shape (1, d), the same values as the policy reads them.
    """

    status: str
    fallback: str | None
    age_seconds: float | None
    position: int
    values: Mapping[str, float | int | str | None]
    row: NDArray[np.float64]


class FeatureReader:
    """Reads features for decisions.

    Parameters
    ----------
    max_age_seconds : older features are not used.
    clock_skew_seconds : a question may be dated that much before the last thing known, and is then answered as of that.
    """

    def __init__(
        self,
        features: Sequence[Feature],
        store: FeatureStore,
        journal: Journal,
        *,
        max_age_seconds: float,
        clock_skew_seconds: float,
    ) -> None:
        self.features = tuple(features)
        self._store = store
        self._journal = journal
        self._max_age_seconds = max_age_seconds
        self._skew = timedelta(seconds=clock_skew_seconds)

    def read(self, customer_id: str, *, at: datetime, unrecorded: Sequence[Interaction] = ()) -> Reading:
        """Read the features of one customer as of `at`.

        Parameters
        ----------
        unrecorded : interactions that count although the journal does not hold them: those of a dry run.

        Raises
        ------
        RequestError
            When more is known of the customer than was at `at`: a state can be carried forward, not back.
        """
        try:
            known = self._known(customer_id, unrecorded)
        except StoreError:
            return self._nothing_known(at, MISSING, "features_unavailable")
        if known is None:
            return self._nothing_known(at, MISSING, "unknown_customer")
        self._check_not_before(known, at)
        watermark = self._store.watermark()
        age = 0.0 if watermark is None else max((at - watermark).total_seconds(), 0.0)
        if age > self._max_age_seconds:
            return self._nothing_known(at, STALE, "stale_features", age=age, position=_position(known))
        return self._reading(known, at, FRESH, None, age=age)

    def values(self, customer_id: str, *, at: datetime) -> Mapping[str, float | int | str | None] | None:
        """What is known of a customer, however old it is; None when nothing is."""
        known = self._known(customer_id, ())
        return None if known is None else self._reading(known, at, FRESH, None, age=None).values

    def _known(self, customer_id: str, unrecorded: Sequence[Interaction]) -> State | None:
        stored = self._store.online_states([customer_id])[0]
        state = empty_state(self.features) if stored is None else stored
        newer = self._journal.interactions_after(customer_id, _position(state))
        if stored is None and not newer and not unrecorded:
            return None
        recorded = {interaction.message_id for _, interaction in newer}
        beyond = [interaction for interaction in unrecorded if interaction.message_id not in recorded]
        for position, interaction in newer:
            state = fold(self.features, state, interaction, position=position)
        for interaction in beyond:
            state = fold(self.features, state, interaction)
        return state

    def _nothing_known(self, at: datetime, status: str, fallback: str, *, age: float | None = None, position: int = 0) -> Reading:
        reading = self._reading(empty_state(self.features), at, status, fallback, age=age)
        return Reading(status, fallback, age, position, reading.values, reading.row)

    def _reading(self, state: State, at: datetime, status: str, fallback: str | None, *, age: float | None) -> Reading:
        values = read(self.features, stacked(self.features, [state]), np.array([microseconds(at)], dtype=np.int64))
        row = matrix(self.features, values)
        return Reading(status, fallback, age, _position(state), {name: _plain(value[0]) for name, value in values.items()}, row)

    def _check_not_before(self, state: State, at: datetime) -> None:
        known = moment(int(state[STATE_AT] or 0))
        if at < known - self._skew:
            raise RequestError(
                f"/at: {at.isoformat()} is before {known.isoformat()}, the last thing known of this customer; features "
                "cannot be taken back in time: leave 'at' out, or give a later one (the past is in the history, for training)",
                field="/at",
            )


def _position(state: State) -> int:
    return int(state[POSITION] or 0)


def _plain(value: object) -> float | int | str | None:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, float | int | str) else None
