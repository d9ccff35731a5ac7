"""Self-normalised inverse probability scoring: a little bias for less noise, and never outside the range of the rewards."""

from features.errors import TrainingError
from training.ope.estimate import Estimate, estimate_from
from training.ope.log import FloatArray, Log
from training.ope.weights import weigh


def snips(log: Log, target: FloatArray, *, level: float = 0.95, max_weight: float | None = None) -> Estimate:
    """The weighted mean of the rewards; its interval is by the delta method.

    Parameters
    ----------
    target : shape (n, k), the target policy's probabilities, rows sum to 1.
    level : of the interval.
    max_weight : weights above it are clipped to it; None clips nothing.

    Raises
    ------
    TrainingError
        When an array does not fit, or the target never chooses what was logged, so that there is nothing to average.

    References
    ----------
    Adith Swaminathan and Thorsten Joachims, "The Self-Normalized Estimator for Counterfactual Learning", 2015.
    """
    weights = weigh(log, target, max_weight=max_weight)
    mean_weight = float(weights.values.mean())
    if mean_weight == 0.0:
        raise TrainingError("the target policy never chooses what was logged: nothing to average; look at the support first")
    value = float((weights.values * log.rewards).mean()) / mean_weight
    influence = weights.values * (log.rewards - value) / mean_weight
    return estimate_from("snips", value, influence, log, weights, level=level)
