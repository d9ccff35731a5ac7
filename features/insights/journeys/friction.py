"""Friction: places where customers leave, do the same again, or take long, more than at other places that are like them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from features.domain import Channel, Kind, channel_of
from features.insights.journeys.flows import CURRENT, Flows, Place
from features.insights.journeys.rates import Rate, differences, rates
from features.instants import DAY


class Trouble(StrEnum):
    """What friction shows in; the gravest first."""

    DROP_OFF = "drop-off"  # visits after which the journey ended without a conversion
    LEAVING = "leaves the session"  # visits on web or app after which nothing followed there within half an hour
    REPETITION = "repetition"  # visits of more than one interaction
    DELAY = "delay"  # moves on that took longer than the median of all moves on from its like and itself


@dataclass(frozen=True, slots=True, kw_only=True)
class FrictionPoint:
    """How much a place is above its like.

    Attributes
    ----------
    place : its number.
    share : of visits (of a delay, of moves on), with its interval.
    like : the same share of its like together. For drop-off and repetition these are the other places of its stage that are
        contacts, or that are none, as it is; for leaving the session those of its channel that are none; for delay those of its
        channel and kind.
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

    @property
    def excess(self) -> float:
        """How many visits, or moves on, are in this trouble beyond what its like makes one expect."""
        return self.score * self.share.n


_LEAST_SCORE, _LEAST_RATIO = 0.02, 1.25
_SESSION = DAY // 48  # half an hour
_AFTERWARDS = (Kind.RATING, Kind.REFUND)
_SCREENS = (Channel.WEB, Channel.APP)
_GRAVITY = {trouble: place for place, trouble in enumerate(Trouble)}
_Told = Mapping[int, tuple[float, float]]
_Times = Mapping[int, Sequence[tuple[int, int]]]


def friction_points(connection: Any, of: Flows, where: str = CURRENT, *, small_count: int = 0) -> tuple[FrictionPoint, ...]:
    """Compare every place with its like: those markedly above it first, drop-offs before other troubles, most visits first.

    Conversions, and ratings and refunds after them, are left out: there a journey may well end. So are places without a like.

    Parameters
    ----------
    connection : has the tables of `cut_into_steps`.
    of : the flows of the same journeys.
    where : of which journeys, as `CURRENT`.
    small_count : shares of fewer visits are drawn to those of all places alike.
    """
    places = {number: place for number, place in of.places.items() if not place.converts and place.kind not in _AFTERWARDS}
    left, times = _left(connection, where, of.places), _times(connection, where)
    seen: list[_Compared] = []
    for trouble in Trouble:
        for alike in _alike(trouble, places):
            seen += _compared(trouble, alike, _troubled(trouble, alike, left, times), small_count)
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
    return tuple(sorted(found, key=lambda one: (not one.marked, _GRAVITY[one.trouble], -one.excess, one.place)))


@dataclass(frozen=True, slots=True)
class _Compared:
    place: int
    trouble: Trouble
    share: Rate
    witnesses: float
    like: float
    like_witnesses: float


def _alike(trouble: Trouble, places: Mapping[int, Place]) -> Iterable[Mapping[int, Place]]:
    """Places in groups of those that compare with each other."""
    groups: dict[tuple[str, object], dict[int, Place]] = defaultdict(dict)
    for number, place in places.items():
        channel, contact = channel_of(place.touchpoint), place.kind == Kind.CONTACT
        match trouble:
            case Trouble.DELAY:
                groups[channel, place.kind][number] = place
            case Trouble.LEAVING if channel in _SCREENS and not contact:
                groups[channel, contact][number] = place
            case Trouble.DROP_OFF | Trouble.REPETITION if place.stage is not None:
                groups[place.stage, contact][number] = place
    return groups.values()


def _troubled(trouble: Trouble, alike: Mapping[int, Place], left: _Told, times: _Times) -> _Told:
    """By place, how many are in trouble, out of how many."""
    match trouble:
        case Trouble.DROP_OFF:
            return {number: (place.dropped, place.visits) for number, place in alike.items()}
        case Trouble.LEAVING:
            return left
        case Trouble.REPETITION:
            return {number: (place.repeated, place.visits) for number, place in alike.items()}
        case Trouble.DELAY:
            return _slow(alike, times)


def _compared(trouble: Trouble, places: Mapping[int, Place], troubled: _Told, small_count: int) -> Iterator[_Compared]:
    known = {number: troubled[number] for number in places if number in troubled and troubled[number][1] > 0}
    if len(known) < 2:
        return
    count, out_of = np.array(list(known.values()), dtype=np.float64).T
    witnesses = out_of / np.array([places[number].visits_per_customer for number in known])
    shares = rates(count, out_of, witnesses=witnesses, small_count=small_count)
    for row, number in enumerate(known):
        like = float((count.sum() - count[row]) / (out_of.sum() - out_of[row]))
        yield _Compared(number, trouble, shares[row], float(witnesses[row]), like, float(witnesses.sum() - witnesses[row]))


def _left(connection: Any, where: str, places: Mapping[int, Place]) -> _Told:
    """By place: visits after which neither a step in the same channel nor a conversion followed soon, and all visits."""
    visits: dict[int, float] = defaultdict(float)
    stayed: dict[int, float] = defaultdict(float)
    for place, following, count, soon in connection.execute(_SOON.format(where=where, session=_SESSION)).fetchall():
        visits[place] += count
        if following is not None and _goes_on(places[place], places[following]):
            stayed[place] += soon
    return {place: (count - stayed[place], count) for place, count in visits.items()}


def _goes_on(one: Place, following: Place) -> bool:
    return following.converts or channel_of(one.touchpoint) == channel_of(following.touchpoint)


def _times(connection: Any, where: str) -> _Times:
    """By place: how long moves on took, as bins of the logarithm, with how many they are."""
    times: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for place, length, count in connection.execute(_LENGTHS.format(where=where)).fetchall():
        times[int(place)].append((int(length), int(count)))
    return times


def _slow(alike: Mapping[int, Place], times: _Times) -> _Told:
    """By place: moves on that took longer than half of all those from its like and itself, and all moves on."""
    together = sorted(pair for number in alike for pair in times.get(number, ()))
    if not together:
        return {}
    lengths, counts = np.array(together).T
    median = lengths[np.searchsorted(np.cumsum(counts), counts.sum() / 2)]
    return {
        number: (
            float(sum(count for length, count in times.get(number, ()) if length > median)),
            float(sum(count for _, count in times.get(number, ()))),
        )
        for number in alike
    }


_SOON = """
select place, next, count(*), count(*) filter (gap <= {session}) from steps where {where} group by all
"""

_LENGTHS = """
select place, floor(64 * log2(gap + 1))::smallint as length, count(*) from steps
where {where} and next is not null group by all
"""
