"""Intervals: how far from an estimate the truth may be; each is made of the same influence values.

`Normal` is right in large logs, `Bootstrap` in skewed ones too, `Cautious` takes the wider of these two on each side, and
`Bernstein` holds in a log of any size, at the price of being wide.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import log as ln
from math import sqrt
from statistics import NormalDist
from typing import ClassVar, Protocol

import numpy as np

from features.errors import TrainingError
from training.ope.influence import Influence
from training.ope.log import FloatArray

_CELLS = 2_000_000  # drawn at once; memory stays the same however long the log is


class IntervalKind(StrEnum):
    """Which interval an estimate has."""

    NORMAL = "normal"
    BOOTSTRAP = "bootstrap"
    CAUTIOUS = "the wider of normal and bootstrap"
    BERNSTEIN = "empirical Bernstein"


@dataclass(frozen=True, slots=True)
class Ends:
    """How far below and above the value an interval ends.

    Attributes
    ----------
    below, above : not positive, not negative.
    span : the range of a decision's term that the interval rests on; None where it rests on none.
    """

    below: float
    above: float
    span: float | None = None


class Interval(Protocol):
    """A way to make intervals."""

    kind: ClassVar[IntervalKind]

    def ends(self, influence: Influence, *, level: float) -> Ends:
        """Where the interval of that level ends."""


@dataclass(frozen=True, slots=True)
class Normal:
    """Standard errors to each side: right where many customers pull, each a little."""

    kind: ClassVar[IntervalKind] = IntervalKind.NORMAL

    def ends(self, influence: Influence, *, level: float) -> Ends:
        """As many standard errors as the level asks for."""
        half = NormalDist().inv_cdf(0.5 + level / 2) * influence.standard_error
        return Ends(-half, half)


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """As `Normal`, with the quantiles of logs whose customers are drawn from this log's, each with all of their decisions.

    What is drawn is the estimate's distance from the truth in its own standard errors. That follows a skewed log closely, which
    the simpler percentiles of the estimates do not.

    Attributes
    ----------
    seed : the same one gives the same draws, and so the same interval.
    samples : how many logs are drawn.

    References
    ----------
    Peter Hall, "Theoretical comparison of bootstrap confidence intervals", 1988 (the percentile-t method).
    """

    seed: int
    samples: int = 1000
    kind: ClassVar[IntervalKind] = IntervalKind.BOOTSTRAP

    def __post_init__(self) -> None:
        if self.samples < 100:
            raise TrainingError(f"{self.samples} bootstrap samples are too few for quantiles; take 100 or more")

    def ends(self, influence: Influence, *, level: float) -> Ends:
        """Quantiles over the drawn logs; where too many draws are of equal customers to have one, the end of `Bernstein`."""
        tail, error = (1.0 - level) / 2, influence.standard_error
        distances = np.concatenate(list(self._distances(influence)))
        low, high = np.quantile(distances, [tail, 1.0 - tail], method="inverted_cdf")
        outer = Bernstein().ends(influence, level=level)
        below = min(-float(high) * error, 0.0) if np.isfinite(high) else outer.below
        above = max(-float(low) * error, 0.0) if np.isfinite(low) else outer.above
        return Ends(below, above)

    def _distances(self, influence: Influence) -> Iterator[FloatArray]:
        """Each drawn log's estimate less this log's, in its own standard errors; draws without any weight do not count."""
        rng, count = np.random.default_rng(self.seed), len(influence.pulls)
        least = 1e-12 * float(influence.pulls @ influence.pulls)
        step = max(_CELLS // count, 1)
        for start in range(0, self.samples, step):
            customers = rng.integers(count, size=(min(step, self.samples - start), count))
            customers = customers[influence.masses[customers].any(axis=1)]
            pulls, masses = influence.pulls[customers], influence.masses[customers]
            sums = pulls.sum(axis=1)
            squares = ((pulls - (sums / masses.sum(axis=1))[:, None] * masses) ** 2).sum(axis=1)
            far = np.where(sums**2 > least, np.copysign(np.inf, sums), 0.0)  # equal customers: no error to measure with
            yield np.divide(sums, np.sqrt(count / (count - 1) * squares), out=far, where=squares > least)


@dataclass(frozen=True, slots=True)
class Cautious:
    """The wider of the normal and the bootstrap interval on each side: for small logs.

    Attributes
    ----------
    seed : of the bootstrap.
    """

    seed: int
    kind: ClassVar[IntervalKind] = IntervalKind.CAUTIOUS

    def ends(self, influence: Influence, *, level: float) -> Ends:
        """The outer end on each side."""
        normal, drawn = Normal().ends(influence, level=level), Bootstrap(self.seed).ends(influence, level=level)
        return Ends(min(normal.below, drawn.below), max(normal.above, drawn.above))


@dataclass(frozen=True, slots=True)
class Bernstein:
    """Holds the truth at least as often as its level says in a log of any size, if what a decision can count is bounded.

    Attributes
    ----------
    span : how far apart two decisions can be in what they add to the value: weight x reward in IPS. None takes the farthest
        apart in the log, which can be too little, and then the promise is no more than a good guess. `Estimate.span` tells it.

    References
    ----------
    Andreas Maurer and Massimiliano Pontil, "Empirical Bernstein Bounds and Sample Variance Penalization", 2009 (theorem 4).
    """

    span: float | None = None
    kind: ClassVar[IntervalKind] = IntervalKind.BERNSTEIN

    def ends(self, influence: Influence, *, level: float) -> Ends:
        """The bound to each side at half of the risk; customers are the independent terms."""
        span = influence.span if self.span is None else self.span
        if span < influence.span:
            raise TrainingError(f"span {span} is less than {influence.span}, which occurs in the log; give that or more")
        risk, count = ln(4.0 / (1.0 - level)), len(influence.pulls)
        reach = span * float(influence.masses.max()) * count / influence.n
        half = influence.standard_error * sqrt(2.0 * risk) + 7.0 * reach * risk / (3.0 * (count - 1))
        return Ends(-half, half, span)


NORMAL = Normal()
