"""What differs between two sets of journeys, such as two periods: only what chance does not explain is called a change."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from features.insights.journeys.flows import END, START, Flows, flows
from features.insights.journeys.rates import differences
from features.insights.journeys.summary import Summary, summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A share among the journeys of one set less that among the other's.

    Attributes
    ----------
    source, target : names of places, `START` or `END`; both empty where it is about conversion.
    one, other : the shares, out of `one_count` and `other_count`: journeys, or visits of the source.
    value : one less other, with its 95 % interval; visits of one customer count as if all went alike.
    distinguishable : whether chance does not explain it, with all differences of the comparison taken together.
    """

    source: str
    target: str
    one: float
    one_count: int
    other: float
    other_count: int
    value: float
    low: float
    high: float
    distinguishable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two sets of journeys.

    Attributes
    ----------
    conversion : difference of the shares of journeys that convert; None where a set has no journey.
    moves : where journeys begin, and from every place the shares of visits that go on to each other place, or to the end
        without a conversion; changes first, the greatest first.
    """

    one: Summary
    other: Summary
    conversion: Difference | None
    moves: tuple[Difference, ...]

    @property
    def changes(self) -> tuple[Difference, ...]:
        """The moves that differ for sure."""
        return tuple(move for move in self.moves if move.distinguishable)


@dataclass(frozen=True, slots=True)
class _Pair:
    source: str
    target: str
    one: float
    one_count: int
    one_witnesses: float
    other: float
    other_count: int
    other_witnesses: float


def compare(connection: Any, one: str, other: str, *, least: int = 30) -> Comparison:
    """Compare two sets of journeys.

    Parameters
    ----------
    connection : has the tables of `cut_into_steps` and `gather_journeys`.
    one, other : DuckDB SQL over `customer`, `journey`, `period` and `converted`: which journeys.
    least : sources with fewer visits in either set are left out.
    """
    ones, others = summary(connection, one), summary(connection, other)
    if ones.conversion is None or others.conversion is None:
        return Comparison(one=ones, other=others, conversion=None, moves=())
    pairs = [_conversion(ones, others), *_moves(flows(connection, one), flows(connection, other), ones, others, least)]
    columns = np.array([(pair.one, pair.one_witnesses, pair.other, pair.other_witnesses) for pair in pairs])
    told = differences(*columns.T)
    found = [
        Difference(
            source=pair.source,
            target=pair.target,
            one=pair.one,
            one_count=pair.one_count,
            other=pair.other,
            other_count=pair.other_count,
            value=float(told.value[row]),
            low=float(told.low[row]),
            high=float(told.high[row]),
            distinguishable=bool(told.distinguishable[row]),
        )
        for row, pair in enumerate(pairs)
    ]
    moves = sorted(found[1:], key=lambda move: (not move.distinguishable, -abs(move.value), move.source, move.target))
    return Comparison(one=ones, other=others, conversion=found[0], moves=tuple(moves))


def _conversion(one: Summary, other: Summary) -> _Pair:
    (share, count, witnesses), (of_other, other_count, other_witnesses) = (
        (each.converted / each.journeys, each.journeys, each.journeys / each.alike) for each in (one, other)
    )
    return _Pair("", "", share, count, witnesses, of_other, other_count, other_witnesses)


def _moves(one: Flows, other: Flows, ones: Summary, others: Summary, least: int) -> list[_Pair]:
    (mine, my_sources), (theirs, their_sources) = _shares(one, ones), _shares(other, others)
    pairs = []
    for source, target in sorted(mine.keys() | theirs.keys()):
        count, witnesses = my_sources.get(source, (0, 0.0))
        other_count, other_witnesses = their_sources.get(source, (0, 0.0))
        if min(count, other_count) >= max(least, 1):
            share, of_other = mine.get((source, target), 0) / count, theirs.get((source, target), 0) / other_count
            pairs.append(_Pair(source, target, share, count, witnesses, of_other, other_count, other_witnesses))
    return pairs


def _shares(of: Flows, whole: Summary) -> tuple[dict[tuple[str, str], int], dict[str, tuple[int, float]]]:
    """Counts by source and target, and visits of every source with how many of them tell something of their own."""
    names = {number: place.name for number, place in of.places.items()}
    counts = {(names[move.source], names[move.target]): move.count for move in of.moves}
    counts |= {(START, names[start.target]): start.count for start in of.starts}
    counts |= {(place.name, END): place.dropped for place in of.places.values() if place.dropped}
    sources = {place.name: (place.visits, place.witnesses) for place in of.places.values() if not place.converts}
    return counts, sources | {START: (whole.journeys, float(whole.customers))}
