"""Tells who leaves after a touchpoint, against customers alike."""

from collections.abc import Mapping
from dataclasses import replace

from features.insights.figures import bars
from features.insights.page import Section
from features.insights.table import Column, Table, Unit, Value
from features.insights.touchpoints.matching import Matched, Rate
from features.insights.touchpoints.retention import Panel
from features.insights.touchpoints.words import plain, points, share

_NOTE = (
    "Matched, not randomized: customers alike in recency, frequency and life at the same week, who had no such interaction then "
    "nor in the outcome window before. What else made them differ is in the difference too. Intervals by customers "
    "(delete-a-group jackknife)."
)
_COLUMNS = (
    Column(
        "difference",
        "Difference",
        Unit.SHARE,
        "Churn after minus that of customers alike; drawn to the mean of all where shrunk.",
    ),
    Column("difference_low", "Difference, low", Unit.SHARE, "Lower end of the 95 % interval."),
    Column("difference_high", "Difference, high", Unit.SHARE, "Upper end of the 95 % interval."),
    Column("verdict", "Verdict", explains="Whether the interval of the difference leaves zero out."),
    Column(
        "churn", "Churn after", Unit.SHARE, "No conversion within churn_days after the week, over the matched customer-weeks."
    ),
    Column("churn_low", "Churn after, low", Unit.SHARE, "Lower end of the 95 % interval."),
    Column("churn_high", "Churn after, high", Unit.SHARE, "Upper end of the 95 % interval."),
    Column(
        "baseline", "Churn of customers alike", Unit.SHARE, "The same of customers alike without it, weighted as those with it."
    ),
    Column("retention", "Retention after", Unit.SHARE, "One minus churn after."),
    Column("customers", "Customers", Unit.COUNT, "Different customers who had it in a week after which churn_days are known."),
    Column("n", "Customer-weeks", Unit.COUNT, "Weeks of customers who had it, with somebody alike: what the shares are out of."),
    Column("matched", "Matched", Unit.SHARE, "Customer-weeks with somebody alike, over all customer-weeks with it."),
    Column("difference_raw", "Difference, unshrunk", Unit.SHARE, "Before differences behind few customers were shrunk."),
    Column("shrunk", "Shrunk", Unit.YES_NO, "Whether fewer customers are behind it than insights.small_count."),
)
_PLAIN = (
    Column("n", "Customer-weeks", Unit.COUNT, "Customers who had converted within churn_days, at the end of each week."),
    Column("churn", "Churn", Unit.SHARE, "No conversion within churn_days after the week, over those customer-weeks."),
    Column("churn_low", "Churn, low", Unit.SHARE, "Lower end of the 95 % interval."),
    Column("churn_high", "Churn, high", Unit.SHARE, "Upper end of the 95 % interval."),
)


def retention_section(
    by: Mapping[str, Mapping[str, Matched]], plain_by: Mapping[str, Mapping[str, Rate]], panel: Panel, *, churn_days: float
) -> Section:
    """The section.

    Parameters
    ----------
    by : comparisons by touchpoint, channel and stage.
    plain_by : churn by segment and week, without comparison.
    """
    tables = [_compared(column, found) for column, found in by.items()] + [
        _rates(column, rates) for column, rates in plain_by.items()
    ]
    tables = [table for table in tables if table.rows]
    figures = (
        (
            bars(
                tables[0],
                "Churn after a touchpoint minus that of customers alike",
                label="touchpoint",
                value="difference",
                low="difference_low",
                high="difference_high",
            ),
        )
        if tables and tables[0].name == "churn_by_touchpoint"
        else ()
    )
    return Section(
        name="churn",
        title="After which touchpoints do customers leave or stay?",
        words=_words(by.get("touchpoint", {}), panel) if tables else (),
        figures=figures,
        tables=tuple(tables),
        empty=f"Nothing to compare yet. It takes customers who convert repeatedly, and {churn_days:g} days of history after a "
        "week: look at a longer period, or set the catalogue's objective.churn_days.",
    )


def _words(found: Mapping[str, Matched], panel: Panel) -> tuple[str, ...]:
    told = [(name, each) for name, each in found.items() if each.differs]
    worst = [(name, each) for name, each in sorted(told, key=lambda pair: -pair[1].difference.value) if each.difference.value > 0]
    words = [
        f"{len(told)} of {len(found)} touchpoints differ from customers alike beyond chance; one in twenty would by chance alone."
    ]
    if worst:
        name, each = worst[0]
        words.append(
            f"Most leave after {name}: {share(each.after.value)} against {share(each.baseline.value)} of customers alike "
            f"({points(each.difference.low)} to {points(each.difference.high)})."
        )
    words.append("It is a matched comparison, no experiment: the touchpoint need not be the cause.")
    if panel.share < 1:
        words.append(f"Computed on {share(panel.share)} of all customers, drawn by their ids.")
    return tuple(words)


def _compared(column: str, found: Mapping[str, Matched]) -> Table:
    records = [
        {
            column: name,
            "customers": each.customers,
            "n": each.after.n,
            "matched": each.matched,
            **_ends("churn", _within(each.after)),
            "retention": plain(1 - each.after.value),
            "baseline": plain(each.baseline.value),
            **_ends("difference", each.difference),
            "difference_raw": plain(each.raw),
            "shrunk": each.shrunk,
            "verdict": _verdict(each),
        }
        for name, each in sorted(found.items(), key=lambda pair: (-pair[1].customers, pair[0]))
    ]
    columns = (Column(column, column.capitalize()), *_COLUMNS)
    return Table.of(f"churn_by_{column}", f"Churn after interactions, by {column}", columns, records, note=_NOTE)


def _within(rate: Rate) -> Rate:
    """A share is never below none nor beyond all, wherever the jackknife's normal interval ends."""
    return replace(rate, low=max(rate.low, 0.0), high=min(rate.high, 1.0))


def _verdict(found: Matched) -> str:
    if not found.after.n:
        return "nobody alike"
    if not found.differs:
        return "not distinguishable"
    return "more leave" if found.difference.value > 0 else "fewer leave"


def _rates(column: str, rates: Mapping[str, Rate]) -> Table:
    records = [{column: name, "n": each.n, **_ends("churn", each)} for name, each in sorted(rates.items())]
    columns = (Column(column, "Week from" if column == "week" else column.capitalize()), *_PLAIN)
    note = "Of each week, customers with a conversion in the churn_days before it. The same customer counts once a week."
    return Table.of(f"churn_by_{column}", f"Churn by {column}", columns, records, note=note)


def _ends(name: str, rate: Rate) -> dict[str, Value]:
    return {name: plain(rate.value), f"{name}_low": plain(rate.low), f"{name}_high": plain(rate.high)}
