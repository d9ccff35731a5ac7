"""Friction: places where customers leave, do the same again, or take long, more than at the other places of the same stage."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from features.domain import Kind
from features.insights.journeys.flows import CURRENT, Flows, Place
from features.insights.journeys.rates import Rate, differences, rates


class Trouble(StrEnum):
    """What friction shows in."""

    DROP_OFF = "drop-off"  # visits after which the journey ended without a conversion
    REPETITION = "repetition"  # visits of more than one interaction
    DELAY = "delay"  # moves on that took longer than the median of all moves on from its like


@dataclass(frozen=True, slots=True, kw_only=True)
class FrictionPoint:
    """How much a place is above its like.

    Attributes
    ----------
    place : its number.
    share : of visits (of a delay, of moves on), with its interval.
    like : the same share of its like together: the other places of its stage that are contacts, or that are none, as it is.
    score : share less that of its like, -1 to 1, with its 95 % interval.
    distinguishable : whether chance does not explain the score, with all places and troubles taken together.
    """

    place: int
    trouble: Trouble
    share: Rate
    like: float
    score: float
    low: float
    high: float
    distinguishable: bool

    @property
    def marked(self) -> bool:
        """Whether it is friction: above its like for sure, and by so much that it matters."""
        return self.distinguishable and self.score >= _LEAST_SCORE and self.share.value >= _LEAST_RATIO * self.like


_LEAST_SCORE, _LEAST_RATIO = 0.02, 1.25


def friction_points(connection: Any, of: Flows, where: str = CURRENT, *, small_count: int = 0) -> tuple[FrictionPoint, ...]:
    """Compare every place with its like; those that are markedly above it first, then the others.

    Conversions are left out: a journey ends there as it should. So are places without a like.

    Parameters
    ----------
    connection : has the tables of `cut_into_steps`.
    of : the flows of the same journeys.
    where : of which journeys, as `CURRENT`.
    small_count : shares of fewer visits are drawn to those of all places alike.
    """
    alike: dict[tuple[str, bool], dict[int, Place]] = defaultdict(dict)
    for number, place in of.places.items():
        if not place.converts and place.stage is not None:
            alike[place.stage, place.kind == Kind.CONTACT][number] = place
    slow = _slow(connection, where, alike.values())
    seen = [each for places in alike.values() if len(places) > 1 for each in _compared(places, slow, small_count)]
    if not seen:
        return ()
    columns = np.array([(one.share.value, one.witnesses, one.like, one.like_witnesses) for one in seen])
    told = differences(*columns.T)
    found = [
        FrictionPoint(
            place=one.place,
            trouble=one.trouble,
            share=one.share,
            like=one.like,
            score=float(told.value[row]),
            low=float(told.low[row]),
            high=float(told.high[row]),
            distinguishable=bool(told.distinguishable[row]),
        )
        for row, one in enumerate(seen)
    ]
    return tuple(sorted(found, key=lambda one: (not one.marked, -one.score, one.place)))


@dataclass(frozen=True, slots=True)
class _Compared:
    place: int
    trouble: Trouble
    share: Rate
    witnesses: float
    like: float
    like_witnesses: float


def _compared(places: Mapping[int, Place], slow: Mapping[int, tuple[float, float]], small_count: int) -> Iterator[_Compared]:
    for trouble in Trouble:
        known = {number: _of(trouble, number, place, slow) for number, place in places.items()}
        known = {number: told for number, told in known.items() if told[1] > 0}
        if len(known) < 2:
            continue
        number_of = np.array([told[1] for told in known.values()])
        troubled = np.array([told[0] for told in known.values()])
        witnesses = number_of / np.array([places[number].visits_per_customer for number in known])
        shares = rates(troubled, number_of, witnesses=witnesses, small_count=small_count)
        for row, number in enumerate(known):
            rest = number_of.sum() - number_of[row]
            like = float((troubled.sum() - troubled[row]) / rest)
            yield _Compared(number, trouble, shares[row], float(witnesses[row]), like, float(witnesses.sum() - witnesses[row]))


def _of(trouble: Trouble, number: int, place: Place, slow: Mapping[int, tuple[float, float]]) -> tuple[float, float]:
    """How many are in trouble, out of how many."""
    match trouble:
        case Trouble.DROP_OFF:
            return place.dropped, place.visits
        case Trouble.REPETITION:
            return place.repeated, place.visits
        case Trouble.DELAY:
            return slow.get(number, (0.0, 0.0))


def _slow(connection: Any, where: str, alike: Sequence[Mapping[int, Place]] | Any) -> dict[int, tuple[float, float]]:
    """By place: moves on that took longer than half of all those from its like and itself, and all moves on."""
    times: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for place, length, count in connection.execute(_TIMES.format(where=where)).fetchall():
        times[int(place)].append((int(length), int(count)))
    slow = {}
    for places in alike:
        together = sorted(pair for number in places for pair in times[number])
        if not together:
            continue
        lengths, counts = np.array(together).T
        median = lengths[np.searchsorted(np.cumsum(counts), counts.sum() / 2)]
        for number in places:
            longer = sum(count for length, count in times[number] if length > median)
            slow[number] = (float(longer), float(sum(count for _, count in times[number])))
    return slow


_TIMES = """
select place, floor(64 * log2(gap + 1))::smallint as length, count(*) from steps
where {where} and next is not null group by all
"""
