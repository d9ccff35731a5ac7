"""Self-normalised inverse probability scoring: a little bias for less noise, and never outside the range of the rewards."""

import numpy as np

from features.errors import TrainingError
from training.ope.estimate import Estimate, estimate_from
from training.ope.interval import NORMAL, Interval
from training.ope.log import FloatArray, Log
from training.ope.weights import Weights, weigh


def snips(
    log: Log, target: FloatArray, *, level: float = 0.95, max_weight: float | None = None, interval: Interval = NORMAL
) -> Estimate:
    """The weighted mean of the rewards; its standard error is by the delta method.

    Parameters
    ----------
    target : shape (n, k), the target policy's probabilities, rows sum to 1.
    level : of the interval.
    max_weight : weights above it are clipped to it; None clips nothing.
    interval : how `low` and `high` are made.

    Raises
    ------
    TrainingError
        When an array does not fit, or the target never chooses what was logged, so that there is nothing to average.

    References
    ----------
    Adith Swaminathan and Thorsten Joachims, "The Self-Normalized Estimator for Counterfactual Learning", 2015.
    """
    weights = weigh(log, target, max_weight=max_weight)
    _refuse_no_overlap(weights)
    return estimate_from("snips", log.rewards, log, weights, level=level, interval=interval, masses=weights.values)


def snips_difference(
    log: Log, target: FloatArray, other: FloatArray, *, level: float = 0.95, interval: Interval = NORMAL
) -> Estimate:
    """The value of `target` minus that of `other`, both self-normalised, paired: what the log says without a reward model.

    Parameters
    ----------
    target, other : shape (n, k), the two policies' probabilities, rows sum to 1.
    level, interval : as in `snips`.

    Raises
    ------
    TrainingError
        As in `snips`, for either policy.
    """
    weights = weigh(log, target)
    terms = snips_terms(log, weights) - snips_terms(log, weigh(log, other))
    return estimate_from("snips difference", terms, log, weights, level=level, interval=interval)


def snips_terms(log: Log, weights: Weights) -> FloatArray:
    """Shape (n,): terms whose mean is the value and whose deviations are each decision's pull at it.

    Raises
    ------
    TrainingError
        When the target never chooses what was logged.
    """
    _refuse_no_overlap(weights)
    mean_weight = float(weights.values.mean())
    value = float((weights.values * log.rewards).mean()) / mean_weight
    return np.asarray(value + weights.values * (log.rewards - value) / mean_weight)


def _refuse_no_overlap(weights: Weights) -> None:
    if not weights.values.any():
        raise TrainingError("the target policy never chooses what was logged: nothing to average; look at the support first")
