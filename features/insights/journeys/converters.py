"""Journeys that convert against those that do not: which places and moves are more frequent on the way of which."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.insights.journeys.flows import CURRENT, Flows, flows
from features.insights.journeys.rates import believable, interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """How much more frequent something is in journeys that convert.

    Attributes
    ----------
    places : number of the place, or of the two of a move.
    converters, others : how often it was, before the conversion itself.
    converters_share, others_share : of all places, or all moves, before the conversion.
    log_odds : logarithm of the odds among converters over those among others, shrunk to zero; 0 is alike.
    low, high : of its 95 % interval.
    distinguishable : whether chance does not explain it, with all of the same kind taken together.
    """

    places: tuple[int, ...]
    converters: int
    others: int
    converters_share: float
    others_share: float
    log_odds: float
    low: float
    high: float
    distinguishable: bool


@dataclass(frozen=True, slots=True)
class Contrasts:
    """What tells converters from others; most typical of converters first."""

    places: tuple[Contrast, ...]
    moves: tuple[Contrast, ...]


def contrasts(connection: Any, where: str = CURRENT, *, small_count: int = 30) -> Contrasts:
    """Compare the ways of converters and others, the conversion itself left out.

    Parameters
    ----------
    connection : has the tables of `cut_into_steps`.
    where : of which journeys, as `CURRENT`.
    small_count : how much the prior is worth, in visits per place.
    """
    converting, leaving = flows(connection, f"{where} and converted"), flows(connection, f"{where} and not converted")
    return Contrasts(
        places=contrast(_visits(converting), _visits(leaving), small_count=small_count),
        moves=contrast(_moves(converting), _moves(leaving), small_count=small_count),
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """How often something was, and how often by a customer met at random there."""

    places: tuple[int, ...]
    count: int
    per_customer: float = 1.0


def contrast(converters: Sequence[Seen], others: Sequence[Seen], *, small_count: int) -> tuple[Contrast, ...]:
    """Log-odds ratios with an informative Dirichlet prior, which has the frequencies of both together.

    Variances are multiplied by visits per customer, as if all visits of a customer went alike.

    References
    ----------
    Burt Monroe, Michael Colaresi, Kevin Quinn, "Fightin' Words: Lexical Feature Selection and Evaluation for Identifying the
    Content of Political Conflict", Political Analysis 2008, equations 15, 16, 18 to 20 and 22.

    Examples
    --------
    Of 40 and 40 visits, 30 and 10 were here. The prior is worth 10 for each of two places, shared as all visits are: 10 and 10.
    (30 + 10) / (10 + 10) against (10 + 10) / (30 + 10): log(2 / 0.5).

    >>> one = contrast([Seen((1,), 30), Seen((2,), 10)], [Seen((1,), 10), Seen((2,), 30)], small_count=10)[0]
    >>> round(float(np.exp(one.log_odds)), 9), round(one.high - one.log_odds, 3)  # 1.96 * sqrt(1/40 + 1/20)
    (4.0, 0.537)
    """
    names = sorted({seen.places for seen in (*converters, *others)})
    if not converters or not others:
        return ()
    (y, y_each), (z, z_each) = _columns(names, converters), _columns(names, others)
    prior = max(small_count, 0.5) * len(names) * (y + z) / (y + z).sum()
    odds = [(count + prior) / np.maximum((count + prior).sum() - count - prior, 0.5) for count in (y, z)]
    value = np.log(odds[0]) - np.log(odds[1])
    error = np.sqrt(y_each / (y + prior) + z_each / (z + prior))
    low, high = interval(value, error)
    from scipy.stats import norm

    told = believable(2 * norm.sf(np.abs(value) / error))
    found = [
        Contrast(
            places=name,
            converters=int(y[row]),
            others=int(z[row]),
            converters_share=float(y[row] / y.sum()),
            others_share=float(z[row] / z.sum()),
            log_odds=float(value[row]),
            low=float(low[row]),
            high=float(high[row]),
            distinguishable=bool(told[row]),
        )
        for row, name in enumerate(names)
    ]
    return tuple(sorted(found, key=lambda one: (-one.log_odds, one.places)))


def _columns(names: Sequence[tuple[int, ...]], seen: Sequence[Seen]) -> tuple[np.ndarray, np.ndarray]:
    known = {each.places: each for each in seen}
    found = [known.get(name, Seen(name, 0)) for name in names]
    return np.array([float(each.count) for each in found]), np.array([each.per_customer for each in found])


def _visits(of: Flows) -> list[Seen]:
    return [Seen((number,), place.visits, place.visits_per_customer) for number, place in of.places.items() if not place.converts]


def _moves(of: Flows) -> list[Seen]:
    return [
        Seen((move.source, move.target), move.count, of.places[move.source].visits_per_customer)
        for move in of.moves
        if not of.places[move.target].converts
    ]
