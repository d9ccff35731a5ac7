"""Critical moments: the places and moves after which the chance that a journey converts is most unlike before.

A journey that has come far has another chance than one that begins, so each is compared with journeys at the same step only.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.insights.journeys.positions import Passed, Positions
from features.insights.journeys.rates import differences

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticalMoment:
    """How journeys that come here differ from others that have come as far. It is an association, no effect.

    Attributes
    ----------
    places : number of the place, or of the two of a move.
    journeys : passages that are compared; a journey that comes here at its second and its fourth step counts at both.
    others : passages of others at the same steps; of a move, from the same place elsewhere.
    with_it, without : shares that converted later, others weighted by step as those who come here.
    difference : their difference by the weights of Mantel and Haenszel, with its 95 % interval.
    distinguishable : whether chance does not explain it, with all of the same kind taken together.
    """

    places: tuple[int, ...]
    journeys: int
    others: int
    with_it: float
    without: float
    difference: float
    low: float
    high: float
    distinguishable: bool


def critical_places(of: Positions, converting: frozenset[int], *, alike: float = 1.0) -> tuple[CriticalMoment, ...]:
    """Places, compared with being elsewhere at the same step; greatest difference first.

    Parameters
    ----------
    converting : numbers of the places that are conversions, which say nothing about a chance that is still open.
    alike : by which variances are multiplied, as `Summary.alike`.
    """
    strata: dict[int, dict[int, Passed]] = defaultdict(dict)
    for (step, place), passed in of.at.items():
        if place not in converting:
            strata[step][place] = passed
    return _moments({(place,): rows for place, rows in _tables(strata.values()).items()}, alike)


def critical_moves(of: Positions, converting: frozenset[int], *, alike: float = 1.0) -> tuple[CriticalMoment, ...]:
    """Moves, compared with going elsewhere from the same place at the same step; greatest difference first.

    Parameters
    ----------
    converting, alike : as for `critical_places`.
    """
    strata: dict[int, dict[int, dict[int, Passed]]] = defaultdict(lambda: defaultdict(dict))
    for (step, place, target), passed in of.next.items():
        if target not in converting:
            strata[place][step][target] = passed
    tables = {place: _tables(of_place.values()) for place, of_place in strata.items()}
    return _moments({(place, target): rows for place, found in tables.items() for target, rows in found.items()}, alike)


def _moments(tables: Mapping[tuple[int, ...], Floats], alike: float) -> tuple[CriticalMoment, ...]:
    """From the strata of each, shape (strata, 4): journeys here and elsewhere, each with those converted.

    References
    ----------
    Sander Greenland and James Robins, "Estimation of a Common Effect Parameter from Sparse Follow-Up Data", Biometrics 1985
    (the weights); Xin Yan and Xiao Gang Su, "Stratified Wilson and Newcombe Confidence Intervals for Multiple Binomial
    Proportions", Statistics in Biopharmaceutical Research 2010 (the interval).
    """
    if not tables:
        return ()
    weighted = np.array([_weighted(rows) for rows in tables.values()])
    share, witnesses, of_others, other_witnesses = weighted.T
    told = differences(share, witnesses / alike, of_others, other_witnesses / alike)
    found = [
        CriticalMoment(
            places=places,
            journeys=int(rows[:, 0].sum()),
            others=int(rows[:, 2].sum()),
            with_it=float(share[row]),
            without=float(of_others[row]),
            difference=float(told.value[row]),
            low=float(told.low[row]),
            high=float(told.high[row]),
            distinguishable=bool(told.distinguishable[row]),
        )
        for row, (places, rows) in enumerate(tables.items())
    ]
    return tuple(sorted(found, key=lambda one: (-abs(one.difference), one.places)))


def _weighted(rows: Floats) -> tuple[float, float, float, float]:
    """Shares here and elsewhere, weighted alike over strata, each with as how many observations it tells."""
    here, converted, elsewhere, others_converted = rows.T
    weights = here * elsewhere / (here + elsewhere)
    weights /= weights.sum()
    shares = np.clip([weights @ (converted / here), weights @ (others_converted / elsewhere)], 0.0, 1.0)
    told, of_others = (float(1 / (weights**2 / count).sum()) for count in (here, elsewhere))
    return float(shares[0]), told, float(shares[1]), of_others


def _tables(strata: Iterable[Mapping[int, Passed]]) -> dict[int, Floats]:
    """By place, shape (strata, 4): journeys there and elsewhere, each with those converted; of strata that have both."""
    rows: dict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
    for told in strata:
        together = sum(passed.journeys for passed in told.values())
        converted = sum(passed.converted for passed in told.values())
        for place, here in told.items():
            if here.journeys < together:
                rows[place].append((here.journeys, here.converted, together - here.journeys, converted - here.converted))
    return {place: np.array(found, dtype=np.float64) for place, found in sorted(rows.items())}
