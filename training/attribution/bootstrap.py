"""How sure credit is: groups of customers are drawn again, so that a customer with many conversions counts as one customer.

Everything that is credited is made of sums over groups, so a draw only weighs these sums, and no path is walked twice.
"""

from dataclasses import dataclass

import numpy as np

from training.attribution.paths import GROUPS, Floats, Paths

DRAWS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Ends of 95 % intervals of credit, shape (n,) each: of conversions, and of their money."""

    low: Floats
    high: Floats
    value_low: Floats
    value_high: Floats


def interval_of_touches(paths: Paths, shares: Floats, *, seed: int, draws: int = DRAWS) -> Interval:
    """Of what is credited by touch; see `credit_by_touch`."""
    owners, n = paths.owners, len(paths.names)
    cell = paths.groups[owners] * n + paths.codes
    weights = group_weights(draws=draws, seed=seed)
    drawn = (
        weights @ np.bincount(cell, weights=shares * amounts[owners], minlength=GROUPS * n).reshape(GROUPS, n)
        for amounts in (paths.conversions, paths.values)
    )
    return _interval(*drawn)


def interval_of_markov(paths: Paths, *, seed: int, draws: int = DRAWS) -> Interval:
    """Of what is credited by the Markov chain of order 1."""
    n = len(paths.names)
    sums = steps_of_groups(paths).reshape(GROUPS, -1)
    steps = (group_weights(draws=draws, seed=seed) @ sums).reshape(draws, n + 1, n + 3)
    return _interval(*(_credited(steps, column) for column in (n, n + 2)))


def group_weights(*, draws: int, seed: int) -> Floats:
    """How often each group is drawn, shape (draws, GROUPS); rows sum to `GROUPS`."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(GROUPS, np.full(GROUPS, 1.0 / GROUPS), size=draws).astype(np.float64)


def first_order_effects(steps: Floats, *, column: int) -> Floats:
    """Removal effects of many chains of order 1, shape (draws, n), in closed form.

    Without a touchpoint, what is lost is P(a path ever comes to it) x what it brings from there on / what a path brings. All
    three are in the fundamental matrix of the chain.

    Parameters
    ----------
    steps : shape (draws, n + 1, n + 3), as `steps_of_groups` gives them.
    column : what is lost: n for conversions, n + 2 for their money.

    References
    ----------
    John G. Kemeny and J. Laurie Snell, "Finite Markov chains", 1960 (the fundamental matrix, and the chance of ever coming to a
    state).
    """
    n = steps.shape[1] - 1
    totals = steps[:, :, : n + 2].sum(axis=2, keepdims=True)
    chances = steps / np.where(totals > 0.0, totals, 1.0)
    visits = np.linalg.inv(np.eye(n) - chances[:, :n, :n])
    brings = (visits @ chances[:, :n, column : column + 1])[:, :, 0]
    begins = chances[:, n, :n]
    whole = (begins * brings).sum(axis=1)
    ever = (begins[:, None, :] @ visits)[:, 0, :] / np.diagonal(visits, axis1=1, axis2=2)
    return np.asarray(ever * brings / np.where(whole > 0.0, whole, 1.0)[:, None])


def steps_of_groups(paths: Paths) -> Floats:
    """How often the paths of each group went where, shape (GROUPS, n + 1, n + 3).

    Rows are touchpoints, and last the beginning of a path. Columns are touchpoints, then conversion and none, and last the
    money of the conversions, which is no step.
    """
    n = len(paths.names)
    owners, ended, every = paths.owners, paths.conversions + paths.nulls, np.arange(len(paths))
    going = np.flatnonzero(owners[:-1] == owners[1:])
    first, last = paths.codes[paths.offsets[:-1]], paths.codes[paths.offsets[1:] - 1]
    to = np.full(len(paths), n)
    moved = [
        (owners[going], paths.codes[going], paths.codes[going + 1], ended[owners[going]]),
        (every, to, first, ended),
        (every, last, to, paths.conversions),
        (every, last, to + 1, paths.nulls),
        (every, last, to + 2, paths.values),
    ]
    size = GROUPS * (n + 1) * (n + 3)
    sums = np.zeros(size)
    for path, source, target, weight in moved:
        cell = (paths.groups[path] * (n + 1) + source) * (n + 3) + target
        sums += np.bincount(cell, weights=weight, minlength=size)
    return sums.reshape(GROUPS, n + 1, n + 3)


def _credited(steps: Floats, column: int) -> Floats:
    """What each touchpoint gets in each draw, in proportion to its removal effect."""
    effects = first_order_effects(steps, column=column)
    sums, totals = effects.sum(axis=1), steps[:, :, column].sum(axis=1)
    return np.asarray(effects * (totals / np.where(sums > 0.0, sums, 1.0))[:, None])


def _interval(conversions: Floats, values: Floats) -> Interval:
    low, high = np.quantile(conversions, (0.025, 0.975), axis=0)
    value_low, value_high = np.quantile(values, (0.025, 0.975), axis=0)
    return Interval(low=low, high=high, value_low=value_low, value_high=value_high)
