"""Tells the map: the flow from step to step, and tables of places, moves and loops."""

from features.insights.figures import sankey
from features.insights.journeys.map_tables import loops_table, moves_table, places_table
from features.insights.journeys.told import Told
from features.insights.page import Section
from features.insights.table import Column, Table, Unit, Value

_STEPS, _NAMED = 5, 6
_OTHER, _LEFT = "other", "left without conversion"


def flow_section(told: Told) -> Section:
    """How journeys run."""
    flow, loops = _flow_table(told), sum(loop.count for loop in told.map.loops)
    moves = sum(move.count for move in told.map.flows.moves)
    figure = sankey(flow, "Journeys from step to step", source="source", target="target", value="journeys")
    return Section(
        name="map",
        title="How do journeys run?",
        words=(
            f"{told.whole.journeys:,} journeys of {told.whole.customers:,} customers made {moves:,} moves between "
            f"{len(told.map.flows.places):,} places.",
            f"Loops, to another place and straight back: {loops:,}.",
            f"The figure follows the first {_STEPS} steps; the number of the step stands before the name.",
            *_at_once(told),
        ),
        figures=(figure,),
        tables=(flow, places_table(told), moves_table(told), loops_table(told)),
    )


def _at_once(told: Told) -> tuple[str, ...]:
    places = [(place, passed) for (step, place), passed in told.positions.at.items() if step == 1]
    journeys = sum(passed.journeys for place, passed in places if told.place(place).converts)
    if not journeys:
        return ()
    return (f"{journeys / told.whole.journeys:.1%} of journeys are a conversion and nothing before it, and not in the figure.",)


def _flow_table(told: Told) -> Table:
    counts = _Counts(told)
    for (step, place, target), passed in told.positions.next.items():
        counts.add(step, place, counts.node(step + 1, target), passed.journeys)
    for (step, place), passed in told.positions.at.items():
        if not told.place(place).converts:
            counts.add(step, place, f"{step + 1} {_LEFT}", passed.journeys - counts.gone_on.get((step, place), 0))
    columns = (
        Column("source", "From", explains="number of the step in its journey, touchpoint and kind"),
        Column("target", "To", explains="the next step, or that there is none and there was no conversion"),
        Column("journeys", "Journeys", Unit.COUNT, "journeys whose steps of these numbers are these"),
    )
    note = f"The {_NAMED} most frequent places of every step are named, the others are '{_OTHER}'. A conversion ends a journey."
    return Table.of("flow", "Flow through the first steps", columns, counts.records(), note=note)


class _Counts:
    """Journeys by where they are and where they go, with rare places put together."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._flows: dict[tuple[int, str, str], int] = {}
        self._named = {step: self._most_frequent(step) for step in range(1, _STEPS + 1)}
        self.gone_on: dict[tuple[int, int], int] = {}

    def node(self, step: int, place: int) -> str:
        named = step in self._named and place in self._named[step]
        return f"{step} {self._told.name(place) if named else _OTHER}"

    def add(self, step: int, place: int, target: str, journeys: int) -> None:
        if step < _STEPS and journeys:
            key = (step, self.node(step, place), target)
            self._flows[key] = self._flows.get(key, 0) + journeys
            self.gone_on[step, place] = self.gone_on.get((step, place), 0) + journeys

    def records(self) -> list[dict[str, Value]]:
        ordered = sorted(self._flows.items(), key=lambda item: (item[0][0], -item[1], item[0]))
        return [{"source": source, "target": target, "journeys": count} for (_, source, target), count in ordered]

    def _most_frequent(self, step: int) -> frozenset[int]:
        at = sorted((-passed.journeys, place) for (number, place), passed in self._told.positions.at.items() if number == step)
        return frozenset(place for _, place in at[:_NAMED])
