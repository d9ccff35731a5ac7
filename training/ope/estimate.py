"""A value with its interval, robust to several decisions of one customer hanging together."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from features.errors import TrainingError
from training.ope.log import FloatArray, IntArray, Log
from training.ope.weights import Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a policy would have earned per decision, or the difference of two policies.

    Attributes
    ----------
    low, high : the interval that holds the truth in a share `level` of logs; by normal approximation.
    effective_sample_size : see `Weights`.
    max_weight : the largest weight used.
    clipped : share of decisions whose weight was clipped.
    overlap : share of the target's mass on arms that the log could have held; the rest is unknown or the model's word.
    n : decisions in the log.
    """

    name: str
    value: float
    standard_error: float
    low: float
    high: float
    level: float
    effective_sample_size: float
    max_weight: float
    clipped: float
    overlap: float
    n: int


def estimate_from(name: str, value: float, influence: FloatArray, log: Log, weights: Weights, *, level: float) -> Estimate:
    """An estimate from its influence values: shape (n,), each decision's pull on the value, mean 0."""
    if not 0.0 < level < 1.0:
        raise TrainingError(f"level {level} must be between 0 and 1, such as 0.95")
    error = clustered_standard_error(influence, log.clusters)
    half_width = NormalDist().inv_cdf(0.5 + level / 2) * error
    return Estimate(
        name=name,
        value=value,
        standard_error=error,
        low=value - half_width,
        high=value + half_width,
        level=level,
        effective_sample_size=weights.effective_sample_size,
        max_weight=float(weights.values.max()),
        clipped=weights.clipped,
        overlap=weights.overlap,
        n=len(influence),
    )


def mean_estimate(name: str, terms: FloatArray, log: Log, weights: Weights, *, level: float) -> Estimate:
    """The estimate of an estimator that is a plain mean of one term per decision."""
    value = float(terms.mean())
    return estimate_from(name, value, terms - value, log, weights, level=level)


def clustered_standard_error(influence: FloatArray, clusters: IntArray | None) -> float:
    """Standard error of a mean: influence values are summed within clusters before they are squared.

    Raises
    ------
    TrainingError
        When there are fewer than two clusters.

    References
    ----------
    Kung-Yee Liang and Scott L. Zeger, "Longitudinal data analysis using generalized linear models", 1986.
    """
    sums = influence if clusters is None else _sums_within(clusters, influence)
    count = len(sums)
    if count < 2:
        raise TrainingError("all decisions are of one customer; an interval needs at least 2 customers")
    return float(np.sqrt(count / (count - 1) * (sums @ sums)) / len(influence))


def _sums_within(clusters: IntArray, influence: FloatArray) -> FloatArray:
    codes = np.unique(clusters, return_inverse=True)[1]
    return np.bincount(codes, weights=influence).astype(np.float64)
