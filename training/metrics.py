"""How good predictions are, each figure with an interval that counts customers, not rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.splits import numbered

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], float]
"""A figure computed with one weight per row."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure with its 95 % interval; NaN where the rows cannot tell."""

    name: str
    value: float
    low: float
    high: float


def binary_metrics(
    label: Floats, predicted: Floats, customers: NDArray[np.object_], *, rng: np.random.Generator, replicates: int = 200
) -> tuple[Metric, ...]:
    """AUC, average precision, Brier score, calibration error and lift at 10 % of predicted probabilities."""
    ranked = Ranked.of(label, predicted)
    bins = equal_count_bins(predicted, 10)
    statistics: dict[str, Statistic] = {
        "auc": ranked.auc,
        "average_precision": ranked.average_precision,
        "brier": lambda weight: float(np.average((predicted - label) ** 2, weights=weight)),
        "calibration_error": lambda weight: calibration_error(label, predicted, bins, weight),
        "lift_at_10_percent": lambda weight: ranked.lift(0.1, weight),
    }
    return with_intervals(statistics, customers, rng=rng, replicates=replicates)


def amount_metrics(
    value: Floats, predicted: Floats, customers: NDArray[np.object_], *, rng: np.random.Generator, replicates: int = 200
) -> tuple[Metric, ...]:
    """Mean absolute error, and the mean prediction over the mean value (1 is right in the mean)."""
    statistics: dict[str, Statistic] = {
        "mean_absolute_error": lambda weight: float(np.average(np.abs(predicted - value), weights=weight)),
        "mean_ratio": lambda weight: float((weight @ predicted) / (weight @ value)),
    }
    return with_intervals(statistics, customers, rng=rng, replicates=replicates)


def with_intervals(
    statistics: Mapping[str, Statistic], customers: NDArray[np.object_], *, rng: np.random.Generator, replicates: int
) -> tuple[Metric, ...]:
    """Each statistic on all rows, and its 2.5 and 97.5 percentiles when customers are drawn with replacement."""
    row_of, count = numbered(customers)
    everyone = np.ones(len(customers))
    drawn = {name: np.full(replicates, np.nan) for name in statistics}
    for replicate in range(replicates):
        weight = rng.multinomial(count, np.full(count, 1 / count)).astype(np.float64)[row_of]
        for name, statistic in statistics.items():
            drawn[name][replicate] = statistic(weight)
    return tuple(_metric(name, statistic(everyone), drawn[name]) for name, statistic in statistics.items())


def _metric(name: str, value: float, drawn: Floats) -> Metric:
    known = drawn[np.isfinite(drawn)]
    low, high = np.percentile(known, [2.5, 97.5]) if len(known) else (np.nan, np.nan)
    return Metric(name, value, float(low), float(high))


@dataclass(frozen=True, slots=True)
class Ranked:
    """Rows from the highest prediction to the lowest, ties in one group; sorted once, weighted often.

    Attributes
    ----------
    order : row numbers, best first.
    starts : where each group of equal predictions starts in `order`.
    positive : labels in that order.
    """

    order: NDArray[np.int64]
    starts: NDArray[np.int64]
    positive: Floats

    @classmethod
    def of(cls, label: Floats, predicted: Floats) -> "Ranked":
        """Rank rows by their prediction."""
        order = np.argsort(-predicted, kind="stable")
        ordered = predicted[order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        return cls(order, starts, label[order])

    def auc(self, weight: Floats) -> float:
        """P(a positive row ranks above a negative one), ties counted half."""
        positives, negatives = self._groups(weight)
        below = negatives.sum() - negatives.cumsum()
        pairs = positives.sum() * negatives.sum()
        return float((positives * (below + negatives / 2)).sum() / pairs) if pairs else float("nan")

    def average_precision(self, weight: Floats) -> float:
        """Precision averaged over the recall that each group adds."""
        positives, negatives = self._groups(weight)
        reached = (positives + negatives).cumsum()
        precision = positives.cumsum() / np.maximum(reached, 1e-12)
        return float((precision * positives).sum() / positives.sum()) if positives.sum() else float("nan")

    def lift(self, share: float, weight: Floats) -> float:
        """The positive rate in the best `share` over the rate in all; a group on the border counts in part."""
        positives, negatives = self._groups(weight)
        size = positives + negatives
        inside = np.clip(share * size.sum() - (size.cumsum() - size), 0.0, size)
        found = (positives * inside / np.maximum(size, 1e-12)).sum()
        return float(found / share / positives.sum()) if positives.sum() else float("nan")

    def _groups(self, weight: Floats) -> tuple[Floats, Floats]:
        ordered = weight[self.order]
        positives = np.add.reduceat(ordered * self.positive, self.starts)
        return positives, np.add.reduceat(ordered, self.starts) - positives


def equal_count_bins(predicted: Floats, count: int) -> NDArray[np.int64]:
    """The bin of each row, shape (n,): bins of equal size from the lowest to the highest prediction.

    >>> equal_count_bins(np.array([0.4, 0.1, 0.3, 0.2]), 2).tolist()
    [1, 0, 1, 0]
    """
    rank = np.argsort(np.argsort(predicted, kind="stable"), kind="stable")
    return np.asarray(rank * count // max(len(predicted), 1), dtype=np.int64)


def calibration_error(label: Floats, predicted: Floats, bins: NDArray[np.int64], weight: Floats) -> float:
    """Mean distance between predicted and observed rate over the bins, weighted by their size."""
    return float(np.abs(np.bincount(bins, weights=weight * (predicted - label))).sum() / weight.sum())
