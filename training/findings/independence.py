"""What odds two things would have if they had nothing to do with each other: there is no odds ratio of 1 among alike customers.

Who has two things of four has the third with other odds once the first is known, and who bought once has one thing and no other.
So the odds ratio that independence gives is worked out for each group of alike customers, and what is seen is told in relation
to it (see `association`). There are two ways to be alike, since each has its blind spot:

- with as many purchases: each purchase is of a thing with that thing's share of all purchases, whoever buys. Customers who keep
  to one thing, beside others who try everything, look like an association.
- with as many different things: all sets of so many are as likely as the weights of their things make them, whoever has them.
  With few things, a bond of two of them looks like one of the others, since who has not those has these.

References
----------
Georg Rasch, "Probabilistic models for some intelligence and attainment tests", 1960; Erling Andersen, "Asymptotic properties of
conditional maximum-likelihood estimators", 1970 (the weights, whatever the customers' differences).
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_ROUNDS = 500
_CLOSE = 1e-6


def odds_by_purchases(one: float, other: float, most: int) -> Floats:
    """Odds ratio of having both, by the number of purchases, where these are independent.

    Parameters
    ----------
    one, other : shares of both things of all purchases; together at most 1.
    most : the largest number of purchases.

    Returns
    -------
    Shape (most + 1,); 0 where one of the four kinds of customers cannot be.

    Examples
    --------
    Of two purchases, each of one of four things: both 2/16, the first alone 5/16 (and so the second), neither 4/16.

    >>> odds_by_purchases(0.25, 0.25, 2).round(4).tolist()  # 2 x 4 / (5 x 5)
    [0.0, 0.0, 0.32]
    """
    times = np.arange(most + 1)
    without_one, without_other = (1.0 - one) ** times, (1.0 - other) ** times
    neither = max(1.0 - one - other, 0.0) ** times
    both = 1.0 - without_one - without_other + neither
    return _ratio(both * neither, (without_one - neither) * (without_other - neither))


def odds_by_things(weights: Floats, one: int, other: int) -> Floats:
    """Odds ratio of having both, by the number of different things that a customer has, where the sets are independent.

    Parameters
    ----------
    weights : shape (things,), as of `thing_weights`.

    Returns
    -------
    Shape (things + 1,); 0 where one of the four kinds of customers cannot be.

    Examples
    --------
    Of four equal things, six sets have two: one has both, two the first alone, two the second alone, one neither.

    >>> odds_by_things(np.ones(4), 0, 1).tolist()
    [0.0, 0.0, 0.25, 0.0, 0.0]
    """
    rest = _sums_over_sets(np.delete(weights, [one, other])[np.newaxis])[0]
    padded = np.concatenate([np.zeros(2), rest, np.zeros(2)])
    both, alone, neither = padded[: len(weights) + 1], padded[1 : len(weights) + 2], padded[2:]
    return _ratio(both * neither, alone**2)


def thing_weights(having: Floats, customers: Floats) -> Floats:
    """The weights with which as many customers have each thing as do, given how many things each customer has.

    Parameters
    ----------
    having : customers with each thing, above 0, shape (things,).
    customers : customers by how many different things they have, shape (things + 1,).

    Returns
    -------
    Shape (things,), with a geometric mean of 1.
    """
    weights: Floats = having / np.exp(np.log(having).mean())
    for _ in range(_ROUNDS):
        others = np.where(np.eye(len(weights), dtype=bool), 0.0, weights)
        whole = _sums_over_sets(weights[np.newaxis])[0]
        shares = weights[:, np.newaxis] * _sums_over_sets(others)[:, :-1] / whole[1:]
        better: Floats = weights * having / (shares @ customers[1:])
        better = better / np.exp(np.log(better).mean())
        if np.abs(np.log(better / weights)).max() < _CLOSE:
            return better
        weights = better
    return weights


def _sums_over_sets(weights: Floats) -> Floats:
    """Of each row, the sum over all sets of so many of the product of their weights: shape (rows, columns + 1)."""
    sums = np.zeros((len(weights), weights.shape[1] + 1))
    sums[:, 0] = 1.0
    for column in weights.T:
        sums[:, 1:] += column[:, np.newaxis] * sums[:, :-1]
    return sums


def _ratio(above: Floats, below: Floats) -> Floats:
    usable = (above > 0.0) & (below > 0.0)
    return np.where(usable, above, 0.0) / np.where(usable, below, 1.0)
