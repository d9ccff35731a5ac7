"""Tells what differs: from the period before, and between segments."""

from collections.abc import Iterable

from features.insights.journeys.comparison import Comparison, Difference
from features.insights.journeys.flows import END, START
from features.insights.journeys.rates import Rate
from features.insights.journeys.summary import Summary
from features.insights.journeys.told import Told
from features.insights.page import Section
from features.insights.table import Column, Table, Unit, Value

_MOST_CHANGES = 100


def changes_section(told: Told) -> Section:
    """What changed against the period before."""
    if told.before is None or told.before.conversion is None:
        return Section(
            name="changes",
            title="What changed against the period before?",
            empty="No journey ended in the period before; look at a later or a shorter period.",
        )
    changes, conversion = told.before.changes, told.before.conversion
    words = [
        f"{conversion.one:.1%} of {conversion.one_count:,} journeys convert, before {conversion.other:.1%} of "
        f"{conversion.other_count:,}: {_in_words(conversion)}.",
        f"{len(changes)} of {len(told.before.moves)} shares of moves changed for sure.",
    ]
    words += [
        f"{change.source} → {change.target}: {change.one:.1%}, before {change.other:.1%} ({_in_words(change)})."
        for change in changes[:3]
    ]
    moves = (conversion, *told.before.moves)
    return Section(
        name="changes",
        title="What changed against the period before?",
        words=tuple(words),
        tables=(_differences_table("changes", "Changes", [("", each) for each in moves[:_MOST_CHANGES]], before=True),),
    )


def segments_section(told: Told) -> Section:
    """How journeys of segments differ."""
    columns = (
        Column("segment", "Segment"),
        Column("journeys", "Journeys", Unit.COUNT),
        Column("customers", "Customers", Unit.COUNT, "who made one"),
        Column("conversion", "Conversion", Unit.SHARE, "journeys that ended with a conversion / journeys"),
        Column("low", "Low", Unit.SHARE, "lower end of its 95 % interval; journeys of one customer count together"),
        Column("high", "High", Unit.SHARE, "upper end"),
        Column("median_steps", "Median steps", Unit.NUMBER, "half of the journeys have no more"),
        Column("median_days", "Median days", Unit.DAYS, "of journeys with more than one interaction"),
        Column("verdict", "Against others", explains="whether its conversion differs from that of all other customers for sure"),
    )
    records = [_segment(name, each.one, each) for name, each in told.segments]
    table = Table.of("segments", "Journeys by segment", columns, records)
    changes = [(name, change) for name, each in told.segments for change in each.changes]
    greatest = sorted(changes, key=lambda pair: -abs(pair[1].value))[:_MOST_CHANGES]
    return Section(
        name="segments",
        title="How do segments differ?",
        words=(f"{len(changes)} shares of moves of segments differ from those of all other customers for sure.",)
        if records
        else (),
        tables=(table, _differences_table("segment_moves", "Moves that differ", greatest, before=False)) if records else (),
        empty="No customer is in a segment yet: segments are made with customer values, on the page of these.",
    )


def _segment(name: str, of: Summary, compared: Comparison) -> dict[str, Value]:
    rate = of.conversion or Rate(0.0, 0.0, 1.0, 0)
    return {
        "segment": name,
        "journeys": of.journeys,
        "customers": of.customers,
        "conversion": rate.value,
        "low": rate.low,
        "high": rate.high,
        "median_steps": of.median_steps,
        "median_days": of.median_days,
        "verdict": "no other customers" if compared.conversion is None else _in_words(compared.conversion),
    }


def _in_words(of: Difference) -> str:
    points = f"{of.value * 100:+.1f} points, {of.low * 100:+.1f} to {of.high * 100:+.1f}"
    return points if of.distinguishable else f"not distinguishable, {of.low * 100:+.1f} to {of.high * 100:+.1f} points"


def _differences_table(name: str, title: str, rows: Iterable[tuple[str, Difference]], *, before: bool) -> Table:
    one, other = ("Now", "Before") if before else ("Segment", "Others")
    columns = (
        *(() if before else (Column("segment", "Segment"),)),
        Column("source", "From", explains=f"{START}: how journeys begin"),
        Column("target", "To", explains=f"{END}: the journey ends without a conversion"),
        Column("one", one, Unit.SHARE, f"moves / visits of where they come from ({START}, and conversion: journeys)"),
        Column("one_count", f"{one}, out of", Unit.COUNT),
        Column("other", other, Unit.SHARE, "the same"),
        Column("other_count", f"{other}, out of", Unit.COUNT),
        Column("value", "Difference", Unit.SHARE),
        Column(
            "low",
            "Low",
            Unit.SHARE,
            "lower end of its 95 % interval (Newcombe); visits of one customer count as if all went alike",
        ),
        Column("high", "High", Unit.SHARE, "upper end"),
        Column(
            "verdict", "Verdict", explains="a change with a false discovery rate of 5 % over all rows, or not distinguishable"
        ),
    )
    records: list[dict[str, Value]] = [
        {
            "segment": segment,
            "source": each.source or "all journeys",
            "target": each.target or "conversion",
            "one": each.one,
            "one_count": each.one_count,
            "other": each.other,
            "other_count": each.other_count,
            "value": each.value,
            "low": each.low,
            "high": each.high,
            "verdict": ("more" if each.value > 0 else "less") if each.distinguishable else "not distinguishable",
        }
        for segment, each in rows
    ]
    return Table.of(name, title, columns, records)
