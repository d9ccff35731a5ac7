"""The log that policies are evaluated on: what was chosen, with which probability, and what it earned."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.errors import TrainingError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]

_OFF = 1e-6  # that a distribution's sum may be from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """n logged decisions over k arms.

    Attributes
    ----------
    rewards : shape (n,), what each decision earned, in money or conversions.
    actions : shape (n,), index of the chosen arm.
    probabilities : shape (n,), P(the logging policy chose that arm), in (0, 1]. They may be estimated ones; then intervals
        are too narrow, because they do not include the error of that estimate.
    clusters : shape (n,), code of the customer, since one customer's decisions are not independent; None: all are.
    all_probabilities : shape (n, k), P(the logging policy chooses the arm) for every arm, where known.
    customers : shape (n,), the clusters numbered from 0 without gaps, in their order; None where there are none.

    Raises
    ------
    TrainingError
        When shapes differ, or a row holds what is no reward or no probability; the message names the row.
    """

    rewards: FloatArray
    actions: IntArray
    probabilities: FloatArray
    clusters: IntArray | None = None
    all_probabilities: FloatArray | None = None
    customers: IntArray | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        n = len(self.rewards)
        for name in ("rewards", "actions", "probabilities", "clusters"):
            column = getattr(self, name)
            if column is not None and column.shape != (n,):
                raise TrainingError(f"{name} of shape {column.shape} must be ({n},), one per decision")
        if n < 2:
            raise TrainingError(f"a log of {n} decisions has no interval; at least 2 are needed")
        if not np.issubdtype(self.actions.dtype, np.integer):
            raise TrainingError(f"actions of type {self.actions.dtype} must be integers, the indices of arms")
        refuse_rows("reward", self.rewards, ~np.isfinite(self.rewards), rule="must be finite")
        refuse_rows("action", self.actions, self.actions < 0, rule="must be the index of an arm")
        in_range = (self.probabilities > 0.0) & (self.probabilities <= 1.0)
        refuse_rows("logged probability", self.probabilities, ~in_range, rule="must be in (0, 1]")
        if self.all_probabilities is not None:
            self._check_all_probabilities(self.all_probabilities)
        if self.clusters is not None:
            object.__setattr__(self, "customers", np.unique(self.clusters, return_inverse=True)[1])

    def _check_all_probabilities(self, table: FloatArray) -> None:
        check_distributions("logged probabilities", table, self)
        chosen = table[self.rows, self.actions]
        differs = ~np.isclose(chosen, self.probabilities, rtol=1e-6, atol=1e-9)
        refuse_rows("logged probability", self.probabilities, differs, rule="must be that of the chosen arm in all_probabilities")

    @property
    def rows(self) -> IntArray:
        """Shape (n,): the row numbers, for picking the chosen arm's column out of (n, k) tables."""
        return np.arange(len(self.rewards))


def check_distributions(name: str, table: FloatArray, log: Log) -> None:
    """Refuse a table that is not one distribution over the arms per decision of the log."""
    if table.ndim != 2 or len(table) != len(log.rewards):
        raise TrainingError(f"{name} of shape {table.shape} must be ({len(log.rewards)}, k), one row per decision")
    refuse_rows("action", log.actions, log.actions >= table.shape[1], rule=f"must be below {table.shape[1]}, the number of arms")
    off = np.einsum("ij->i", table) - 1.0
    # of all at once, as nearly always nothing is wrong; no comparison holds for NaN, which both extremes pass on
    if not (table.min() >= 0.0 and table.max() <= 1.0 and off.min() > -_OFF and off.max() < _OFF):
        in_range = ((table >= 0.0) & (table <= 1.0)).all(axis=1)
        refuse_rows(name, table, ~(in_range & (np.abs(off) < _OFF)), rule="must be in [0, 1] and sum to 1")


def row_sums(one: FloatArray, other: NDArray[Any]) -> FloatArray:
    """Shape (n,): of each row of two tables the sum of the products, without making a table of them."""
    both: tuple[NDArray[Any], ...] = one, other
    return np.asarray(np.einsum("ij,ij->i", *both))


def check_predictions(reward_model: FloatArray, target: FloatArray) -> None:
    """Refuse predictions that do not give one finite reward per decision and arm."""
    if reward_model.shape != target.shape:
        raise TrainingError(f"reward model of shape {reward_model.shape} must be {target.shape}, as the target is")
    if not np.isfinite(reward_model.min() + reward_model.max()):
        refuse_rows("prediction", reward_model, np.asarray(~np.isfinite(reward_model).all(axis=1)), rule="must be finite")


def refuse_rows(name: str, values: NDArray[np.generic], refused: BoolArray, *, rule: str) -> None:
    """Raise about the first refused row, if there is one."""
    if refused.any():
        row = int(refused.argmax())
        others = int(refused.sum()) - 1
        more = f" (and {others} rows more)" if others else ""
        raise TrainingError(f"row {row}: {name} {values[row].tolist()} {rule}{more}")
