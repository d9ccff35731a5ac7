"""The tail of the weights: whether a few decisions, or some that are not even in the log, carry the estimate."""

import numpy as np

from training.ope.log import FloatArray

_LEAST = 20  # decisions in the tail, to tell its shape at all


def tail_share(weights: FloatArray, *, top: float = 0.01) -> float:
    """The share of the sum of the weights that the largest ones hold, one decision at least; 0 where all are 0.

    >>> tail_share(np.array([97.0] + [1.0] * 99))
    0.49489795918367346
    """
    count = max(round(top * len(weights)), 1)
    total = float(weights.sum())
    return float(np.partition(weights, -count)[-count:].sum()) / total if total > 0.0 else 0.0


def tail_shape(weights: FloatArray) -> float | None:
    """The shape k of the Pareto distribution that the largest weights follow; None where too few are in the tail.

    Below 0 the weights have an upper bound, above 0.5 their variance is infinite, above 1 their mean.

    References
    ----------
    Jin Zhang and Michael A. Stephens, "A new and efficient estimation method for the generalized Pareto distribution", 2009.
    Aki Vehtari, Daniel Simpson, Andrew Gelman, Yuling Yao and Jonah Gabry, "Pareto smoothed importance sampling", 2024 (how many
    weights are the tail, and that estimates fail with k above 0.7).
    """
    count = int(min(0.2 * len(weights), 3.0 * np.sqrt(len(weights))))
    if count < _LEAST:
        return None
    ordered = np.sort(weights)
    excess = ordered[-count:] - ordered[-count - 1]
    excess = excess[excess > 0.0]
    return _shape(excess) if len(excess) >= _LEAST else None


def _shape(excess: FloatArray) -> float:
    """By the posterior mean of the scale parameter over a grid; `excess` is ascending and positive."""
    n = len(excess)
    points = 30 + int(np.sqrt(n))
    quartile = excess[int(n / 4 + 0.5) - 1]
    grid = 1.0 / excess[-1] + (1.0 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))) / (3.0 * quartile)
    shapes = np.log1p(-grid[:, None] * excess).mean(axis=1)
    level = np.abs(shapes) < 1e-12  # an exponential tail, where shape and scale go to 0 together
    rate = np.where(level, 1.0 / excess.mean(), -grid / np.where(level, 1.0, shapes))
    likelihood = n * (np.log(rate) - shapes - 1.0)
    posterior = np.exp(likelihood - likelihood.max())
    scale = float(posterior @ grid / posterior.sum())
    return float(np.log1p(-scale * excess).mean())
