"""Doubly robust: the reward model's word, corrected by weighing its errors; right if either model or probabilities are."""

from dataclasses import replace

from training.ope.estimate import Estimate, estimate_from
from training.ope.interval import NORMAL, Interval
from training.ope.log import FloatArray, Log, check_predictions, row_sums
from training.ope.weights import Weights, weigh


def dr(
    log: Log,
    target: FloatArray,
    reward_model: FloatArray,
    *,
    level: float = 0.95,
    max_weight: float | None = None,
    interval: Interval = NORMAL,
) -> Estimate:
    """The mean of the model's expectation plus weight x (reward - prediction).

    Parameters
    ----------
    target : shape (n, k), the target policy's probabilities, rows sum to 1.
    reward_model : shape (n, k), predicted reward of every arm, cross-fitted: not by a model that saw the row's customer.
    level : of the interval.
    max_weight : weights above it are clipped to it, which leans on the model; None clips nothing.
    interval : how `low` and `high` are made.

    Raises
    ------
    TrainingError
        When an array does not fit; the message names the row.

    References
    ----------
    Miroslav Dudík, John Langford and Lihong Li, "Doubly Robust Policy Evaluation and Learning", 2011.
    """
    weights = weigh(log, target, max_weight=max_weight)
    terms = robust_terms(log, target, reward_model, weights)
    return estimate_from("dr", terms, log, weights, level=level, interval=interval)


def difference(
    log: Log,
    target: FloatArray,
    other: FloatArray,
    reward_model: FloatArray,
    *,
    level: float = 0.95,
    max_weight: float | None = None,
    interval: Interval = NORMAL,
) -> Estimate:
    """The value of `target` minus that of `other`, both doubly robust, paired decision by decision.

    What both policies do alike cancels, so the interval is much tighter than two separate ones suggest; where they do
    everything alike, the difference and its error are exactly 0. Support figures are those of the worse supported policy.

    Parameters
    ----------
    target, other : shape (n, k), the two policies' probabilities, rows sum to 1.
    reward_model, level, max_weight, interval : as in `dr`.

    Raises
    ------
    TrainingError
        When an array does not fit; the message names the row.
    """
    ours, theirs = weigh(log, target, max_weight=max_weight), weigh(log, other, max_weight=max_weight)
    terms = robust_terms(log, target, reward_model, ours) - robust_terms(log, other, reward_model, theirs)
    estimate = estimate_from("difference", terms, log, ours, level=level, interval=interval)
    return replace(
        estimate,
        effective_sample_size=min(ours.effective_sample_size, theirs.effective_sample_size),
        max_weight=max(float(ours.values.max()), float(theirs.values.max())),
        clipped=max(ours.clipped, theirs.clipped),
        overlap=min(ours.overlap, theirs.overlap),
    )


def robust_terms(log: Log, target: FloatArray, reward_model: FloatArray, weights: Weights) -> FloatArray:
    """Shape (n,): each decision's doubly robust term, whose mean is the value."""
    check_predictions(reward_model, target)
    errors = log.rewards - reward_model[log.rows, log.actions]
    return row_sums(target, reward_model) + weights.values * errors
