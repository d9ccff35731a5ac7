"""What every benchmark gives: figures, each a ratio to a named limit or peer measured in the same run, in turn with ours."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row of the table that `make bench` prints.

    Attributes
    ----------
    name : what was measured, its size included, such as `feature history, 10 M interactions`.
    against : the limit or peer, such as `one DuckDB query by hand`; empty where the figure stands for itself.
    ours, theirs : in `unit`; the median of the rounds.
    low, high : the smallest and the largest ratio of one round.
    at_most, at_least : the target of the ratio, or of `ours` where there is no peer; None where there is none.
    """

    name: str
    ours: float
    unit: str
    against: str = ""
    theirs: float | None = None
    low: float | None = None
    high: float | None = None
    at_most: float | None = None
    at_least: float | None = None

    @classmethod
    def of(
        cls,
        name: str,
        against: str,
        pairs: Sequence[tuple[float, float]],
        *,
        unit: str = "s",
        at_most: float | None = None,
        at_least: float | None = None,
    ) -> Self:
        """The figure of several rounds, each (ours, theirs).

        >>> Figure.of("a", "b", [(2.0, 1.0), (3.0, 2.0), (9.0, 2.0)]).ratio
        1.5
        """
        ratios = [ours / theirs for ours, theirs in pairs]
        return cls(
            name=name,
            against=against,
            ours=float(median(ours for ours, _ in pairs)),
            theirs=float(median(theirs for _, theirs in pairs)),
            unit=unit,
            low=min(ratios),
            high=max(ratios),
            at_most=at_most,
            at_least=at_least,
        )

    @property
    def ratio(self) -> float | None:
        """Of the medians; None where there is no peer."""
        return None if self.theirs is None else self.ours / self.theirs

    @property
    def is_reached(self) -> bool | None:
        """Whether the target is; None where there is none."""
        if self.at_most is None and self.at_least is None:
            return None
        value = self.ours if self.ratio is None else self.ratio
        return (self.at_most is None or value <= self.at_most) and (self.at_least is None or value >= self.at_least)


def in_turn(
    ours: Callable[[], object], theirs: Callable[[], object], *, rounds: int, clock: Callable[[], float] = time.perf_counter
) -> list[tuple[float, float]]:
    """Seconds of both, A B A B, so that other work on the machine troubles both alike."""
    return [(seconds(ours, clock), seconds(theirs, clock)) for _ in range(rounds)]


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """How long some work takes."""
    started = clock()
    work()
    return clock() - started


def growth(sizes: Sequence[int], times: Sequence[float]) -> float:
    """The exponent with which times grow with sizes: the slope of both logarithms, by least squares; 1 is in proportion.

    >>> round(growth([100, 1000, 10_000], [1.0, 10.0, 100.0]), 6)
    1.0
    """
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])
