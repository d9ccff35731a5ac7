"""Tells whether customers stay, what they bring week by week, and what it costs to win and keep them."""

from features.insights import Column, Section, Table, Unit
from features.insights.figures import heatmap, lines
from features.insights.look import Look
from features.insights.segments.costs import Cost
from features.insights.table import Value
from training.lifetime.rate_columns import rate_columns, rate_values
from training.lifetime.study import Study

_BLIND = (
    "It sees the cost of recorded contacts only, as the catalogue has it. Advertising that nobody recorded, discounts, staff and "
    "customers who were won before history begins are not in it."
)


def cohort_section(look: Look, found: Study) -> Section:
    """How many come back, month by month."""
    title = "Do they stay?"
    if not found.cohorts:
        empty = "No cohort is two months old yet. Wait, or capture older purchases."
        return Section(name="cohorts", title=title, empty=empty)
    columns = (
        Column("cohort", "First conversion in"),
        Column(
            "age", "Months on", Unit.COUNT, "Months of 30 days since each customer's own first conversion; the first is left out."
        ),
        Column("customers", "Customers", Unit.COUNT, "Of the cohort, whose month is over."),
        *rate_columns(
            "returned", "Converted", Unit.SHARE, "Customers who converted in that month, of those whose month is over."
        ),
        Column("few", "Few", Unit.YES_NO, "Whether they are so few that the rate is drawn to the mean of cohorts as old."),
    )
    records: list[dict[str, Value]] = [
        {
            "cohort": each.cohort,
            "age": each.age,
            "customers": each.returned.n,
            **rate_values("returned", each.returned),
            "few": each.returned.shrunk,
        }
        for each in found.cohorts
    ]
    table = Table.of("cohorts", "Retention by month of first conversion", columns, records)
    figure = heatmap(table, "Share who converted, month by month", x="age", y="cohort", value="returned")
    words = (
        *_repeat_words(look, found),
        f"History begins on {found.history_since}: whoever converted before counts as new then.",
    )
    return Section(name="cohorts", title=title, words=words, figures=(figure,), tables=(table,))


def _repeat_words(look: Look, found: Study) -> tuple[str, ...]:
    days, rate = f"{look.catalogue.objective.churn_days:g}", found.repeat
    if rate.value is None or rate.low is None or rate.high is None:
        return (f"Nobody was won in the period more than {days} days before its end, so it has no repeat rate.",)
    return (
        f"Of {rate.n:,} customers won in the period, {rate.value:.0%} (95 %: {rate.low:.0%} to {rate.high:.0%}) converted again "
        f"within {days} days.",
    )


def earnings_section(look: Look, found: Study) -> Section:
    """What active customers bring, week by week."""
    title = "What do active customers bring?"
    if not found.weeks:
        return Section(
            name="earnings", title=title, empty="Nobody converted in a whole week of the period. Choose a longer period."
        )
    explains = "Value of conversions in the 30 days until then, refunds taken off, over customers who converted in these days."
    columns = (
        Column("week", "Week until", Unit.TIME, "Last day of the week, UTC."),
        Column("active", "Active customers", Unit.COUNT, "Customers who converted in the 30 days until then."),
        *rate_columns("arpu", "Value per active customer", Unit.MONEY, explains),
        Column("new", "New customers", Unit.COUNT, "Customers whose first conversion was in the week."),
    )
    records: list[dict[str, Value]] = [
        {"week": each.last_day.isoformat(), "active": each.arpu.n, **rate_values("arpu", each.arpu), "new": each.new}
        for each in found.weeks
    ]
    table = Table.of("earnings", "Value per active customer (ARPU) and new customers", columns, records)
    figures = (
        lines(table, "Value per active customer in 30 days", x="week", value="arpu", low="arpu_low", high="arpu_high"),
        lines(table, "New customers a week", x="week", value="new"),
    )
    return Section(name="earnings", title=title, words=_earnings_words(look, found), figures=figures, tables=(table,))


def _earnings_words(look: Look, found: Study) -> tuple[str, ...]:
    first, last = found.weeks[0].arpu, found.weeks[-1].arpu
    if first.value is None or last.value is None:
        return ()
    known = None not in (first.low, first.high, last.low, last.high)
    apart = known and (first.low > last.high or last.low > first.high)  # type: ignore[operator]
    judged = "" if apart else "; the intervals overlap, so this is not distinguishable from chance"
    now, then = (f"{each.value:,.2f} {look.catalogue.currency}" for each in (last, first))
    return (f"{now} per active customer in the last 30 days, {then} at the end of the first week told of{judged}.",)


def cost_section(look: Look, found: Study) -> Section:
    """What a new customer costs, and one who stays."""
    columns = (
        Column("what", "What for"),
        Column("contacts", "Contacts with a cost", Unit.COUNT, "Made in the period."),
        Column("money", "Cost", Unit.MONEY, "Of these contacts, as the catalogue has it."),
        Column(
            "results",
            "Customers",
            Unit.COUNT,
            "Won: first conversion in the period. Kept: earlier customers who converted in it.",
        ),
        *rate_columns(
            "each", "Cost for one", Unit.MONEY, "Cost over customers; contacts of those who were not won or kept count."
        ),
    )
    records = [
        _cost_record("winning: contacts before a first conversion", found.acquisition),
        _cost_record("keeping: contacts after it", found.retention),
    ]
    table = Table.of("costs", "Cost of winning and keeping customers", columns, records, note=_BLIND)
    words = (*_cost_words(look, found), _BLIND)
    return Section(name="costs", title="What do they cost?", words=words, tables=(table,))


def _cost_record(what: str, cost: Cost) -> dict[str, Value]:
    numbers: dict[str, Value] = {"contacts": cost.contacts, "money": cost.money, "results": cost.results}
    return {"what": what, **numbers, **rate_values("each", cost.each)}


def _cost_words(look: Look, found: Study) -> tuple[str, ...]:
    told = []
    for what, cost in (("winning a customer", found.acquisition), ("keeping one", found.retention)):
        if cost.each.value is None:
            told.append(f"What {what} costs cannot be told: {cost.contacts} contacts with a cost, {cost.results} customers.")
        else:
            told.append(f"{what.capitalize()} costs {cost.each.value:,.2f} {look.catalogue.currency} in contacts.")
    return tuple(told)
