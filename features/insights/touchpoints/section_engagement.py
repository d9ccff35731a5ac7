"""Tells effective customer engagement: how much, by which touchpoints, and why it changed."""

from features.insights.figures import bars
from features.insights.intervals import Z
from features.insights.page import Section
from features.insights.table import Column, Table, Unit, Value
from features.insights.touchpoints.change import Change, changes
from features.insights.touchpoints.engagement import Engagement
from features.insights.touchpoints.words import number, share

_PER = "per 1,000 active customers and 30 days"
_CONTRIBUTIONS = (
    Column("touchpoint", "Touchpoint"),
    Column("effective_customer_engagement", "Contribution", Unit.NUMBER, f"Volume x quality x conversion, {_PER}."),
    Column("low", "Contribution, low", Unit.NUMBER, "Lower end of the 95 % interval, by sampling of quality and conversion."),
    Column("high", "Contribution, high", Unit.NUMBER, "Upper end of the 95 % interval, by sampling of quality and conversion."),
    Column("share", "Share", Unit.SHARE, "Of the sum over all touchpoints."),
    Column("volume", "Interactions", Unit.COUNT, "All interactions in the period."),
    Column("rate", "Volume, normalized", Unit.NUMBER, f"Interactions {_PER}."),
    Column("quality", "Quality", Unit.NUMBER, "0 to 1; where from is said in the next column."),
    Column(
        "source",
        "Quality from",
        explains="ratings, sentiment or behaviour of this touchpoint; or assumed, where it has too few of them or no answer of a "
        "customer was ever seen there.",
    ),
    Column("measurements", "Measurements", Unit.COUNT, "Ratings, texts, contacts or answers that the quality comes from."),
    Column(
        "conversion",
        "Conversion",
        Unit.SHARE,
        "Customers who convert within the outcome window after their first interaction here.",
    ),
    Column(
        "customers",
        "Customers",
        Unit.COUNT,
        "With a window that is over: what conversion is out of; 0 takes that of all touchpoints.",
    ),
    Column("value", "Value-weighted", Unit.MONEY, f"Contribution x mean value of those conversions x margin, {_PER}."),
)
_CHANGES = (
    Column("touchpoint", "Touchpoint"),
    Column("before", "Before", Unit.NUMBER, f"Contribution in the period before, {_PER}."),
    Column("after", "Now", Unit.NUMBER, f"Contribution in the period, {_PER}."),
    Column("change", "Change", Unit.NUMBER, "Now minus before: the sum of the next three."),
    Column(
        "by_volume",
        "By volume",
        Unit.NUMBER,
        "Mean effect of the change of volume over all orders in which the three can change.",
    ),
    Column("by_quality", "By quality", Unit.NUMBER, "The same of quality."),
    Column("by_conversion", "By conversion", Unit.NUMBER, "The same of the conversion rate."),
    Column(
        "comparable", "Comparable", Unit.YES_NO, "Whether quality comes from the same source in both periods, or adds nothing."
    ),
)


def engagement_section(now: Engagement, before: Engagement | None) -> Section:
    """The section; without `before`, nothing is said of a change."""
    contributions, changed = contributions_table(now), None if before is None else changes(before, now)
    words = [*_level(now), *_quality(now), *([] if before is None or changed is None else _changed(before, now, changed))]
    tables = [contributions, *([] if changed is None else [_changes_table(changed)])]
    figure = bars(
        contributions,
        "Effective customer engagement by touchpoint",
        label="touchpoint",
        value="effective_customer_engagement",
        low="low",
        high="high",
    )
    return Section(
        name="effective_customer_engagement",
        title="How effective is customer engagement, and where does it come from?",
        words=tuple(words),
        figures=(figure,),
        tables=tuple(tables),
    )


def contributions_table(now: Engagement) -> Table:
    """What every touchpoint contributes, largest first."""
    records: list[dict[str, Value]] = [
        {
            "touchpoint": each.touchpoint,
            "effective_customer_engagement": each.effective,
            "low": max(each.effective - Z * each.variance**0.5, 0.0),
            "high": each.effective + Z * each.variance**0.5,
            "share": each.effective / now.total if now.total else None,
            "volume": each.volume,
            "rate": each.rate,
            "quality": each.quality.value,
            "source": each.quality.source.value,
            "measurements": each.quality.n,
            "conversion": each.conversion,
            "customers": each.closed,
            "value": each.value,
        }
        for each in now.contributions
    ]
    note = (
        f"Effective customer engagement (ECE) = sum of volume x quality x conversion rate, {_PER}: {now.active:,} active "
        f"customers, {now.days:.0f} days. Conversions of few customers are shrunk. It is no calibration error."
    )
    title = "Effective customer engagement (ECE) by touchpoint"
    return Table.of("effective_customer_engagement", title, _CONTRIBUTIONS, records, note=note)


def _level(now: Engagement) -> list[str]:
    level = f"Effective customer engagement (ECE) is {number(now.total)} ({number(now.low)} to {number(now.high)}) {_PER}."
    if not now.contributions or not now.total:
        return [level]
    first = now.contributions[0]
    return [level, f"{first.touchpoint} brings {share(first.effective / now.total)} of it."]


def _quality(now: Engagement) -> list[str]:
    if now.measured > 0.995:
        return []
    told = f"The quality of {share(now.measured)} of the volume is measured; the rest takes a mean, and is marked as assumed."
    return [told, "Ratings and answers change that: give a source's mapping `metric` and `score`, or a `kind` that answers."]


def _changed(before: Engagement, now: Engagement, changed: tuple[Change, ...]) -> list[str]:
    parts = {
        "volume": sum(each.volume for each in changed),
        "quality": sum(each.quality for each in changed),
        "conversion": sum(each.conversion for each in changed),
    }
    listed = ", ".join(f"{number(abs(amount))} {'less' if amount < 0 else 'more'} by {name}" for name, amount in parts.items())
    sure = "" if now.low > before.high or now.high < before.low else " The intervals overlap: it may be chance."
    words = [f"In the period before it was {number(before.total)}: {listed}.{sure}"]
    odd = [each.touchpoint for each in changed if not each.comparable]
    return words + (
        [f"Quality has another source than before at {', '.join(odd[:3])}: changes by quality mean little."] if odd else []
    )


def _changes_table(changed: tuple[Change, ...]) -> Table:
    records: list[dict[str, Value]] = [
        {
            "touchpoint": each.touchpoint,
            "before": each.before,
            "after": each.after,
            "change": each.after - each.before,
            "by_volume": each.volume,
            "by_quality": each.quality,
            "by_conversion": each.conversion,
            "comparable": each.comparable,
        }
        for each in changed
    ]
    title = "Why effective customer engagement changed"
    note = "The three parts add up exactly (Shapley decomposition). What is new or gone has changed by volume."
    return Table.of("effective_customer_engagement_change", title, _CHANGES, records, note=note)
