"""The journeys of a look, counted once: everything that the page tells."""

from dataclasses import dataclass
from typing import Any

from features.insights.history import open_history
from features.insights.journeys.comparison import Comparison, compare
from features.insights.journeys.converters import Contrasts, contrasts
from features.insights.journeys.critical import CriticalMoment, critical_moves, critical_places
from features.insights.journeys.flows import CURRENT, Place
from features.insights.journeys.friction import FrictionPoint, friction_points
from features.insights.journeys.journey_map import JourneyMap, journey_map
from features.insights.journeys.paths import Path, typical_paths
from features.insights.journeys.positions import Positions, positions
from features.insights.journeys.steps import cut_into_steps, gather_journeys
from features.insights.journeys.summary import Summary, summary
from features.insights.journeys.window import BEFORE, JourneyWindow
from features.insights.look import NO_SEGMENTS, Look
from features.lake import literal

MOST_SEGMENTS = 8
"""Segments that are compared with all other customers, those with most customers first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Everything about the journeys of a period.

    Attributes
    ----------
    before : what differs from the period before; None where there was no journey then.
    segments : each compared with everybody else, by name.
    small_count : the catalogue's; rates of fewer are shrunk.
    critical : places and moves.
    """

    window: JourneyWindow
    whole: Summary
    map: JourneyMap
    friction: tuple[FrictionPoint, ...]
    positions: Positions
    paths: tuple[Path, ...]
    contrasts: Contrasts
    critical: tuple[CriticalMoment, ...]
    before: Comparison | None
    segments: tuple[tuple[str, Comparison], ...]
    small_count: int

    def place(self, number: int) -> Place:
        """The place of a number."""
        return self.map.flows.places[number]

    def name(self, *places: int) -> str:
        """One or more places in words."""
        return " → ".join(self.place(number).name for number in places)

    @property
    def note_on_small(self) -> str:
        """What is done with small counts."""
        return f"Rates out of fewer than {self.small_count} are drawn to the rate of all, and marked." if self.small_count else ""


def tell(look: Look) -> Told | None:
    """Count the journeys of a look; None where no journey has ended for sure."""
    window = JourneyWindow.of(look)
    if window.empty:
        return None
    with open_history(look.lake, look.catalogue, members=look.members) as connection:
        cut_into_steps(connection, window)
        gather_journeys(connection)
        whole = summary(connection)
        return _told(connection, look, window, whole) if whole.journeys else None


def _told(connection: Any, look: Look, window: JourneyWindow, whole: Summary) -> Told:
    small, drawn, places = look.catalogue.insights.small_count, journey_map(connection), positions(connection)
    converting = frozenset(number for number, place in drawn.flows.places.items() if place.converts)
    moments = (critical(places, converting, alike=whole.alike) for critical in (critical_places, critical_moves))
    before = compare(connection, CURRENT, f"period = {BEFORE}", least=small)
    return Told(
        window=window,
        whole=whole,
        map=drawn,
        friction=friction_points(connection, drawn.flows, small_count=small),
        positions=places,
        paths=typical_paths(connection, small_count=small),
        contrasts=contrasts(connection, small_count=small),
        critical=tuple(sorted((each for of in moments for each in of), key=lambda one: (-abs(one.difference), one.places))),
        before=None if before.conversion is None else before,
        segments=_segments(connection, look, small),
        small_count=small,
    )


def _segments(connection: Any, look: Look, least: int) -> tuple[tuple[str, Comparison], ...]:
    if look.segments == NO_SEGMENTS:
        return ()
    connection.execute(
        f"create temp table members_of_segments as select hash(customer_id) as customer, segment from {look.segments}"
    )
    names = connection.execute(_NAMES.format(most=MOST_SEGMENTS)).fetchall()
    found = []
    for (name,) in names:
        within = f"customer in (select customer from members_of_segments where segment = {literal(name)})"
        found.append((str(name), compare(connection, f"{CURRENT} and {within}", f"{CURRENT} and not ({within})", least=least)))
    return tuple((name, each) for name, each in found if each.one.journeys)


_NAMES = """
select segment from members_of_segments where segment is not null group by segment order by count(*) desc, segment limit {most}
"""
