"""Totals of what customers will do, with intervals: for chance, and for what the model does not know of its parameters."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from features.insights.intervals import Z
from training.lifetime.bgnbd import BgNbd, alive, expected
from training.lifetime.transactions import Transactions

Floats = NDArray[np.float64]

YEAR = 365.0
ANNUAL_DISCOUNT = 0.10
"""A conversion in a year is worth so much less than one today."""

_STEP = 1e-4
_DRAWN = 5_000
_STEP_DAYS = 92.0
_MOST_STEPS = 8


@dataclass(frozen=True, slots=True)
class Total:
    """A total with its 95 % interval."""

    value: float
    low: float
    high: float


def discounted(logs: Floats, of: Transactions, ahead: float, *, annual: float = ANNUAL_DISCOUNT) -> Floats:
    """Expected conversions within so many days, each worth less the later it comes; shape (n,).

    Conversions of a quarter count as if they came in its middle.
    """
    return plain_and_discounted(logs, of, ahead, annual=annual)[1]


def plain_and_discounted(
    logs: Floats, of: Transactions, ahead: float, *, annual: float = ANNUAL_DISCOUNT
) -> tuple[Floats, Floats]:
    """`expected` and `discounted`, shape (n,) each: the last quarter ends with the time ahead, so one comes with the other."""
    steps = min(max(ceil(ahead / _STEP_DAYS), 1), _MOST_STEPS)
    ends = np.linspace(0.0, ahead, steps + 1)
    until_then, total = np.zeros(len(of)), np.zeros(len(of))
    for start, end in pairwise(ends.tolist()):
        by_end = expected(logs, of, end)
        total += (by_end - until_then) * (1 + annual) ** (-(start + end) / 2 / YEAR)
        until_then = by_end
    return until_then, total


@dataclass(frozen=True, slots=True)
class Forecast:
    """What n kinds of customers will do within a time ahead.

    Attributes
    ----------
    conversions : shape (n,); of one customer of each kind.
    mean : shape (n,); the same, discounted or not.
    slope : shape (n, 4); its derivative in the logarithms of the model's parameters.
    """

    model: BgNbd
    of: Transactions
    ahead: float
    conversions: Floats
    mean: Floats
    slope: Floats

    @classmethod
    def made(cls, model: BgNbd, of: Transactions, ahead: float) -> "Forecast":
        """By `expected`."""
        (mean,), (slope,) = _with_slopes(lambda logs: (expected(logs, of, ahead),), model.logs)
        return cls(model, of, ahead, mean, mean, slope)

    @classmethod
    def both(cls, model: BgNbd, of: Transactions, ahead: float) -> tuple["Forecast", "Forecast"]:
        """By `expected`, and by `discounted`."""
        means, slopes = _with_slopes(lambda logs: plain_and_discounted(logs, of, ahead), model.logs)
        plain, later = (cls(model, of, ahead, means[0], *each) for each in zip(means, slopes, strict=True))
        return plain, later

    def total(
        self, weights: Floats, squares: Floats, *, rng: np.random.Generator, noise: float = 0.0, relative: float = 0.0
    ) -> Total:
        """Sum over customers of a weight times their conversions.

        Parameters
        ----------
        weights, squares : shape (n,); sums over the customers of each kind of what a conversion counts for, and of its square.
        noise : variance of what one conversion brings, over the square of what it brings in the mean.
        relative : relative standard error of all weights together.

        Notes
        -----
        Variances of three sources add up: the parameters (delta method), each customer's own luck (drawn for some thousands of
        them), the weights.
        """
        value = float(weights @ self.mean)
        slope = weights @ self.slope
        variance = max(float(slope @ self.model.covariance @ slope), 0.0) + (relative * value) ** 2
        half = Z * sqrt(variance + self._luck(squares, noise, rng))
        return Total(value, max(value - half, 0.0), value + half)

    def _luck(self, squares: Floats, noise: float, rng: np.random.Generator) -> float:
        mass = float(squares.sum())
        if not mass > 0:
            return 0.0
        rows = rng.choice(len(self.of), size=_DRAWN, p=squares / mass)
        some = self.of.take(rows)
        mean = self.conversions[rows]
        spread = (draw_conversions(self.model, some, self.ahead, rng=rng) - mean) ** 2
        return mass * float((spread + noise * mean).mean())


def _with_slopes(how: Callable[[Floats], tuple[Floats, ...]], logs: Floats) -> tuple[tuple[Floats, ...], list[Floats]]:
    """Some functions of the parameters' logarithms, shape (n,) each, and their derivatives, shape (n, 4) each."""
    sides = [zip(how(logs + step), how(logs - step), strict=True) for step in np.eye(4) * _STEP]
    slopes = zip(*([(above - below) / (2 * _STEP) for above, below in side] for side in sides), strict=True)
    return how(logs), [np.column_stack(each) for each in slopes]


def draw_conversions(model: BgNbd, of: Transactions, ahead: float, *, rng: np.random.Generator) -> Floats:
    """What each customer might do within a time ahead, shape (n,).

    Who is alive has a rate and a chance to go, both from what is known of them by now: gamma(r + x, alpha + T), beta(a, b + x).
    """
    n = len(of)
    living = rng.random(n) < alive(model.logs, of)
    rate = rng.gamma(model.r + of.repeats, 1 / (model.alpha + of.age))
    going = np.clip(rng.beta(model.a, model.b + of.repeats), 1e-12, 1.0)
    return np.where(living, np.minimum(rng.poisson(rate * ahead), rng.geometric(going)), 0).astype(np.float64)
