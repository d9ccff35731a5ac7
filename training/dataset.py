"""The decisions to learn from: those whose outcome is known, joined to the features that were known when they were made."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.domain import NONE
from features.errors import TrainingError
from features.instants import DAY
from features.lake import Lake
from training.join import Floats, States, Strings, features_at, floats, ints, strings
from training.labels import closing_key, closing_time, decision_rows
from training.policy import Terms
from training.reward import contact_columns, observed_reward, recent_contacts
from training.splits import sampled_customers


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
    churned : shape (n,), 1 where no conversion followed within objective.churn_days; NaN without objective.lifetime_days.
    unsubscribed : shape (n,), 1 where the customer refused further contacts within the window.
    reward : shape (n,), money that followed; see `observed_reward`. What leaving costs is in it after `with_lifetime` only.
    experiment : the arm of the experiment that the customer was in, `treatment` where nobody says.
    features : shape (n, d), as known just before the decision, or for the service's own as it knew them; NaN where unknown.
    dropped : decisions left out because their touchpoint is not (any more) recommendable.
    deferred : decisions left out because they were never carried out.
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
    churned: Floats
    unsubscribed: Floats
    reward: Floats
    experiment: Strings
    features: Floats
    dropped: int = 0
    deferred: int = 0

    def __len__(self) -> int:
        return len(self.at)

    def where(self, rows: NDArray[np.bool_]) -> "Dataset":
        """The decisions of a mask."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _COLUMNS})

    def sampled(self, most: int, *, seed: int) -> "Dataset":
        """At most so many decisions, of customers drawn at random, each with all of theirs; all where there are no more."""
        return self if len(self) <= most else self.where(sampled_customers(self.customer_id, most=most, seed=seed))

    def with_lifetime(self, lifetime: Floats) -> "Dataset":
        """The same decisions, with what their customers' leaving costs in the reward.

        Parameters
        ----------
        lifetime : shape (n,), profit that each customer would bring later on by staying; predicted from other customers, lest
            what one did be in what is expected of them.
        """
        return replace(self, reward=self.reward - self.churned * lifetime)

    def with_estimates(self, estimates: Floats) -> "Dataset":
        """The same decisions, with estimated probabilities, shape (n, k), wherever none was logged."""
        probabilities = np.where(self.estimated[:, None], estimates, self._logged)
        return replace(self, probabilities=probabilities, probability=probabilities[np.arange(len(self)), self.arm])

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the names and everything observed; the same data give the same digits."""
        words = (self.arms, self.feature_names, self.decision_id, self.customer_id, self.experiment, self.wave)
        digest = sha256("\x1e".join("\x1f".join(map(str, each)) for each in words).encode())
        outcomes = (self.conversion, self.value, self.churned, self.unsubscribed, self.reward)
        logged = np.where(self.estimated[:, None], np.nan, self._logged)
        for column in (self.at, self.arm, self.implied, self.eligible, self.shared, *outcomes, self.features, logged):
            digest.update(np.ascontiguousarray(column).reshape(-1).view(np.uint8).data)
        return digest.hexdigest()

    @property
    def _logged(self) -> Floats:
        """Shape (n, k), every arm's probability as far as logged: where the chosen one's is all, the rest is shared equally."""
        rows = np.arange(len(self))
        others = self.eligible.copy()
        others[rows, self.arm] = False
        rest = (1.0 - self.probability) / np.maximum(others.sum(axis=1), 1)
        spread = others * rest[:, None]
        spread[rows, self.arm] = self.probability
        return np.where(np.isnan(self.probabilities[:, :1]), spread, self.probabilities)


_COLUMNS = tuple(field.name for field in fields(Dataset) if field.name not in ("arms", "feature_names", "dropped", "deferred"))


def load_dataset(lake: Lake, states: States, catalogue: Catalogue, *, until: datetime) -> Dataset:
    """Every decision whose windows closed by `until`, with features as known to whoever made it.

    The service sees what became visible up to the very moment of its decision, and the contact that carries it out comes
    later. An export gives a decision and its contact the same time, so nothing of that moment was there to decide on.

    Raises
    ------
    TrainingError
        When there is no such decision.
    """
    rows = decision_rows(lake, catalogue, until=until, members=states.members().relation())
    rows, deferred = _only(rows, floats(rows, "activated") > 0)
    arms = catalogue.arms
    rows, dropped = _only(rows, np.isin(strings(rows, "touchpoint"), arms))
    if not rows.num_rows:
        raise TrainingError(
            f"no decision for {', '.join(arms)} has windows of {closing_time(catalogue) / DAY:g} days ({closing_key(catalogue)}) "
            f"that closed by {until:%Y-%m-%d %H:%M}; ingest decisions, or wait until windows close"
        )
    at = ints(rows, "moment")
    recorded = floats(rows, "recorded").astype(np.int64)
    names, features = features_at(states, catalogue, strings(rows, "identifier"), at - 1 + recorded)
    arm = _indices(rows["touchpoint"], arms)
    eligible = _eligible(rows, arms, arm)
    probabilities = _chances(rows, arms, arm)
    exact = ~np.isnan(probabilities[:, 0])
    probability = np.where(exact, probabilities[np.arange(len(at)), arm], floats(rows, "probability"))
    estimated = np.isnan(probability)
    conversion, value, unsubscribed = (floats(rows, name) for name in ("converted", "value", "unsubscribed"))
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
        conversion=conversion,
        value=value,
        churned=floats(rows, "churned"),
        unsubscribed=unsubscribed,
        reward=observed_reward(
            Terms.of(catalogue),
            arm,
            conversion=conversion,
            value=value,
            unsubscribed=unsubscribed,
            recent_contacts=recent_contacts(features, contact_columns(names)),
        ),
        experiment=strings(rows, "arm"),
        features=features,
        dropped=dropped,
        deferred=deferred,
    )


def _only(rows: pa.Table, kept: NDArray[np.bool_]) -> tuple[pa.Table, int]:
    return rows.filter(pa.array(kept)), int((~kept).sum())


def _indices(names: pa.Array | pa.ChunkedArray, arms: tuple[str, ...]) -> NDArray[np.int64]:
    """Which arm each name is, shape (n,); -1 for none of them."""
    found = pc.index_in(names, value_set=pa.array(arms, pa.string()))
    return np.asarray(found.cast(pa.int64()).fill_null(-1).to_numpy(), dtype=np.int64)


def _eligible(rows: pa.Table, arms: tuple[str, ...], arm: NDArray[np.int64]) -> NDArray[np.bool_]:
    """What could have been chosen; doing nothing could, unless the record says that it was no choice."""
    candidates, chances = rows["candidates"].combine_chunks(), rows["chances"].combine_chunks()
    eligible = np.zeros((rows.num_rows, len(arms)), dtype=bool)
    row, index = candidates.value_parent_indices().to_numpy(), _indices(candidates.flatten(), arms)
    eligible[row[index >= 0], index[index >= 0]] = True
    told = chances.flatten()
    compelled = pc.and_(pc.equal(told.field("touchpoint"), NONE), pc.invert(told.field("eligible")))
    eligible[:, 0] = True
    eligible[chances.value_parent_indices().filter(compelled).to_numpy(), 0] = False
    eligible[np.arange(len(arm)), arm] = True
    return eligible


def _chances(rows: pa.Table, arms: tuple[str, ...], arm: NDArray[np.int64]) -> Floats:
    """Every arm's probability where a record tells them, else NaN.

    A record may name touchpoints that are not recommendable any more. Decisions for them are left out, so what remains was
    drawn with the probabilities given that none of them was.
    """
    lists = rows["chances"].combine_chunks()
    table = np.zeros((rows.num_rows, len(arms)))
    row, chance = lists.value_parent_indices().to_numpy(), lists.flatten()
    index = _indices(chance.field("touchpoint"), arms)
    probability = np.asarray(chance.field("probability").to_numpy(zero_copy_only=False), dtype=np.float64)
    table[row[index >= 0], index[index >= 0]] = probability[index >= 0]
    told = table[np.arange(len(arm)), arm] > 0
    return np.where(told[:, None], table / np.where(told, table.sum(axis=1), 1.0)[:, None], np.nan)
