"""Doubly robust with a switch: where a weight is too large to be trusted, the reward model's word stands uncorrected."""

from dataclasses import replace

import numpy as np

from features.errors import TrainingError
from training.ope.dr import robust_terms
from training.ope.estimate import Estimate, estimate_from
from training.ope.influence import Influence
from training.ope.interval import NORMAL, Interval
from training.ope.log import FloatArray, Log, row_sums
from training.ope.weights import Weights, weigh

_GRID = 21
_QUANTILES = (0.05, 0.95)


def switch_dr(
    log: Log,
    target: FloatArray,
    reward_model: FloatArray,
    *,
    threshold: float | None = None,
    level: float = 0.95,
    interval: Interval = NORMAL,
) -> Estimate:
    """`dr`, without the correction of decisions whose weight is above the threshold.

    The interval knows nothing of the bias that switching brings, nor of the choice of the threshold.

    Parameters
    ----------
    target : shape (n, k), the target policy's probabilities, rows sum to 1.
    reward_model : shape (n, k), predicted reward of every arm, cross-fitted: not by a model that saw the row's customer.
    threshold : the largest weight to trust: 0 is the direct method, infinity is `dr`. None takes that of `switch_threshold`.
    level : of the interval.
    interval : how `low` and `high` are made.

    Raises
    ------
    TrainingError
        When an array does not fit; the message names the row. When the threshold is negative.

    References
    ----------
    Yu-Xiang Wang, Alekh Agarwal and Miroslav Dudík, "Optimal and Adaptive Off-policy Evaluation in Contextual Bandits", 2017.
    """
    if threshold is None:
        threshold = switch_threshold(log, target, reward_model)
    if not threshold >= 0.0:
        raise TrainingError(f"threshold {threshold} must be 0 or more; None chooses one")
    weights = _switched(weigh(log, target), threshold)
    terms = robust_terms(log, target, reward_model, weights)
    return estimate_from("switch_dr", terms, log, weights, level=level, interval=interval)


def switch_threshold(log: Log, target: FloatArray, reward_model: FloatArray, *, reward_span: float | None = None) -> float:
    """The threshold of the least bound on the mean squared error: variance plus the square of the largest possible bias.

    Of 21 thresholds between the 5 % and the 95 % quantile of the weights, spaced evenly on a logarithmic scale, and of infinity.
    Where switching could bias the value by more than it can save, that is infinity: `dr` itself.

    Parameters
    ----------
    target, reward_model : as in `switch_dr`.
    reward_span : how far the model can be from the truth; None takes the range of the log's rewards.

    Raises
    ------
    TrainingError
        When an array does not fit; the message names the row.

    References
    ----------
    Wang, Agarwal and Dudík, 2017, as in `switch_dr`: section 4, adaptive estimation.
    """
    weights = weigh(log, target)
    largest_bias = float(np.ptp(log.rewards)) if reward_span is None else reward_span
    terms = robust_terms(log, target, reward_model, weights)
    uncorrected = row_sums(target, reward_model)
    best, least = np.inf, Influence.of(terms, log)[1].standard_error ** 2
    for threshold in _grid(weights.values):
        switched = np.where(weights.values <= threshold, terms, uncorrected)
        variance = Influence.of(switched, log)[1].standard_error ** 2
        bound = variance + (largest_bias * _mass_above(threshold, log, target, weights.values)) ** 2
        if bound < least:
            best, least = threshold, bound
    return best


def _switched(weights: Weights, threshold: float) -> Weights:
    trusted = weights.values <= threshold
    return replace(weights, values=np.where(trusted, weights.values, 0.0), clipped=float(1.0 - trusted.mean()))


def _grid(weights: FloatArray) -> list[float]:
    positive = weights[weights > 0.0]
    if not len(positive):
        return []
    low, high = np.quantile(positive, _QUANTILES)
    return [float(threshold) for threshold in np.geomspace(low, high, _GRID)]


def _mass_above(threshold: float, log: Log, target: FloatArray, weights: FloatArray) -> float:
    """Share of the target's mass on arms that the log could have held, but with a weight above the threshold."""
    known = log.all_probabilities
    if known is None:
        return float((weights * (weights > threshold)).mean())
    return float(row_sums(target, (known > 0.0) & (target > threshold * known)).mean())
