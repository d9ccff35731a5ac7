"""What there is to learn from: closed decisions and snapshots, joined to the features that were known then."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.errors import TrainingError
from features.lake import Lake
from features.tables import feature_list, matrix, read
from training.labels import MICROSECONDS_PER_DAY, decision_rows, first_seen, micros, snapshot_rows

Floats = NDArray[np.float64]
Strings = NDArray[np.object_]


class States(Protocol):
    """Where the state of customers at past times comes from; the feature store is one."""

    def training_states(self, customers: Any, at: Any) -> Mapping[str, NDArray[Any]]:
        """One state per row, true at that row's time, in the order given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """n decisions with closed outcome windows, k arms, d features.

    Attributes
    ----------
    at : microseconds since the epoch.
    wave : the send that a decision belonged to, or None.
    implied : whether the decision for `none` follows from the wave alone.
    arm : shape (n,), index into `arms` of what was chosen.
    eligible : shape (n, k), what could have been chosen; `none` always.
    probability : shape (n,), P(the sender chose that arm); NaN where nobody logged it and it is not estimated yet.
    estimated : shape (n,), whether the probability is an estimate.
    probabilities : shape (n, k), of every arm; where only the chosen arm's was logged, the rest is shared equally.
    conversion : shape (n,), 1 where the customer converted within the window.
    value : shape (n,), money of these conversions.
    reward : shape (n,), value x margin - cost.
    features : shape (n, d), as known just before the decision; NaN where unknown.
    dropped : decisions left out because their touchpoint is not (any more) recommendable.
    """

    arms: tuple[str, ...]
    feature_names: tuple[str, ...]
    decision_id: Strings
    customer_id: Strings
    at: NDArray[np.int64]
    wave: Strings
    implied: NDArray[np.bool_]
    arm: NDArray[np.int64]
    eligible: NDArray[np.bool_]
    probability: Floats
    estimated: NDArray[np.bool_]
    probabilities: Floats
    conversion: Floats
    value: Floats
    reward: Floats
    features: Floats
    dropped: int = 0

    def __len__(self) -> int:
        return len(self.at)

    def where(self, rows: NDArray[np.bool_]) -> "Dataset":
        """The decisions of a mask."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _COLUMNS})

    def with_estimates(self, estimates: Floats) -> "Dataset":
        """The same decisions, with estimated probabilities, shape (n, k), wherever none was logged."""
        probabilities = np.where(self.estimated[:, None], estimates, _spread(self))
        return replace(self, probabilities=probabilities, probability=probabilities[np.arange(len(self)), self.arm])

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the names and everything observed; the same data give the same digits."""
        observed = (self.at, self.arm, self.eligible, self.conversion, self.value, self.reward, self.features)
        digest = sha256("\x1f".join((*self.arms, *self.feature_names, *self.decision_id, *self.customer_id)).encode())
        for column in (*observed, np.where(self.estimated, np.nan, self.probability)):
            digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()


_COLUMNS = tuple(field.name for field in fields(Dataset) if field.name not in ("arms", "feature_names", "dropped"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshots:
    """Customers as known at evenly spaced times, and what they did next; for churn and value.

    Attributes
    ----------
    churned : shape (n,), 1 where no conversion followed within objective.churn_days.
    converted, value : shape (n,), whether and for how much they converted within objective.window_days.
    features : shape (n, d).
    """

    customer_id: Strings
    at: NDArray[np.int64]
    churned: Floats
    converted: NDArray[np.bool_]
    value: Floats
    features: Floats

    def where(self, rows: NDArray[np.bool_]) -> "Snapshots":
        """The snapshots of a mask."""
        return replace(self, **{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def load_dataset(lake: Lake, states: States, catalogue: Catalogue, *, until: datetime) -> Dataset:
    """Every decision whose outcome window closed by `until`, with features as known just before it.

    Raises
    ------
    TrainingError
        When there is no such decision.
    """
    rows = decision_rows(lake, catalogue, until=until)
    arms = catalogue.arms
    known = np.isin(_strings(rows, "touchpoint"), arms)
    dropped = int((~known).sum())
    rows = rows.filter(pa.array(known))
    if not rows.num_rows:
        raise TrainingError(
            f"no decision for {', '.join(arms)} has an outcome window of {catalogue.objective.window_days:g} days that closed by "
            f"{until:%Y-%m-%d %H:%M}; ingest decisions, or wait until windows close"
        )
    customers, at = _strings(rows, "customer_id"), _ints(rows, "moment")
    names, features = _features(states, catalogue, customers, at)
    arm = np.array([arms.index(name) for name in rows["touchpoint"].to_pylist()], dtype=np.int64)
    probability = _floats(rows, "probability")
    costs = np.array([0.0, *(touchpoint.cost for touchpoint in catalogue.recommendable)])
    value = _floats(rows, "value")
    return Dataset(
        arms=arms,
        feature_names=names,
        decision_id=_strings(rows, "decision_id"),
        customer_id=customers,
        at=at,
        wave=_strings(rows, "wave"),
        implied=_floats(rows, "implied").astype(bool),
        arm=arm,
        eligible=_eligible(rows, arms),
        probability=probability,
        estimated=np.isnan(probability),
        probabilities=np.full((len(at), len(arms)), np.nan),
        conversion=_floats(rows, "converted"),
        value=value,
        reward=value * catalogue.objective.margin - costs[arm],
        features=features,
        dropped=dropped,
    )


def load_snapshots(lake: Lake, states: States, catalogue: Catalogue, *, until: datetime, count: int = 6) -> Snapshots:
    """Customers known at `count` times from the first interaction on, the last with all its windows closed by `until`.

    Raises
    ------
    TrainingError
        When history is shorter than the windows.
    """
    objective = catalogue.objective
    window = round(max(objective.churn_days, objective.window_days) * MICROSECONDS_PER_DAY)
    first, last = first_seen(lake), micros(until) - window
    if first is None or last <= first:
        raise TrainingError(
            f"history until {until:%Y-%m-%d} is shorter than objective.churn_days = {objective.churn_days:g} and "
            f"objective.window_days = {objective.window_days:g}; wait, or shorten them in the catalogue"
        )
    times = [first + (last - first) * step // count for step in range(1, count + 1)]
    rows = snapshot_rows(lake, catalogue, times=times)
    customers, at = _strings(rows, "customer_id"), _ints(rows, "moment")
    return Snapshots(
        customer_id=customers,
        at=at,
        churned=_floats(rows, "churned"),
        converted=_floats(rows, "converted").astype(bool),
        value=_floats(rows, "value"),
        features=_features(states, catalogue, customers, at)[1],
    )


def _features(states: States, catalogue: Catalogue, customers: Strings, at: NDArray[np.int64]) -> tuple[tuple[str, ...], Floats]:
    declared = feature_list(catalogue)
    before = at - 1  # what became visible in the moment of the decision was not there to decide on
    values = read(declared, states.training_states(customers, before), before)
    return tuple(feature.name for feature in declared), matrix(declared, values)


def _eligible(rows: pa.Table, arms: tuple[str, ...]) -> NDArray[np.bool_]:
    candidates = rows["candidates"].combine_chunks()
    eligible = np.zeros((rows.num_rows, len(arms)), dtype=bool)
    eligible[:, 0] = True
    row = candidates.value_parent_indices().to_numpy()
    name = np.asarray(candidates.flatten().to_pylist(), dtype=object)
    for index, arm in enumerate(arms):
        eligible[row[name == arm], index] = True
    return eligible


def _spread(dataset: Dataset) -> Floats:
    rows = np.arange(len(dataset))
    others = dataset.eligible.copy()
    others[rows, dataset.arm] = False
    rest = (1.0 - dataset.probability) / np.maximum(others.sum(axis=1), 1)
    spread = others * rest[:, None]
    spread[rows, dataset.arm] = dataset.probability
    return np.asarray(spread)


def _strings(rows: pa.Table, name: str) -> Strings:
    return np.asarray(rows[name].to_pylist(), dtype=object)


def _ints(rows: pa.Table, name: str) -> NDArray[np.int64]:
    return np.asarray(rows[name].to_numpy(), dtype=np.int64)


def _floats(rows: pa.Table, name: str) -> Floats:
    return np.asarray(rows[name].cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
