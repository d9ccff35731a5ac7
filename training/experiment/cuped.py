"""Less variance by what was known before: a customer who always buys much says little about what a touchpoint did."""

from dataclasses import dataclass

import numpy as np

from training.join import Floats, Strings


@dataclass(frozen=True, slots=True)
class Adjusted:
    """Outcomes without what the time before explains.

    Attributes
    ----------
    outcomes : shape (n,), with the same expected difference between arms as before.
    variance_left : share of the variance that is left: 1 minus the squared correlation with the time before.
    """

    outcomes: Floats
    variance_left: float


def adjust(outcomes: Floats, before: Floats, arms: Strings, weights: Floats) -> Adjusted:
    """Take out of each outcome what its covariate says about it, by one slope for all arms.

    Parameters
    ----------
    outcomes : shape (n,).
    before : shape (n,), of the same customers before anything could change them; so the arms differ in it by chance only.
    arms : shape (n,); the slope is that within arms, so what an arm changes does not get into it.
    weights : shape (n,).

    References
    ----------
    Alex Deng, Ya Xu, Ron Kohavi and Toby Walker, "Improving the sensitivity of online controlled experiments by utilizing
    pre-experiment data", 2013.

    Examples
    --------
    The time before explains all but one in each arm: the slope is 2.

    >>> arms = np.array(["a", "a", "a", "b", "b", "b"], dtype=object)
    >>> before = np.array([0.0, 1.0, 2.0, 0.0, 1.0, 2.0])
    >>> adjust(2.0 * before + np.repeat([0.0, 5.0], 3), before, arms, np.ones(6)).outcomes
    array([2., 2., 2., 7., 7., 7.])
    """
    x, y = _within(before, arms, weights), _within(outcomes, arms, weights)
    spread = float((weights * x * x).sum())
    slope = float((weights * x * y).sum()) / spread if spread > 0.0 else 0.0
    total = float((weights * y * y).sum())
    left = float((weights * (y - slope * x) ** 2).sum()) / total if total > 0.0 else 1.0
    return Adjusted(outcomes - slope * (before - np.average(before, weights=weights)), left)


def _within(values: Floats, arms: Strings, weights: Floats) -> Floats:
    """Values less the mean of their arm."""
    centred = np.array(values, dtype=np.float64)
    for arm in set(arms):
        rows = arms == arm
        centred[rows] -= np.average(values[rows], weights=weights[rows])
    return centred
