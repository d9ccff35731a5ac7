"""Support: whether a log can speak about a policy at all, with the reasons in words when it can not."""

from dataclasses import dataclass, replace

import numpy as np

from features.errors import TrainingError
from training.ope.log import FloatArray, Log, row_sums
from training.ope.tail import tail_shape, tail_share
from training.ope.weights import Weights, weigh


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportLimits:
    """Where support becomes thin.

    Attributes
    ----------
    effective_sample_size : least number of equally weighted decisions; below it normal intervals are not to be trusted.
    overlap : least share of the target's mass on arms that the log could have held.
    probability : logged probabilities below it are called rare.
    rare_share : largest share of the target's mass on rarely logged arms.
    weight_error : farthest that the mean weight may be from the overlap, beyond four standard errors: true probabilities give
        weights whose mean is the overlap, so a mean that is far off shows wrong probabilities or missing candidates.
    tail_shape, tail_share : a tail is heavy when its shape and the share of the largest 1 % of the weights are both above these:
        then decisions that the log does not hold could change the estimate. A Pareto tail of shape 0.7 has that share.
    """

    effective_sample_size: float = 100.0
    overlap: float = 0.95
    probability: float = 0.005
    rare_share: float = 0.1
    weight_error: float = 0.25
    tail_shape: float = 0.7
    tail_share: float = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """How well a log covers a target policy.

    Attributes
    ----------
    n : decisions in the log.
    effective_sample_size : how many equally weighted decisions would tell as much.
    effective_customers : how many equally weighted customers would; the same where no customers are known.
    mean_weight : close to `overlap` when the logged probabilities are true.
    median_weight, high_weight, max_weight : quantiles 0.5, 0.99 and 1 of the weights.
    overlap : share of the target's mass on arms that the log could have held.
    rare_share : share of the target's mass on arms whose logged probability is below the limit; estimated by the weights
        where only the chosen arm's probability was logged.
    tail_share : share of the sum of the weights that the largest 1 % of them hold.
    tail_shape : how slowly the largest weights fall off, see `tail_shape`; None where too few are in the tail.
    reasons : why support is thin, in words; empty when it is not.
    """

    n: int
    effective_sample_size: float
    effective_customers: float
    mean_weight: float
    median_weight: float
    high_weight: float
    max_weight: float
    overlap: float
    rare_share: float
    tail_share: float
    tail_shape: float | None
    reasons: tuple[str, ...]

    @property
    def thin(self) -> bool:
        """Whether the log says too little about the policy."""
        return bool(self.reasons)


def support(log: Log, target: FloatArray, *, limits: SupportLimits | None = None) -> Support:
    """Diagnose how well the log covers the target policy.

    Parameters
    ----------
    target : shape (n, k), the target policy's probabilities, rows sum to 1.
    limits : where support becomes thin; None takes the defaults.

    Raises
    ------
    TrainingError
        When an array does not fit; the message names the row.
    """
    limits = limits or SupportLimits()
    if not 0.0 <= limits.probability <= 1.0:
        raise TrainingError(f"limits.probability {limits.probability} must be in [0, 1]")
    weights = weigh(log, target)
    rare_share = _rare_share(log, target, weights, limits.probability)
    shape, share = tail_shape(weights.values), tail_share(weights.values)
    median, high, largest = (float(quantile) for quantile in np.quantile(weights.values, [0.5, 0.99, 1.0]))
    return Support(
        n=len(log.rewards),
        effective_sample_size=weights.effective_sample_size,
        effective_customers=_by_customer(log, weights).effective_sample_size,
        mean_weight=float(weights.values.mean()),
        median_weight=median,
        high_weight=high,
        max_weight=largest,
        overlap=weights.overlap,
        rare_share=rare_share,
        tail_share=share,
        tail_shape=shape,
        reasons=(
            *_reasons(weights, rare_share, limits),
            *_heavy_tail(shape, share, limits),
            *_wrong_probabilities(log, target, weights, limits),
        ),
    )


def _by_customer(log: Log, weights: Weights) -> Weights:
    if log.customers is None:
        return weights
    return replace(weights, values=np.bincount(log.customers, weights=weights.values).astype(np.float64))


def _rare_share(log: Log, target: FloatArray, weights: Weights, probability: float) -> float:
    if log.all_probabilities is not None:
        return float(row_sums(target, log.all_probabilities < probability).mean())
    return min(1.0, float((weights.values * (log.probabilities < probability)).mean()))


def _reasons(weights: Weights, rare_share: float, limits: SupportLimits) -> list[str]:
    reasons = []
    if weights.overlap < limits.overlap:
        reasons.append(
            f"only {weights.overlap:.1%} of what the policy would choose could be in the log, less than {limits.overlap:.0%}"
        )
    if weights.effective_sample_size < limits.effective_sample_size:
        reasons.append(
            f"the {len(weights.values)} decisions tell as much as {weights.effective_sample_size:.1f} equally weighted ones, "
            f"fewer than {limits.effective_sample_size:g}"
        )
    if rare_share > limits.rare_share:
        reasons.append(
            f"{rare_share:.1%} of what the policy would choose was logged with a probability below {limits.probability:g}, "
            f"more than {limits.rare_share:.0%}"
        )
    return reasons


def _heavy_tail(shape: float | None, share: float, limits: SupportLimits) -> list[str]:
    if shape is None or shape <= limits.tail_shape or share <= limits.tail_share:
        return []
    return [
        f"the largest 1% of the weights hold {share:.0%} of their sum and fall off slowly (Pareto shape {shape:.2f}, more than "
        f"{limits.tail_shape:g}): a few decisions carry the estimate, and the next log's could change it"
    ]


def _wrong_probabilities(log: Log, target: FloatArray, weights: Weights, limits: SupportLimits) -> list[str]:
    """Whether the weights show it: under true probabilities their mean is the overlap, within its standard error."""
    mean, spread = weights.values.mean(), weights.values.var()
    if log.all_probabilities is not None:  # what the weights would spread by, arms that happened not to be drawn included
        ratios = np.divide(target**2, log.all_probabilities, out=np.zeros_like(target), where=log.all_probabilities > 0)
        spread = max(spread, float(ratios.sum(axis=1).mean()) - weights.overlap**2)
    error = np.sqrt(spread / len(weights.values))
    if abs(mean - weights.overlap) <= max(limits.weight_error, 4.0 * error):
        return []
    return [
        f"the weights average {mean:.2f} where true probabilities give {weights.overlap:.2f}: "
        "the log's probabilities are wrong, or its candidates are not all that could have been chosen"
    ]
