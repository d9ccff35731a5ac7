"""Tells of segments: by value, by behaviour, and who moved between them."""

from collections.abc import Mapping, Sequence

from features.insights import Column, Section, Table, Unit
from features.insights.figures import bars, heatmap
from features.insights.look import Look
from features.insights.segments.moves import Move, Touched
from features.insights.segments.outcomes import SegmentResult
from features.insights.segments.rules import JOURNEY_RULES, PROSPECTS, VALUE_RULES, rules_table
from features.insights.table import Value
from training.lifetime.outlook import Total
from training.lifetime.rate_columns import rate_columns, rate_values
from training.lifetime.study import Study

_WORTH = {
    "expected_value": "expected value",
    "expected_conversions": "expected conversions, because no value was captured",
    "spent": "money spent so far, because nothing can be foretold yet",
    "conversions": "conversions so far, because nothing can be foretold yet",
}
_FORWARD = "Rates look forward: they are of those who were in the segment when the period began, and of what they did in it."


def segment_section(look: Look, found: Study) -> Section:
    """Segments by value."""
    table = _segments_table("segments", "Segments by value", look, found.segments, found.expected)
    figure = bars(table, "Customers in each segment", label="segment", value="customers")
    mean = f"Compared by {_WORTH[found.worth.column]}; the mean is {found.worth.mean:,.2f}."
    rules = rules_table("segment_rules", "Rules of the segments", VALUE_RULES, note=f"{mean} {_churn(look)}")
    touched = _touched_table(found.touched)
    words = (*_size_words(look, found), _FORWARD)
    return Section(name="segments", title="Who are they?", words=words, figures=(figure,), tables=(table, rules, touched))


def journey_section(look: Look, found: Study) -> Section:
    """Segments by behaviour in the period."""
    table = _segments_table("journey_segments", "Segments by behaviour", look, found.journeys, found.expected)
    figure = bars(table, "Customers in each segment", label="segment", value="customers")
    rules = rules_table("journey_rules", "Rules of the segments", JOURNEY_RULES, note="By what was done in the period.")
    moves = _moves_table("journey_moves", found.journey_moves)
    largest = max(found.journeys, key=lambda each: each.customers)
    share = largest.customers / found.customers
    words = (f"Most are {largest.name}: {largest.customers:,} of {found.customers:,} customers, {share:.0%}.", _FORWARD)
    return Section(name="journeys", title="How do they behave?", words=words, figures=(figure,), tables=(table, rules, moves))


def moves_section(found: Study) -> Section:
    """Who was where when the period began, and is where now."""
    table = _moves_table("moves", found.moves)
    figure = heatmap(table, "Where those of each segment are now", x="now", y="before", value="share")
    return Section(name="moves", title="Who moves where?", words=_moves_words(found.moves), figures=(figure,), tables=(table,))


def _churn(look: Look) -> str:
    return f"churn_days are {look.catalogue.objective.churn_days:g}, from the catalogue's [objective]."


def _size_words(look: Look, found: Study) -> tuple[str, ...]:
    said = []
    for each in found.segments:
        if each.name in ("champions", "at risk", "slipping away") and each.customers:
            total = found.expected.get(each.name)
            value = f", expected to bring {total.value:,.0f} {look.catalogue.currency}" if total else ""
            said.append(f"{each.customers:,} {each.name} ({each.customers / found.customers:.0%}{value})")
    if said:
        return ("; ".join(said) + ".",)
    largest = max(found.segments, key=lambda each: each.customers)
    return (f"Most are {largest.name}: {largest.customers:,} of {found.customers:,}.",)


def _segments_table(name: str, title: str, look: Look, results: Sequence[SegmentResult], expected: Mapping[str, Total]) -> Table:
    customers = sum(each.customers for each in results)
    records = [_segment_record(each, customers, expected.get(each.name)) for each in results]
    churn = f"{look.catalogue.objective.churn_days:g}"
    columns = (
        Column("segment", "Segment"),
        Column("customers", "Customers", Unit.COUNT, "In the segment at the end of the period."),
        Column("share", "Share", Unit.SHARE, "Of all customers known at the end of the period."),
        Column("before", "Before", Unit.COUNT, "In the segment when the period began; all rates are of these."),
        Column("change", "Change", Unit.COUNT, "Customers at the end less customers when the period began."),
        Column("expected_each", "Expected value each", Unit.MONEY, "Profit expected of one customer of now, discounted."),
        Column("expected", "Expected value", Unit.MONEY, "Profit expected of all customers of now, discounted."),
        Column("expected_low", "Expected value, from", Unit.MONEY, "Lower end of the 95 % interval, if the model is right."),
        Column("expected_high", "Expected value, to", Unit.MONEY, "Upper end of the 95 % interval, if the model is right."),
        *rate_columns("conversion", "Converted", Unit.SHARE, "Those of before who converted in the period, of all of before."),
        *rate_columns(
            "arpu",
            "Value in 30 days",
            Unit.MONEY,
            "Value of conversions in the period of those of before, refunds taken off, over all of before and over the period's "
            "months of 30 days.",
        ),
        *rate_columns(
            "churned",
            "Churned",
            Unit.SHARE,
            f"Those of before without a conversion in the period's first {churn} days, of those of before who had converted.",
        ),
        Column("few", "Few", Unit.YES_NO, "Whether a rate is of so few that it is drawn to the mean of all segments."),
    )
    note = f"Rates of fewer than {look.catalogue.insights.small_count} are drawn to the mean of all segments."
    return Table.of(name, title, columns, records, note=note)


def _segment_record(each: SegmentResult, customers: int, total: Total | None) -> dict[str, Value]:
    bring = total if each.name != PROSPECTS else None
    return {
        "segment": each.name,
        "customers": each.customers,
        "share": each.customers / customers if customers else None,
        "before": each.before,
        "change": each.customers - each.before,
        "expected_each": bring.value / each.customers if bring and each.customers else None,
        "expected": bring.value if bring else None,
        "expected_low": bring.low if bring else None,
        "expected_high": bring.high if bring else None,
        **rate_values("conversion", each.conversion),
        **rate_values("arpu", each.arpu),
        **rate_values("churned", each.churned),
        "few": each.conversion.shrunk or each.arpu.shrunk or each.churned.shrunk,
    }


def _moves_table(name: str, moves: Sequence[Move]) -> Table:
    columns = (
        Column("before", "Before", explains="Segment when the period began."),
        Column("now", "Now", explains="Segment at its end."),
        Column("customers", "Customers", Unit.COUNT),
        *rate_columns("share", "Share", Unit.SHARE, "Of all who were in the segment before."),
    )
    records = [
        {"before": each.before, "now": each.now, "customers": each.customers, **rate_values("share", each.share)}
        for each in moves
    ]
    return Table.of(name, "From one segment to another", columns, records)


def _moves_words(moves: Sequence[Move]) -> tuple[str, ...]:
    known = [each for each in moves if each.before not in (PROSPECTS, "not known yet")]
    total = sum(each.customers for each in known)
    if not total:
        return ("When the period began nobody had converted, so nobody could move.",)
    stayed = sum(each.customers for each in known if each.before == each.now)
    best = max((each for each in known if each.before != each.now), key=lambda each: each.customers, default=None)
    first = f"Of {total:,} customers who had converted before the period, {stayed / total:.0%} are in the same segment still."
    if best is None:
        return (first,)
    return (first, f"The largest move: {best.customers:,} from {best.before} to {best.now}.")


def _touched_table(touched: Sequence[Touched]) -> Table:
    columns = (
        Column("segment", "Segment"),
        Column("touchpoint", "Touchpoint"),
        Column("customers", "Customers", Unit.COUNT, "Of the segment, who had to do with the touchpoint in the period."),
        *rate_columns("share", "Share", Unit.SHARE, "Of all customers of the segment."),
    )
    records = [
        {"segment": each.segment, "touchpoint": each.touchpoint, "customers": each.customers, **rate_values("share", each.share)}
        for each in touched
    ]
    return Table.of("segment_touchpoints", "Where each segment is met most", columns, records)
