"""Tells of places: where journeys end without a conversion, where there is friction, and where journeys are at which step."""

from dataclasses import replace

from features.insights.figures import bars, heatmap
from features.insights.journeys.friction import FrictionPoint
from features.insights.journeys.rates import rates
from features.insights.journeys.steps import STEPS_KEPT
from features.insights.journeys.told import Told
from features.insights.page import Section
from features.insights.table import Column, Table, Unit, Value

_DRAWN, _MATRIX_ROWS = 15, 15
_OTHER, _ENDED = "other", "ended before"


def ends_section(told: Told) -> Section:
    """Where journeys end without a conversion."""
    table, lost = _ends_table(told), told.whole.journeys - told.whole.converted
    figure = bars(
        replace(table, rows=table.rows[:_DRAWN]), "Drop-off by place", label="place", value="drop_off", low="low", high="high"
    )
    first = table.records[0] if table.rows else None
    words = () if first is None else (f"{lost:,} journeys ended without a conversion, most of them after {first['place']}.",)
    return Section(
        name="ends",
        title="Where do journeys end without a conversion?",
        words=words,
        figures=(figure,) if table.rows else (),
        tables=(table,),
        empty="Every journey ended with a conversion.",
    )


def _ends_table(told: Told) -> Table:
    columns = (
        Column("place", "Place", explains="touchpoint and kind"),
        Column("stage", "Stage"),
        Column("dropped", "Journeys that end here", Unit.COUNT, "without a conversion"),
        Column("of_all", "Of all such ends", Unit.SHARE, "journeys that end here / all journeys that end without a conversion"),
        Column("visits", "Visits", Unit.COUNT),
        Column("drop_off", "Drop-off", Unit.SHARE, "visits after which the journey ended without a conversion / visits here"),
        Column(
            "low",
            "Low",
            Unit.SHARE,
            "lower end of the drop-off's 95 % interval; visits of one customer count as if all went alike",
        ),
        Column("high", "High", Unit.SHARE, "upper end"),
        Column("shrunk", "Shrunk", Unit.YES_NO, "whether the drop-off is drawn to that of all places, because visits are few"),
    )
    places = sorted((each for each in told.map.flows.places.values() if not each.converts), key=lambda it: (-it.dropped, it.name))
    visits, witnesses = [place.visits for place in places], [place.witnesses for place in places]
    shares = rates([place.dropped for place in places], visits, witnesses=witnesses, small_count=told.small_count)
    lost = sum(place.dropped for place in places)
    records: list[dict[str, Value]] = [
        {
            "place": place.name,
            "stage": place.stage,
            "dropped": place.dropped,
            "of_all": place.dropped / lost,
            "visits": place.visits,
            "drop_off": share.value,
            "low": share.low,
            "high": share.high,
            "shrunk": share.shrunk,
        }
        for place, share in zip(places, shares, strict=True)
        if place.dropped
    ]
    return Table.of("ends", "Ends without a conversion", columns, records, note=told.note_on_small)


def friction_section(told: Told) -> Section:
    """Places that are worse than their like."""
    columns = (
        Column("touchpoint", "Touchpoint"),
        Column("kind", "Kind"),
        Column("stage", "Stage"),
        Column(
            "trouble",
            "Trouble",
            explains="drop-off: visits after which the journey ended without a conversion / visits; leaves the session: visits "
            "on web or app after which neither a step in the same channel nor a conversion followed within 30 minutes / visits; "
            "repetition: visits of more than one interaction / visits; delay: moves on that took longer than the median of its "
            "like and itself / moves on",
        ),
        Column("share", "Share", Unit.SHARE, "of visits, or of moves on, that are in this trouble"),
        Column("n", "Out of", Unit.COUNT, "visits, or moves on"),
        Column(
            "like",
            "Its like",
            Unit.SHARE,
            "the share of the other places like it together: of its stage, for leaving the session of its channel (contacts and "
            "others apart), and for delay of its channel and kind; conversions, ratings and refunds are left out",
        ),
        Column("score", "Score", Unit.SHARE, "share less that of its like"),
        Column(
            "excess", "Beyond its like", Unit.COUNT, "score x visits, or moves on: so many more than its like makes one expect"
        ),
        Column(
            "low", "Low", Unit.SHARE, "lower end of the score's 95 % interval; visits of one customer count as if all went alike"
        ),
        Column("high", "High", Unit.SHARE, "upper end"),
        Column(
            "verdict",
            "Verdict",
            explains="friction: 2 points and a quarter above its like at least, and not by chance (false discovery rate 5 %)",
        ),
        Column("shrunk", "Shrunk", Unit.YES_NO, "whether the share is drawn to that of its like, because there are few"),
    )
    records: list[dict[str, Value]] = [
        {
            "touchpoint": told.place(point.place).touchpoint,
            "kind": told.place(point.place).kind,
            "stage": told.place(point.place).stage,
            "trouble": point.trouble.value,
            "share": point.share.value,
            "n": point.share.n,
            "like": point.like,
            "score": point.score,
            "excess": round(point.excess),
            "low": point.low,
            "high": point.high,
            "verdict": _verdict(point),
            "shrunk": point.share.shrunk,
        }
        for point in told.friction
    ]
    table = Table.of("friction", "Friction points", columns, records, note=told.note_on_small)
    above = [point for point in told.friction if point.marked]
    words = (
        [f"{len(above)} of {len(told.friction)} comparisons show friction: a share markedly above that of its like."]
        if told.friction
        else []
    )
    for point in above[:3]:
        words.append(
            f"{told.name(point.place)}: {point.trouble.value} {point.share.value:.1%} against {point.like:.1%} "
            f"({point.low:+.1%} to {point.high:+.1%})."
        )
    return Section(
        name="friction",
        title="Where is friction?",
        words=tuple(words),
        tables=(table,),
        empty="No stage and no channel has two places to compare: give touchpoints their stages in the catalogue.",
    )


def _verdict(point: FrictionPoint) -> str:
    if not point.distinguishable:
        return "not distinguishable"
    return "friction" if point.marked else "slightly above" if point.score > 0 else "below its like"


def matrix_section(told: Told) -> Section:
    """The step matrix."""
    columns = (
        Column("place", "Place", explains="touchpoint and kind; 'ended before': the journey had fewer steps"),
        Column("step", "Step", Unit.COUNT, "number of the step in its journey"),
        Column("journeys", "Journeys", Unit.COUNT, "whose step of that number is there"),
        Column("share", "Share", Unit.SHARE, "of all journeys; the shares of one step add up to 100 %"),
    )
    counts: dict[str, list[int]] = {}
    for (step, place), passed in told.positions.at.items():
        counts.setdefault(told.name(place), [0] * STEPS_KEPT)[step - 1] += passed.journeys
    ordered = sorted(counts, key=lambda name: (-sum(counts[name]), name))
    rows = {name: counts[name] for name in ordered[:_MATRIX_ROWS]}
    if rest := [counts[name] for name in ordered[_MATRIX_ROWS:]]:
        rows[_OTHER] = [sum(column) for column in zip(*rest, strict=True)]
    journeys = told.positions.journeys
    rows[_ENDED] = [journeys - told.positions.reached(step) for step in range(1, STEPS_KEPT + 1)]
    records: list[dict[str, Value]] = [
        {"place": name, "step": step, "journeys": count, "share": count / journeys}
        for name, row in rows.items()
        for step, count in enumerate(row, start=1)
    ]
    table = Table.of("step_matrix", "Step matrix", columns, records)
    figure = heatmap(table, "Share of journeys by place and step", x="step", y="place", value="share")
    return Section(
        name="step_matrix",
        title="Where are journeys at each step?",
        words=(f"Of {journeys:,} journeys, {told.positions.reached(2) / journeys:.1%} have a second step.",),
        figures=(figure,),
        tables=(table,),
    )
