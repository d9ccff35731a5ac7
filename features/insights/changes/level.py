"""Follows the level of many series at once, point by point, deaf to outliers.

A deviating point is pulled in, one far out is not seen at all. A window of points that is out as a whole takes the level back to
where it was before. Points that stay out on one side are the new level.

References
----------
Gelper, Fried and Croux, Robust forecasting with exponential and Holt-Winters smoothing, 2010 (pulling points in).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from features.insights.changes.chance import FloatArray, variance
from features.insights.changes.series import Grain

LEARNING = {Grain.DAY: 28, Grain.WEEK: 8}
"""The first points of a series, which are not judged, because nothing is known of it yet."""

WINDOW = {Grain.DAY: 7, Grain.WEEK: 4}
"""Points that are judged as a whole."""

_PULLED = 2.0  # deviations to which a point is pulled in
_DEAF = 4.0  # deviations beyond which a point says nothing of the level
_OUT = 4.0  # deviations of a window that is out
_ON_ONE_SIDE = 6 / 7  # of the points of two windows that are out
_GIVEN_UP = 3  # windows for which a level is held at most
_LITTLE = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """Series of one grain side by side, with the same last point; shape (n, s).

    Attributes
    ----------
    counts : nan before a series begins.
    bound : of counts; infinite where they have none.
    usual : what one unit of the level gives at each point; 0 before a series begins.
    """

    counts: FloatArray
    bound: FloatArray
    usual: FloatArray
    grain: Grain

    @property
    def judged(self) -> FloatArray:
        """1 where a point is judged, nan where it is too early."""
        return np.where(np.cumsum(~np.isnan(self.counts), axis=0) > LEARNING[self.grain], 1.0, np.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What following found.

    Attributes
    ----------
    means : what was expected of each point from those before it, shape (n, s).
    windows : standardized deviations of the sums over a window that ends at each point, shape (n, s).
    settled : where a new level was taken to be there, shape (n, s).
    """

    means: FloatArray
    windows: FloatArray
    settled: NDArray[np.bool_]


def follow(observed: Observed, gain: FloatArray, *, dispersion: FloatArray, widening: FloatArray) -> Followed:
    """Expect every point from those before it.

    Parameters
    ----------
    gain : how much of the level one point makes, 0 to 1, shape (s,).
    dispersion, widening : what points, and windows, vary by beyond chance, shape (s,).
    """
    state = _Level(observed, gain, dispersion, widening)
    for point in range(len(observed.counts)):
        state.judge(point)
        state.learn(point)
    return Followed(means=state.means, windows=state.windows, settled=state.settled)


@dataclass(slots=True)
class _Level:
    """The level as the ratio of two sums that forget alike: what happened over what one unit of the level would have given."""

    observed: Observed
    gain: FloatArray
    dispersion: FloatArray
    widening: FloatArray
    means: FloatArray = field(init=False)
    windows: FloatArray = field(init=False)
    settled: NDArray[np.bool_] = field(init=False)
    _present: NDArray[np.bool_] = field(init=False)
    _counts: FloatArray = field(init=False)
    _age: FloatArray = field(init=False)
    _held: FloatArray = field(init=False)
    _residuals: FloatArray = field(init=False)
    _spreads: FloatArray = field(init=False)
    _sides: FloatArray = field(init=False)
    _sums: FloatArray = field(init=False)  # (n + 1, 2, s): before each point, what happened and what would have

    def __post_init__(self) -> None:
        n, s = self.observed.counts.shape
        self._present = ~np.isnan(self.observed.counts)
        self._counts = np.nan_to_num(self.observed.counts)
        self._age, self._held = np.zeros(s), np.zeros(s)
        self.means, self.windows = np.full((n, s), np.nan), np.full((n, s), np.nan)
        self._residuals, self._spreads, self._sides = np.zeros((n, s)), np.zeros((n, s)), np.zeros((n, s))
        self.settled = np.zeros((n, s), dtype=bool)
        self._sums = np.zeros((n + 1, 2, s))
        self._sums[0] = _beginning(self.observed, self.gain)

    def judge(self, point: int) -> None:
        """Compare a point, and the window that ends at it, with what was expected."""
        present, window = self._present[point], WINDOW[self.observed.grain]
        mean = np.minimum(_ratio(*self._sums[point]) * self.observed.usual[point], self.observed.bound[point])
        spread = variance(mean, self.dispersion, self.observed.bound[point])
        self.means[point] = np.where(present, mean, np.nan)
        self._residuals[point] = np.where(present, self._counts[point] - mean, 0.0)
        self._spreads[point] = np.where(present, spread, 0.0)
        score = self._residuals[point] / np.sqrt(spread)
        self._sides[point] = np.sign(score) * (np.abs(score) > 1)
        last = slice(max(0, point - window + 1), point + 1)
        spread_of_sum = np.maximum(self._spreads[last].sum(axis=0), _LITTLE)
        self.windows[point] = self._residuals[last].sum(axis=0) / np.sqrt(spread_of_sum) / self.widening
        self._age += present

    def learn(self, point: int) -> None:
        """Let the level follow the point, go back, or settle."""
        observed, window = self.observed, WINDOW[self.observed.grain]
        out = (self._age > LEARNING[observed.grain]) & (np.abs(self.windows[point]) > _OUT)
        self._held = np.where(out, self._held + 1, 0)
        sums = np.where(out, self._sums[max(0, point + 1 - window)], self._sums[point])
        deviation = np.sqrt(np.maximum(self._spreads[point], _LITTLE))
        score = self._residuals[point] / deviation
        pulled = np.where(np.abs(score) > _DEAF, 0.0, np.clip(score, -_PULLED, _PULLED)) * deviation
        seen = np.maximum(_ratio(*sums) * observed.usual[point] + pulled, 0.0)
        followed = (1 - self.gain) * sums + np.stack([seen, observed.usual[point]])
        self._sums[point + 1] = np.where(out | ~self._present[point], sums, followed)
        if out.any() and point + 1 >= 2 * window:
            self._settle(point, out)

    def _settle(self, point: int, out: NDArray[np.bool_]) -> None:
        """Where two windows lie on one side, or the level was held too long, these points are the level from now on."""
        window = WINDOW[self.observed.grain]
        last = slice(point + 1 - 2 * window, point + 1)
        side = self._sides[last].sum(axis=0)
        one_sided = np.abs(side) >= round(_ON_ONE_SIDE * 2 * window)
        new = out & (one_sided | (self._held > _GIVEN_UP * window))
        if not new.any():
            return
        newer = np.arange(2 * window)[:, None] >= window
        used = np.where(one_sided, self._sides[last] == np.sign(side), newer) & self._present[last]
        happened, would = ((values[last] * used).sum(axis=0) for values in (self._counts, self.observed.usual))
        weight = _remembered(self.gain, used.sum(axis=0)) / np.maximum(used.sum(axis=0), 1)
        self._sums[: point + 2, :, new] = (np.stack([happened, would]) * weight)[:, new]
        self._residuals[: point + 1, new] = 0.0
        self._sides[: point + 1, new] = 0.0
        self._held[new] = 0.0
        self.settled[point, new] = True


def _beginning(observed: Observed, gain: FloatArray) -> FloatArray:
    """The sums as they would be after the first points, had all of them been as their median window; shape (2, s)."""
    learning, window = LEARNING[observed.grain], WINDOW[observed.grain]
    first = (~np.isnan(observed.counts)).argmax(axis=0)
    level, would = np.zeros_like(gain), np.zeros_like(gain)
    for column, start in enumerate(first):
        counts, usual = (values[start : start + learning, column] for values in (observed.counts, observed.usual))
        together = np.ones(min(window, len(counts)))
        level[column] = np.median(_ratio(np.convolve(counts, together, "valid"), np.convolve(usual, together, "valid")))
        would[column] = max(usual.mean(), _LITTLE)
    would = would * _remembered(gain, np.full(len(gain), learning))
    return np.stack([level * would, would])


def _remembered(gain: FloatArray, points: NDArray[np.int_]) -> FloatArray:
    """How many points count after so many, each forgetting the ones before by the gain."""
    return (1 - (1 - gain) ** points) / gain


def _ratio(happened: FloatArray, would: FloatArray) -> FloatArray:
    return np.asarray(happened / np.maximum(would, _LITTLE))
