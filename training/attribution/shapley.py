"""Shapley values: what each touchpoint adds, averaged over all orders in which touchpoints could have been added.

Who plays is a path's *set* of touchpoints, however often each was met. Two games are played with it:

- `shapley`: a coalition is worth the conversions of all paths whose set lies within it. Then the value has a closed form: each
  path's conversions are divided equally among the touchpoints of its set (Zhao, Mahboobi and Bagheri, 2018). Paths without a
  conversion play no part.
- `shapley_of_rates`: a coalition is worth the conversion rate of the paths whose set lies within it. Paths without a conversion
  count, and a touchpoint can lower the rate: its credit can be negative.

`ordered_shapley` says of the first game where on the path the credit comes from.

References
----------
Lloyd S. Shapley, "A value for n-person games", 1953.
Kaifeng Zhao, Seyed Hanif Mahboobi and Saeed R. Bagheri, "Shapley value methods for attribution modeling in online advertising",
2018.
"""

from math import factorial

import numpy as np

from features.errors import TrainingError
from training.attribution.credit import Credit, credit_by_touch
from training.attribution.paths import Floats, Ints, Paths

MOST_PLAYERS = 16


def set_shares(paths: Paths) -> Floats:
    """Shape (t,): each touchpoint of a path's set gets the same, divided equally among the touches at it."""
    pairs, index, times = np.unique(paths.owners * len(paths.names) + paths.codes, return_inverse=True, return_counts=True)
    members = np.bincount(pairs // len(paths.names), minlength=len(paths))
    return np.asarray(1.0 / (times[index] * members[paths.owners]))


def shapley(paths: Paths) -> Credit:
    """Credit by the game of conversions."""
    return credit_by_touch("shapley", paths, set_shares(paths))


def ordered_shapley(paths: Paths, *, places: int) -> Floats:
    """Conversions credited by `shapley`, shape (n, places), by the place of the touch; the last column is all later places.

    Examples
    --------
    By hand: of three conversions of `a > b > a`, each touchpoint gets 1.5; that of `a` comes half from its first touch.

    >>> from training.attribution.paths import paths_of
    >>> ordered_shapley(paths_of(["a > b > a"], conversions=np.array([3.0])), places=3).tolist()
    [[0.75, 0.0, 0.75], [0.0, 1.5, 0.0]]
    """
    place = np.arange(len(paths.codes)) - np.repeat(paths.offsets[:-1], paths.lengths)
    cell = paths.codes * places + np.minimum(place, places - 1)
    credited = set_shares(paths) * paths.conversions[paths.owners]
    sums = np.bincount(cell, weights=credited, minlength=len(paths.names) * places).astype(np.float64)
    return sums.reshape(len(paths.names), places)


def shapley_of_rates(paths: Paths) -> Credit:
    """Credit by the game of conversion rates, scaled so that all conversions are credited; negative ones stay negative.

    Raises
    ------
    TrainingError
        When there are more than `MOST_PLAYERS` touchpoints, since every set of them is looked at.
    """
    n = len(paths.names)
    if n > MOST_PLAYERS:
        raise TrainingError(f"{n} touchpoints make 2^{n} coalitions; look at channels, of which at most {MOST_PLAYERS} can play")
    played = _coalition(paths)
    journeys, conversions, values = (
        _within(np.bincount(played, weights=amounts, minlength=2**n).astype(np.float64), n)
        for amounts in (paths.conversions + paths.nulls, paths.conversions, paths.values)
    )
    rates, money = (amounts / np.where(journeys > 0.0, journeys, 1.0) for amounts in (conversions, values))
    return Credit(
        model="shapley of rates",
        conversions=_scaled(shapley_values(rates), float(paths.conversions.sum())),
        values=_scaled(shapley_values(money), float(paths.values.sum())),
    )


def shapley_values(worth: Floats) -> Floats:
    """The Shapley values, shape (n,), of a game.

    Parameters
    ----------
    worth : shape (2^n,), of each coalition; bit i of its index says whether player i is in it.

    Examples
    --------
    By hand: alone they bring 1 and 2, together 6. The first adds 1 or 4, the second 2 or 5.

    >>> shapley_values(np.array([0.0, 1.0, 2.0, 6.0])).tolist()
    [2.5, 3.5]
    """
    n = len(worth).bit_length() - 1
    coalitions = np.arange(len(worth))
    sizes = np.bitwise_count(coalitions)
    weights = np.array([factorial(size) * factorial(n - size - 1) / factorial(n) for size in range(n)])
    values = np.empty(n)
    for player in range(n):
        without = coalitions[(coalitions >> player) & 1 == 0]
        values[player] = weights[sizes[without]] @ (worth[without | 1 << player] - worth[without])
    return values


def _coalition(paths: Paths) -> Ints:
    if not len(paths):
        return np.zeros(0, dtype=np.int64)
    return np.bitwise_or.reduceat(1 << paths.codes, paths.offsets[:-1])


def _within(amounts: Floats, n: int) -> Floats:
    """Of every coalition, the sum over all coalitions within it, a player at a time."""
    sums = amounts.copy()
    for player in range(n):
        halves = sums.reshape(-1, 2, 1 << player)
        halves[:, 1] += halves[:, 0]
    return sums


def _scaled(values: Floats, total: float) -> Floats:
    whole = float(values.sum())
    return values * (total / whole) if whole > 0.0 else np.zeros_like(values)
