"""What is known of a customer at a time: the online rows of the feature store, plus what the journal holds beyond each of them.

A state is kept per identifier, under which its interactions were captured; those of one customer's identifiers combine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from features.domain import Interaction
from features.errors import RequestError, StoreError
from features.instants import microseconds, moment
from features.journal import Identity, Journal
from features.store import FeatureStore
from features.tables import POSITION, STATE_AT, Feature, SingleReader, State, combine, empty_state, fold

FRESH, STALE, MISSING = "fresh", "stale", "missing"

Stored = Mapping[str, State | None]
"""By identifier, the state in the online store; None for one that has none."""

Newer = Mapping[str, Sequence[tuple[int, Interaction]]]
"""By identifier, what the journal holds beyond the position of its stored state."""

_MOST_RECORDED = 1_000  # as many as come with one question
_BEYOND_ALL = 2**62


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
        self._single = SingleReader(self.features)
        self._empty = empty_state(self.features)
        self._store = store
        self._journal = journal
        self._max_age_seconds = max_age_seconds
        self._skew = timedelta(seconds=clock_skew_seconds)

    def identity(self, names: Sequence[str]) -> Identity:
        """Whose they are today; where they are of different customers, those of the first name of whom anything is known.

        Parameters
        ----------
        names : identifiers of one person, strongest first; with a customer_id in front, it is that customer.
        """
        identities = {identity.customer_id: identity for identity in map(self._journal.identity_of, names)}
        if len(identities) > 1:
            for identity in identities.values():
                if len(identity.identifiers) > 1 or self._is_known(identity.identifiers):
                    return identity
        return next(iter(identities.values()))

    def read(self, identifiers: Sequence[str], *, at: datetime, unrecorded: Sequence[Interaction] = ()) -> Reading:
        """Read the features of one customer as of `at`.

        Parameters
        ----------
        identifiers : all of the customer's.
        unrecorded : interactions that count although the journal does not hold them: those of a dry run.

        Raises
        ------
        RequestError
            When more is known of the customer than was at `at`: a state can be carried forward, not back.
        """
        stored = self.stored(identifiers)
        try:
            newer = self._journal.interactions_after_each(positions(identifiers, stored))
        except StoreError:
            stored, newer = None, {}
        return self.reading(identifiers, stored, newer, at=at, unrecorded=unrecorded)

    def stored(self, identifiers: Sequence[str]) -> Stored | None:
        """The states in the online store; None when it cannot answer."""
        try:
            return dict(zip(identifiers, self._store.online_states(identifiers), strict=True))
        except StoreError:
            return None

    def reading(
        self,
        identifiers: Sequence[str],
        stored: Stored | None,
        newer: Newer,
        *,
        at: datetime,
        unrecorded: Sequence[Interaction] = (),
    ) -> Reading:
        """The features as of `at`, of what was found in the online store, None where it could not answer, and beyond it.

        Raises
        ------
        RequestError
            As `read`.
        """
        if stored is None:
            return self._nothing_known(at, MISSING, "features_unavailable")
        known = self._known(identifiers, stored, newer, unrecorded)
        if known is None:
            return self._nothing_known(at, MISSING, "unknown_customer")
        self._check_not_before(known, at)
        watermark = self._store.watermark()
        age = 0.0 if watermark is None else max((at - watermark).total_seconds(), 0.0)
        if age > self._max_age_seconds:
            return self._nothing_known(at, STALE, "stale_features", age=age, position=_position(known))
        return self._reading(known, at, FRESH, None, age=age)

    def values(self, identifiers: Sequence[str], *, at: datetime) -> Mapping[str, float | int | str | None] | None:
        """What is known of a customer, however old it is; None when nothing is."""
        states = up_to_date(self.features, identifiers, store=self._store, journal=self._journal)
        known = combine(self.features, list(states.values())) if states else None
        return None if known is None else self._reading(known, at, FRESH, None, age=None).values

    def _known(self, identifiers: Sequence[str], stored: Stored, newer: Newer, unrecorded: Sequence[Interaction]) -> State | None:
        states = _folded(self.features, stored, newer)
        if not states and not unrecorded:
            return None
        state = next(iter(states.values())) if len(states) == 1 else combine(self.features, list(states.values()))
        for interaction in self.without_recorded(identifiers, unrecorded):
            state = fold(self.features, state, interaction)
        return state

    def _is_known(self, identifiers: Sequence[str]) -> bool:
        try:
            return bool(up_to_date(self.features, identifiers, store=self._store, journal=self._journal))
        except StoreError:
            return False  # as `read` has it

    def without_recorded(self, identifiers: Sequence[str], unrecorded: Sequence[Interaction]) -> list[Interaction]:
        """Those of the interactions that the journal does not hold."""
        recorded = self._journal.interactions_of(identifiers, _MOST_RECORDED) if unrecorded else ()
        known = {interaction.message_id for interaction in recorded}
        return [interaction for interaction in unrecorded if interaction.message_id not in known]

    def _nothing_known(self, at: datetime, status: str, fallback: str, *, age: float | None = None, position: int = 0) -> Reading:
        reading = self._reading(self._empty, at, status, fallback, age=age)
        return Reading(status, fallback, age, position, reading.values, reading.row)

    def _reading(self, state: State, at: datetime, status: str, fallback: str | None, *, age: float | None) -> Reading:
        values, row = self._single.read(state, microseconds(at))
        return Reading(status, fallback, age, _position(state), values, row)

    def _check_not_before(self, state: State, at: datetime) -> None:
        known = moment(int(state[STATE_AT] or 0))
        if at < known - self._skew:
            raise RequestError(
                f"/at: {at.isoformat()} is before {known.isoformat()}, the last thing known of this customer; features "
                "cannot be taken back in time: leave 'at' out, or give a later one (the past is in the history, for training)",
                field="/at",
            )


def up_to_date(
    features: Sequence[Feature], identifiers: Sequence[str], *, store: FeatureStore, journal: Journal
) -> dict[str, State]:
    """The state of each identifier of which anything is known, with what the journal holds beyond its position.

    Raises
    ------
    StoreError
        When store or journal cannot answer.
    """
    stored = dict(zip(identifiers, store.online_states(identifiers), strict=True))
    return _folded(features, stored, journal.interactions_after_each(positions(identifiers, stored)))


def positions(identifiers: Sequence[str], stored: Stored | None) -> dict[str, int]:
    """Beyond which position the journal has to be read, by identifier; nothing of it where no states could be had."""
    if stored is None:
        return dict.fromkeys(identifiers, _BEYOND_ALL)
    return {name: 0 if state is None else _position(state) for name, state in stored.items()}


def _folded(features: Sequence[Feature], stored: Stored, newer: Newer) -> dict[str, State]:
    states: dict[str, State] = {}
    for name, state in stored.items():
        if state is None and not newer.get(name):
            continue
        states[name] = empty_state(features) if state is None else state
        for position, interaction in newer.get(name, ()):
            states[name] = fold(features, states[name], interaction, position=position)
    return states


def _position(state: State) -> int:
    return int(state[POSITION] or 0)
