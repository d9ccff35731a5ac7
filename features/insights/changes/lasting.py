"""How long a departure lasts: on from where it is strongest, up to where counts are back.

While something stays away, the level that is followed goes with it, slowly: soon nothing is expected any more, and nothing seems
to be missing. So what comes after the strongest span is compared with the window before it.

References
----------
Page, Continuous inspection schemes, 1954 (cumulative sums, the largest of which says where a level changed).
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from features.insights.changes.chance import FloatArray
from features.insights.changes.expected import Expected
from features.insights.changes.level import WINDOW

Span = tuple[int, int, int]
"""Column, first point and point after the last."""

_BEYOND_CHANCE = 2.0  # deviations that what is added must be off together


def lengthen(expected: Expected, spans: Iterable[Span]) -> tuple[Expected, list[Span]]:
    """Spans with all that stays on their side; and over these, what was expected by the level before them.

    A span that begins within an earlier one is part of it. One that lasts two windows is taken to be the new level.
    """
    mean, spread, settled = expected.mean.copy(), expected.spread.copy(), expected.settled.copy()
    window, lengthened = WINDOW[expected.series[0].grain], list[Span]()
    for column, start, strongest in sorted(spans):
        if lengthened and lengthened[-1][0] == column and start < lengthened[-1][2]:
            continue
        stop = _stop(expected, column, start, strongest)
        if stop > strongest:
            own = slice(start, stop)
            mean[own, column], spread[own, column] = (values[: stop - start] for values in _before(expected, column, start))
            settled[stop - 1, column] |= stop - start >= 2 * window
        lengthened.append((column, start, stop))
    return replace(expected, mean=mean, spread=spread, settled=settled), lengthened


def _stop(expected: Expected, column: int, start: int, strongest: int) -> int:
    """Where counts are back; until there they were nearer to the departure than to the level before, and beyond chance."""
    window = WINDOW[expected.series[column].grain]
    settled = expected.settled[:, column]
    last = min(len(settled), start + 2 * window)
    if settled[start : strongest + window].any() or strongest >= last or start < window:
        return strongest
    counts, (mean, spread) = expected.counts[start:last, column], _before(expected, column, start)
    strong, after = slice(0, strongest - start), slice(strongest - start, last - start)
    if np.isnan(mean).any() or mean[strong].sum() <= 0:
        return strongest
    ratio = counts[strong].sum() / mean[strong].sum()
    side = np.sign(ratio - 1)
    nearer = np.cumsum(side * (counts[after] - mean[after] * (1 + ratio) / 2))
    longest = int(nearer.argmax())
    added = slice(after.start, after.start + longest + 1)
    off = side * (counts[added] - mean[added]).sum() / np.sqrt(spread[added].sum())
    return strongest + longest + 1 if nearer[longest] > 0 and off > _BEYOND_CHANCE else strongest


def _before(expected: Expected, column: int, start: int) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of two windows from `start` on, as the window before lets expect them, weekday by weekday."""
    series, points = expected.series[column], len(expected.counts)
    window = WINDOW[series.grain]
    at = np.arange(start, min(start + 2 * window, points))
    like = start - window + (at - start) % window
    exposure = np.ones(points)
    if series.exposure is not None:
        exposure[points - len(series.exposure) :] = np.maximum(series.exposure, 1.0)
    more = exposure[at] / exposure[like]
    return expected.mean[like, column] * more, expected.spread[like, column] * more
