"""The decisions to learn from: those whose outcome is known, joined to the features that were known when they were made."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from hashlib import sha256

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.errors import TrainingError
from features.lake import Lake
from training.join import Floats, States, Strings, features_at, floats, ints, strings
from training.labels import decision_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """n decisions with closed outcome windows, k arms, d features.

    Attributes
    ----------
    customer_id : whose it is, by what is known of identities today.
    at : microseconds since the epoch.
    wave : the send that a decision belonged to, or None.
    implied : whether the decision for `none` follows from the wave alone.
    arm : shape (n,), index into `arms` of what was chosen.
    eligible : shape (n, k), what could have been chosen; `none` always.
    probability : shape (n,), P(the sender chose that arm); NaN where nobody logged it and it is not estimated yet.
    estimated : shape (n,), whether the probability is an estimate.
    probabilities : shape (n, k), of every arm; NaN where not all are known and `with_estimates` has not filled them in yet.
    shared : shape (n,), whether only the chosen arm's probability is known, out of more than two arms: what is left of it is
        then shared equally among the others, which is no more than a guess.
    conversion : shape (n,), 1 where the customer converted within the window.
    value : shape (n,), money of these conversions.
    reward : shape (n,), value x margin - cost.
    features : shape (n, d), as known just before the decision, or for the service's own as it knew them; NaN where unknown.
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
    shared: NDArray[np.bool_]
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
        unknown = np.isnan(self.probabilities[:, 0])
        logged = np.where(unknown[:, None], _spread(self), self.probabilities)
        probabilities = np.where(self.estimated[:, None], estimates, logged)
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


def load_dataset(lake: Lake, states: States, catalogue: Catalogue, *, until: datetime) -> Dataset:
    """Every decision whose outcome window closed by `until`, with features as known to whoever made it.

    The service sees what became visible up to the very moment of its decision, and the contact that carries it out comes
    later. An export gives a decision and its contact the same time, so nothing of that moment was there to decide on.

    Raises
    ------
    TrainingError
        When there is no such decision.
    """
    rows = decision_rows(lake, catalogue, until=until, members=states.members().relation())
    arms = catalogue.arms
    known = np.isin(strings(rows, "touchpoint"), arms)
    dropped = int((~known).sum())
    rows = rows.filter(pa.array(known))
    if not rows.num_rows:
        raise TrainingError(
            f"no decision for {', '.join(arms)} has an outcome window of {catalogue.objective.window_days:g} days that closed by "
            f"{until:%Y-%m-%d %H:%M}; ingest decisions, or wait until windows close"
        )
    at = ints(rows, "moment")
    recorded = floats(rows, "recorded").astype(np.int64)
    names, features = features_at(states, catalogue, strings(rows, "identifier"), at - 1 + recorded)
    arm = np.array([arms.index(name) for name in rows["touchpoint"].to_pylist()], dtype=np.int64)
    eligible = _eligible(rows, arms)
    probabilities = _chances(rows, arms, arm)
    exact = ~np.isnan(probabilities[:, 0])
    probability = np.where(exact, probabilities[np.arange(len(at)), arm], floats(rows, "probability"))
    estimated = np.isnan(probability)
    costs = np.array([0.0, *(touchpoint.cost for touchpoint in catalogue.recommendable)])
    value = floats(rows, "value")
    return Dataset(
        arms=arms,
        feature_names=names,
        decision_id=strings(rows, "decision_id"),
        customer_id=strings(rows, "customer_id"),
        at=at,
        wave=strings(rows, "wave"),
        implied=floats(rows, "implied").astype(bool),
        arm=arm,
        eligible=eligible,
        probability=probability,
        estimated=estimated,
        probabilities=probabilities,
        shared=~exact & ~estimated & (eligible.sum(axis=1) > 2),
        conversion=floats(rows, "converted"),
        value=value,
        reward=value * catalogue.objective.margin - costs[arm],
        features=features,
        dropped=dropped,
    )


def _eligible(rows: pa.Table, arms: tuple[str, ...]) -> NDArray[np.bool_]:
    candidates = rows["candidates"].combine_chunks()
    eligible = np.zeros((rows.num_rows, len(arms)), dtype=bool)
    eligible[:, 0] = True
    row = candidates.value_parent_indices().to_numpy()
    name = np.asarray(candidates.flatten().to_pylist(), dtype=object)
    for index, arm in enumerate(arms):
        eligible[row[name == arm], index] = True
    return eligible


def _chances(rows: pa.Table, arms: tuple[str, ...], arm: NDArray[np.int64]) -> Floats:
    """Every arm's probability where a record tells them, else NaN.

    A record may name touchpoints that are not recommendable any more. Decisions for them are left out, so what remains was
    drawn with the probabilities given that none of them was.
    """
    lists = rows["chances"].combine_chunks()
    table = np.zeros((rows.num_rows, len(arms)))
    row, chance = lists.value_parent_indices().to_numpy(), lists.flatten()
    name = np.asarray(chance.field("touchpoint").to_pylist(), dtype=object)
    probability = np.asarray(chance.field("probability").to_numpy(zero_copy_only=False), dtype=np.float64)
    for index, known in enumerate(arms):
        table[row[name == known], index] = probability[name == known]
    told = table[np.arange(len(arm)), arm] > 0
    return np.where(told[:, None], table / np.where(told, table.sum(axis=1), 1.0)[:, None], np.nan)


def _spread(dataset: Dataset) -> Floats:
    rows = np.arange(len(dataset))
    others = dataset.eligible.copy()
    others[rows, dataset.arm] = False
    rest = (1.0 - dataset.probability) / np.maximum(others.sum(axis=1), 1)
    spread = others * rest[:, None]
    spread[rows, dataset.arm] = dataset.probability
    return np.asarray(spread)
