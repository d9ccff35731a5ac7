"""Importance weights: how much more often the target policy would have chosen what the log holds."""

from dataclasses import dataclass

import numpy as np

from features.errors import TrainingError
from training.ope.log import FloatArray, Log, check_distributions, row_sums


@dataclass(frozen=True, slots=True)
class Weights:
    """Target probability over logged probability of the logged arm, per decision.

    Attributes
    ----------
    values : shape (n,), after clipping.
    clipped : share of decisions whose weight was clipped; clipping trades variance for bias.
    overlap : share of the target's probability mass on arms that the log could have held. Where only the chosen arm's
        probability was logged: on arms that occur in the log.
    """

    values: FloatArray
    clipped: float
    overlap: float

    @property
    def effective_sample_size(self) -> float:
        """How many equally weighted decisions would tell as much: (sum of weights)^2 / sum of squares, 0 without overlap."""
        squares = float(self.values @ self.values)
        return float(self.values.sum()) ** 2 / squares if squares > 0.0 else 0.0


def weigh(log: Log, target: FloatArray, *, max_weight: float | None = None) -> Weights:
    """Weigh the log for a target policy.

    Parameters
    ----------
    target : shape (n, k), the target policy's probabilities, rows sum to 1.
    max_weight : weights above it are clipped to it; None clips nothing.

    Raises
    ------
    TrainingError
        When the target is not one distribution per decision, or `max_weight` is not positive.
    """
    check_distributions("target probabilities", target, log)
    if max_weight is not None and not max_weight > 0.0:
        raise TrainingError(f"max_weight {max_weight} must be positive; None clips nothing")
    raw = target[log.rows, log.actions] / log.probabilities
    values = raw if max_weight is None else np.minimum(raw, max_weight)
    return Weights(values, clipped=float((raw > values).mean()), overlap=_overlap(log, target))


def _overlap(log: Log, target: FloatArray) -> float:
    if log.all_probabilities is not None:
        return float(row_sums(target, log.all_probabilities > 0.0).mean())
    occurs = np.bincount(log.actions, minlength=target.shape[1]) > 0
    return float(target[:, occurs].sum(axis=1).mean())
