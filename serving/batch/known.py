"""What is known of some thousands of customers as of now: read in a few questions, and features as columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.contacts import looks_back
from features.domain import Consent
from features.experiment import Arm, arm_of
from features.instants import microseconds
from features.journal import Identity, Journal
from features.settings import Settings
from features.store import FeatureStore
from features.tables import STATE_AT, Feature, State, combine, empty_state, matrix, read, stacked
from serving.deciding.contacts import RecentContacts, known_consents, recent_contacts
from serving.deciding.situations import Fact, trait_of
from serving.deciding.state import up_to_date

Columns = Mapping[str, NDArray[np.float64] | NDArray[np.object_]]


class Facts:
    """Of many customers everything that a condition may name, made only where one does."""

    def __init__(self, values: Columns) -> None:
        traits = {f"trait.{trait}": name for name in values if (trait := trait_of(name)) is not None}
        self._values, self._columns = values, {name: name for name in values} | traits
        self._plain: dict[str, list[Fact]] = {}

    @property
    def names(self) -> Mapping[str, str]:
        """What may be named, and the feature that it is the value of."""
        return self._columns

    def column(self, name: str) -> list[Fact]:
        """One fact of every customer; KeyError where there is none of that name."""
        if name not in self._plain:
            self._plain[name] = [_plain(value) for value in self._values[self._columns[name]].tolist()]
        return self._plain[name]


class FactsOf(Mapping[str, Fact]):
    """The facts of one of them."""

    __slots__ = ("_facts", "_row")

    def __init__(self, facts: Facts, row: int) -> None:
        self._facts, self._row = facts, row

    def __getitem__(self, name: str) -> Fact:
        return self._facts.column(name)[self._row]

    def __iter__(self) -> Iterator[str]:
        return iter(self._facts.names)

    def __len__(self) -> int:
        return len(self._facts.names)


@dataclass(frozen=True, slots=True)
class Known:
    """N customers as of one time.

    Attributes
    ----------
    states : up to date, of what the journal holds as well; None where nothing is known.
    fallbacks : why a customer's own features are not used, or None.
    rows : shape (n, d), as policies read features.
    """

    identities: Sequence[Identity]
    arms: Sequence[Arm]
    contacts: Sequence[RecentContacts]
    consents: Sequence[tuple[Consent, ...]]
    states: Sequence[State | None]
    fallbacks: Sequence[str | None]
    facts: Facts
    rows: NDArray[np.float64]


class Reader:
    """Reads what `Decider` reads, of many customers at once."""

    def __init__(self, catalogue: Catalogue, store: FeatureStore, journal: Journal, settings: Settings) -> None:
        self._catalogue, self._store, self._journal = catalogue, store, journal
        self._features: tuple[Feature, ...] = store.features
        self._nothing = empty_state(self._features)
        self._back = looks_back(catalogue)
        self._skew = timedelta(seconds=settings.clock_skew_seconds)
        self._oldest = settings.features_max_age_seconds

    def known(self, identities: Sequence[Identity], *, at: datetime) -> Known:
        """Read; who is known of beyond `at`, so that nobody could be told anything as of then, is left out.

        Raises
        ------
        StoreError
            When store or journal cannot answer: a file for everybody is not made of what nobody could read.
        """
        states = self._states(identities)
        latest = microseconds(at + self._skew)
        kept = [row for row, state in enumerate(states) if state is None or int(state[STATE_AT] or 0) <= latest]
        identities, states = [identities[row] for row in kept], [states[row] for row in kept]
        old = "stale_features" if self._is_stale(at) else None
        fallbacks = ["unknown_customer" if state is None else old for state in states]
        values = self._values([None if why else state for why, state in zip(fallbacks, states, strict=True)], at)
        customers, since = [each.identifiers for each in identities], at - self._back
        contacts, consents = self._journal.many.contacts_of(customers, since), self._journal.many.consents_of(customers)
        return Known(
            identities=identities,
            arms=[arm_of(names, self._catalogue) for names in customers],
            contacts=[recent_contacts(each, since=since, at=at) for each in contacts],
            consents=[known_consents(each, at=at) for each in consents],
            states=states,
            fallbacks=fallbacks,
            facts=Facts(values),
            rows=matrix(self._features, values),
        )

    def _states(self, identities: Sequence[Identity]) -> list[State | None]:
        names = list(chain.from_iterable(each.identifiers for each in identities))
        states = up_to_date(self._features, names, store=self._store, journal=self._journal)
        return [self._combined([states[name] for name in each.identifiers if name in states]) for each in identities]

    def _combined(self, known: Sequence[State]) -> State | None:
        return combine(self._features, known) if len(known) > 1 else known[0] if known else None

    def _is_stale(self, at: datetime) -> bool:
        watermark = self._store.watermark()
        return watermark is not None and (at - watermark).total_seconds() > self._oldest

    def _values(self, states: Sequence[State | None], at: datetime) -> Columns:
        columns = stacked(self._features, [state or self._nothing for state in states])
        return read(self._features, columns, np.full(len(states), microseconds(at), dtype=np.int64))


def _plain(value: object) -> Fact:
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if isinstance(value, str) else None
