"""Tables of the map: every place by stage, the moves between places, and loops."""

from collections.abc import Iterator
from dataclasses import dataclass

from features.domain import Stage
from features.insights.journeys.flows import END, START, Place
from features.insights.journeys.journey_map import Passage
from features.insights.journeys.rates import rates
from features.insights.journeys.told import Told
from features.insights.table import Column, Table, Unit, Value

MOST_MOVES = 200
"""Rows of tables of moves; the most frequent ones."""

_STAGES = [stage.value for stage in Stage]


def places_table(told: Told) -> Table:
    """Stages and touchpoints with what happens there."""
    columns = (
        Column("stage", "Stage", explains="that most interactions here say, or else the catalogue"),
        Column("touchpoint", "Touchpoint"),
        Column("kind", "Kind", explains="what happens there"),
        Column("visits", "Visits", Unit.COUNT, "steps here; interactions of one kind in a row at one touchpoint are one step"),
        Column("interactions", "Interactions", Unit.COUNT, "all that these steps consist of"),
        Column("starts", "Starts", Unit.COUNT, "journeys that begin here"),
        Column("moves_on", "Moves on", Unit.COUNT, "visits that were followed by another step of the journey"),
        Column("conversions", "Conversions", Unit.COUNT, "visits that were the conversion, which ends the journey"),
        Column("dropped", "Drop-offs", Unit.COUNT, "visits after which the journey ended without a conversion"),
    )
    places = sorted(told.map.flows.places.values(), key=lambda place: (_stage(place), -place.visits, place.name))
    note = "Visits = moves on + conversions + drop-offs, and also = starts + moves that lead here."
    return Table.of("places", "Stages and touchpoints", columns, map(_place_record, places), note=note)


def _place_record(place: Place) -> dict[str, Value]:
    return {
        "stage": place.stage,
        "touchpoint": place.touchpoint,
        "kind": place.kind,
        "visits": place.visits,
        "interactions": place.interactions,
        "starts": place.starts,
        "moves_on": place.visits - place.dropped - place.converted,
        "conversions": place.converted,
        "dropped": place.dropped,
    }


def _stage(place: Place) -> int:
    return _STAGES.index(place.stage) if place.stage in _STAGES else len(_STAGES)


@dataclass(frozen=True, slots=True)
class _Row:
    source: str
    target: str
    count: int
    converted: int
    visits: int
    witnesses: float
    passage: Passage | None = None


def moves_table(told: Told) -> Table:
    """Moves with how often, by whom, how long and to what end."""
    columns = (
        Column("source", "From", explains=f"{START}: the journey begins"),
        Column("target", "To", explains=f"{END}: the journey ends without a conversion"),
        Column("moves", "Moves", Unit.COUNT, "how often"),
        Column("customers", "Customers", Unit.COUNT, f"who made the move; not counted for {START} and {END}"),
        Column(
            "share", "Share of leavers", Unit.SHARE, f"these moves / all visits of where they come from ({START}: all journeys)"
        ),
        Column(
            "low", "Low", Unit.SHARE, "lower end of the share's 95 % interval; visits of one customer count as if all went alike"
        ),
        Column("high", "High", Unit.SHARE, "upper end"),
        Column(
            "median_days", "Median days", Unit.DAYS, "half of the moves took no longer; from the last interaction to the next"
        ),
        Column("slow_days", "90 % days", Unit.DAYS, "90 % of the moves took no longer"),
        Column("conversion", "Conversion", Unit.SHARE, "moves whose journey ended with a conversion / these moves"),
        Column("conversion_low", "Low", Unit.SHARE, "lower end of its 95 % interval"),
        Column("conversion_high", "High", Unit.SHARE, "upper end"),
        Column("shrunk", "Shrunk", Unit.YES_NO, "whether the conversion is drawn to that of all moves, because there are few"),
    )
    rows = sorted(_rows(told), key=lambda row: (-row.count, row.source, row.target))
    note = " ".join(filter(None, [told.note_on_small, f"The {MOST_MOVES} most frequent." if len(rows) > MOST_MOVES else ""]))
    return Table.of("moves", "Moves between places", columns, _move_records(rows[:MOST_MOVES], told.small_count), note=note)


def _rows(told: Told) -> Iterator[_Row]:
    of = told.map.flows
    for start in of.starts:
        yield _Row(START, told.name(start.target), start.count, start.converted, told.whole.journeys, told.whole.customers)
    for place in of.places.values():
        if place.dropped:
            yield _Row(place.name, END, place.dropped, 0, place.visits, place.witnesses)
    for move in of.moves:
        source, passage = of.places[move.source], told.map.passages[move.source, move.target]
        counts = (move.count, move.converted, source.visits, source.witnesses)
        yield _Row(source.name, told.name(move.target), *counts, passage)


def _move_records(rows: list[_Row], small_count: int) -> Iterator[dict[str, Value]]:
    shares = rates([row.count for row in rows], [row.visits for row in rows], witnesses=[row.witnesses for row in rows])
    conversions = rates(
        [row.converted for row in rows],
        [row.count for row in rows],
        witnesses=[max(row.count * row.witnesses / row.visits, 1.0) for row in rows],
        small_count=small_count,
    )
    for row, share, conversion in zip(rows, shares, conversions, strict=True):
        ends = row.target == END  # without a conversion, by definition
        yield {
            "source": row.source,
            "target": row.target,
            "moves": row.count,
            "customers": row.passage.customers if row.passage else None,
            "share": share.value,
            "low": share.low,
            "high": share.high,
            "median_days": row.passage.median_days if row.passage else None,
            "slow_days": row.passage.slow_days if row.passage else None,
            "conversion": None if ends else conversion.value,
            "conversion_low": None if ends else conversion.low,
            "conversion_high": None if ends else conversion.high,
            "shrunk": not ends and conversion.shrunk,
        }


def loops_table(told: Told) -> Table:
    """From a place to another and straight back."""
    columns = (
        Column("place", "From and back to"),
        Column("turn", "By way of"),
        Column("loops", "Loops", Unit.COUNT, "how often customers went from the one to the other and straight back"),
        Column("journeys", "Journeys", Unit.COUNT, "in which that happened"),
        Column("conversion", "Conversion", Unit.SHARE, "of these journeys, those that ended with a conversion"),
        Column("low", "Low", Unit.SHARE, "lower end of its 95 % interval"),
        Column("high", "High", Unit.SHARE, "upper end"),
        Column("shrunk", "Shrunk", Unit.YES_NO, "whether it is drawn to that of all loops, because there are few"),
    )
    loops = told.map.loops[:MOST_MOVES]
    journeys = [loop.journeys for loop in loops]
    alone = [max(count / told.whole.alike, 1.0) for count in journeys]
    conversions = rates([loop.converted for loop in loops], journeys, witnesses=alone, small_count=told.small_count)
    records: list[dict[str, Value]] = [
        {
            "place": told.name(loop.source),
            "turn": told.name(loop.turn),
            "loops": loop.count,
            "journeys": loop.journeys,
            "conversion": rate.value,
            "low": rate.low,
            "high": rate.high,
            "shrunk": rate.shrunk,
        }
        for loop, rate in zip(loops, conversions, strict=True)
    ]
    return Table.of("loops", "Loops", columns, records, note=told.note_on_small)
