"""Inverse probability scoring: unbiased when the logged probabilities are true, noisy when weights are large."""

from training.ope.estimate import Estimate, estimate_from
from training.ope.interval import NORMAL, Interval
from training.ope.log import FloatArray, Log
from training.ope.weights import weigh


def ips(
    log: Log, target: FloatArray, *, level: float = 0.95, max_weight: float | None = None, interval: Interval = NORMAL
) -> Estimate:
    """The mean of weight x reward.

    Parameters
    ----------
    target : shape (n, k), the target policy's probabilities, rows sum to 1.
    level : of the interval.
    max_weight : weights above it are clipped to it, which biases the value towards 0; None clips nothing.
    interval : how `low` and `high` are made.

    Raises
    ------
    TrainingError
        When an array does not fit; the message names the row.

    References
    ----------
    D. G. Horvitz and D. J. Thompson, "A generalization of sampling without replacement from a finite universe", 1952.
    """
    weights = weigh(log, target, max_weight=max_weight)
    return estimate_from("ips", weights.values * log.rewards, log, weights, level=level, interval=interval)
