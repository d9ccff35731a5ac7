"""Rules of thumb: credit by the place or the age of a touch, whatever the data say.

Every rule gives each touch its share, shape (t,); the shares of a path sum to 1.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from training.attribution.paths import Floats, Ints, Paths

Rule = Callable[[Paths], Floats]

_ENDS = 0.4


def first_touch(paths: Paths) -> Floats:
    """All to the first touch."""
    return np.asarray(_places(paths) == 0, dtype=np.float64)


def last_touch(paths: Paths) -> Floats:
    """All to the last touch."""
    return np.asarray(_places_from_end(paths) == 0, dtype=np.float64)


def linear(paths: Paths) -> Floats:
    """The same to every touch."""
    return 1.0 / np.repeat(paths.lengths, paths.lengths)


def time_decay(paths: Paths, *, half_life_days: float) -> Floats:
    """A touch that is older by a half-life gets half as much; where times are not known, each step back halves it.

    Examples
    --------
    By hand: a day and eight days before, with a half-life of seven: 1 to 1/2.

    >>> paths = Paths(names=("a", "b"), codes=np.array([0, 1]), offsets=np.array([0, 2]), conversions=np.ones(1),
    ...     values=np.zeros(1), nulls=np.zeros(1), groups=np.zeros(1, dtype=int), ages=np.array([8.0, 1.0]))
    >>> time_decay(paths, half_life_days=7.0).round(4)
    array([0.3333, 0.6667])
    """
    back = _places_from_end(paths).astype(np.float64) if paths.ages is None else paths.ages / half_life_days
    youngest = np.minimum.reduceat(back, paths.offsets[:-1]) if len(paths) else back
    weights = 2.0 ** -(back - np.repeat(youngest, paths.lengths))  # relative to the youngest, since 2^-age alone may be 0
    return _normalized(weights, paths)


def position(paths: Paths) -> Floats:
    """40 % to the first touch, 40 % to the last, the rest to all between alike; of two, half each; one gets all."""
    lengths = np.repeat(paths.lengths, paths.lengths)
    ends = (_places(paths) == 0) | (_places_from_end(paths) == 0)
    between = (1.0 - 2.0 * _ENDS) / np.maximum(lengths - 2, 1)
    return np.where(lengths <= 2, 1.0 / lengths, np.where(ends, _ENDS, between))


def rules(half_life_days: float) -> dict[str, Rule]:
    """All of them, by name."""
    return {
        "first touch": first_touch,
        "last touch": last_touch,
        "linear": linear,
        "time decay": partial(time_decay, half_life_days=half_life_days),
        "position": position,
    }


def _places(paths: Paths) -> Ints:
    return np.arange(len(paths.codes)) - np.repeat(paths.offsets[:-1], paths.lengths)


def _places_from_end(paths: Paths) -> Ints:
    return np.repeat(paths.offsets[1:], paths.lengths) - 1 - np.arange(len(paths.codes))


def _normalized(weights: Floats, paths: Paths) -> Floats:
    totals = np.bincount(paths.owners, weights=weights, minlength=len(paths))
    return np.asarray(weights / totals[paths.owners])
