"""A value with its interval, robust to several decisions of one customer hanging together."""

from dataclasses import dataclass

from features.errors import TrainingError
from training.ope.influence import Influence
from training.ope.interval import Interval, IntervalKind
from training.ope.log import FloatArray, Log
from training.ope.weights import Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a policy would have earned per decision, or the difference of two policies.

    Attributes
    ----------
    low, high : the interval that holds the truth in a share `level` of logs.
    effective_sample_size : see `Weights`.
    max_weight : the largest weight used.
    clipped : share of decisions whose weight was clipped, or switched off.
    overlap : share of the target's mass on arms that the log could have held; the rest is unknown or the model's word.
    n : decisions in the log.
    interval : how `low` and `high` were made.
    span : how far apart the terms of two decisions can be, as an empirical Bernstein interval took it; None for the others.
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
    interval: IntervalKind = IntervalKind.NORMAL
    span: float | None = None


def estimate_from(
    name: str,
    terms: FloatArray,
    log: Log,
    weights: Weights,
    *,
    level: float,
    interval: Interval,
    masses: FloatArray | None = None,
) -> Estimate:
    """The mean of one term per decision, with its interval.

    Parameters
    ----------
    terms : shape (n,).
    masses : shape (n,), for a weighted mean; None weighs all decisions alike.

    Raises
    ------
    TrainingError
        When the level is none, or there are fewer than two customers.
    """
    if not 0.0 < level < 1.0:
        raise TrainingError(f"level {level} must be between 0 and 1, such as 0.95")
    value, influence = Influence.of(terms, log, masses=masses)
    ends = interval.ends(influence, level=level)
    return Estimate(
        name=name,
        value=value,
        standard_error=influence.standard_error,
        low=value + ends.below,
        high=value + ends.above,
        level=level,
        effective_sample_size=weights.effective_sample_size,
        max_weight=float(weights.values.max()),
        clipped=weights.clipped,
        overlap=weights.overlap,
        n=len(terms),
        interval=interval.kind,
        span=ends.span,
    )
