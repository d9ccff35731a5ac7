"""Tells what customers are worth, by which model, and how right it was."""

from features.insights import Column, Figure, Section, Table, Unit
from features.insights.figures import lines
from features.insights.look import Look
from features.insights.table import Value
from training.lifetime.bgnbd import NAMES, BgNbd
from training.lifetime.holdout import Holdout
from training.lifetime.outlook import ANNUAL_DISCOUNT
from training.lifetime.study import Study
from training.lifetime.valuation import Spend

_WORTH = {
    "expected_value": "expected value",
    "expected_conversions": "expected conversions",
    "spent": "money spent so far",
    "conversions": "conversions so far",
}
_MEANINGS = {
    "r": "How alike customers' rates of converting are; the larger, the more alike.",
    "alpha": "r / alpha is the mean number of conversions a day of a customer who is still one.",
    "a": "With b, the chance to leave after a conversion: a / (a + b) in the mean.",
    "b": "With a, the chance to leave after a conversion.",
    "p": "How alike one customer's spends are; the larger, the more alike.",
    "q": "How alike customers' mean spends are; the larger, the more alike.",
    "gamma": "p · gamma / (q - 1) is the mean spend of a conversion.",
}
_CORRELATED = 0.3


def value_section(look: Look, found: Study) -> Section:
    """How value is spread over customers."""
    if not found.converted:
        return Section(
            name="worth",
            title="What are customers worth?",
            empty="Nobody has converted yet. Capture purchases with their value, or name other kinds in objective.conversion.",
        )
    table = _tenths_table(found)
    figure = lines(table, "Share of the total that the best customers hold", x="customers_share", value="worth_share")
    return Section(
        name="worth",
        title="What are customers worth?",
        words=(*_worth_words(look, found), _top_words(table, found)),
        figures=(figure,),
        tables=(table,),
    )


def _worth_words(look: Look, found: Study) -> tuple[str, ...]:
    currency, margin = look.catalogue.currency, look.catalogue.objective.margin
    if found.conversions is None:
        return (f"What customers will do cannot be foretold: {found.valuation.reason}.",)
    total = found.conversions
    first = (
        f"Within {found.ahead:g} days {total.value:,.0f} conversions are expected (95 %: {total.low:,.0f} to {total.high:,.0f})"
    )
    if found.value is None:
        return (f"{first}; what they bring is not known, because no conversion had a value.",)
    value = found.value
    second = f"they bring a profit of {value.value:,.0f} {currency} ({value.low:,.0f} to {value.high:,.0f})"
    how = f"at a margin of {margin:.0%}, discounted by {ANNUAL_DISCOUNT:.0%} a year"
    return (f"{first}; {second}, {how}. This is of customers who converted before; those yet to be won come on top.",)


def _tenths_table(found: Study) -> Table:
    customers, worth = sum(each.customers for each in found.tenths), sum(each.worth for each in found.tenths)
    records: list[dict[str, Value]] = []
    counted, held = 0, 0.0
    for each in found.tenths:
        counted, held = counted + each.customers, held + each.worth
        records.append(
            {
                "tenth": each.number,
                "customers": each.customers,
                "customers_share": counted / customers,
                "worth": each.worth,
                "worth_share": held / worth if worth else None,
                "spent": each.spent,
            }
        )
    told = _WORTH[found.worth.column]
    money = Unit.MONEY if found.worth.column in ("expected_value", "spent") else Unit.NUMBER
    columns = (
        Column("tenth", "Tenth", Unit.COUNT, f"Customers who converted, in ten equal groups by {told}; 1 is the best."),
        Column("customers", "Customers", Unit.COUNT),
        Column("customers_share", "Customers so far", Unit.SHARE, "This tenth and those above, of all who converted."),
        Column("worth", told.capitalize(), money, f"Sum of {told} over the tenth's customers."),
        Column("worth_share", "Share so far", Unit.SHARE, f"Sum of {told} of this tenth and those above, of all."),
        Column("spent", "Spent so far", Unit.MONEY, "Value of all conversions up to now, refunds taken off."),
    )
    return Table.of("tenths", "Customers by what they are worth", columns, records)


def _top_words(table: Table, found: Study) -> str:
    first = table.records[0]
    share = first["worth_share"]
    if not isinstance(share, float):
        return "Shares cannot be told, because the total is zero."
    told = _WORTH[found.worth.column]
    return f"The best tenth of {found.converted:,} customers who converted holds {share:.0%} of {told}."


def holdout_section(found: Study) -> Section:
    """What was foretold of the last quarter beside what came true."""
    title = "How right is the model?"
    if found.holdout is None:
        return Section(name="holdout", title=title, empty=f"It cannot be checked yet: {found.holdout_reason}.")
    check = found.holdout
    table = _holdout_table(check)
    figure = _beside(table)
    words = (
        f"Fitted to all before the last {check.days:g} days, the model foretells {check.predicted.value:,.0f} conversions in "
        f"them (95 %: {check.predicted.low:,.0f} to {check.predicted.high:,.0f}) of {check.customers:,} customers; "
        f"{check.actual:,.0f} came true, so it was {check.error:+.1%} off.",
        "Intervals count chance and estimation, not that the model may be wrong: expect totals to be about as far off again.",
    )
    return Section(name="holdout", title=title, words=words, figures=(figure,), tables=(table,))


def _holdout_table(check: Holdout) -> Table:
    columns = (
        Column(
            "repeats", "Repeats before", explains="Days with a conversion after the first such day, before the time foretold."
        ),
        Column("customers", "Customers", Unit.COUNT),
        Column("predicted", "Foretold", Unit.NUMBER, f"Conversions per customer in {check.days:g} days, by the model."),
        Column("actual", "Came true", Unit.NUMBER, f"Conversions per customer in these {check.days:g} days."),
        Column("actual_low", "Came true, from", Unit.NUMBER, "Lower end of the 95 % interval of the mean."),
        Column("actual_high", "Came true, to", Unit.NUMBER, "Upper end of the 95 % interval of the mean."),
    )
    records: list[dict[str, Value]] = [
        {
            "repeats": each.repeats,
            "customers": each.customers,
            "predicted": each.predicted,
            "actual": each.actual,
            "actual_low": each.low,
            "actual_high": each.high,
        }
        for each in check.buckets
    ]
    return Table.of("holdout", "Foretold and come true", columns, records)


def _beside(table: Table) -> Figure:
    """Two bars for each row of the table: foretold, come true."""
    columns = {each.name: each.title for each in table.columns}
    labels = table.column("repeats")
    data = [{"type": "bar", "name": columns[name], "x": labels, "y": table.column(name)} for name in ("predicted", "actual")]
    axes = {
        "xaxis": {"title": {"text": columns["repeats"]}, "type": "category"},
        "yaxis": {"title": {"text": "Conversions each"}},
    }
    layout = {**axes, "barmode": "group", "height": 360}
    return Figure(title="Conversions foretold and come true", spec={"data": data, "layout": layout}, table=table.name)


def model_section(found: Study) -> Section:
    """The models' parameters, and whether what they assume holds."""
    valuation = found.valuation
    records = [*_bgnbd_rows(valuation.model), *_spend_rows(valuation.spend)]
    columns = (
        Column("model", "Model"),
        Column("parameter", "Parameter"),
        Column("value", "Value", Unit.NUMBER),
        Column("standard_error", "Standard error", Unit.NUMBER, "From the curvature of the likelihood, where it was computed."),
        Column("meaning", "Meaning"),
    )
    table = Table.of("parameters", "Parameters", columns, records, note="BG/NBD by days; times in days.")
    empty = f"{valuation.reason}. {valuation.spend.reason}." if not records else ""
    words = (*_frequency_words(found), *_spend_words(valuation.spend))
    return Section(name="model", title="By which model?", words=words, tables=(table,), empty=empty)


def _bgnbd_rows(model: BgNbd | None) -> list[dict[str, Value]]:
    if model is None:
        return []
    values = (model.r, model.alpha, model.a, model.b)
    return [
        {"model": "BG/NBD", "parameter": name, "value": value, "standard_error": float(error), "meaning": _MEANINGS[name]}
        for name, value, error in zip(NAMES, values, model.standard_errors, strict=True)
    ]


def _spend_rows(spend: Spend) -> list[dict[str, Value]]:
    if spend.model is None:
        return []
    values = {"p": spend.model.p, "q": spend.model.q, "gamma": spend.model.scale}
    return [
        {"model": "gamma-gamma", "parameter": name, "value": value, "standard_error": None, "meaning": _MEANINGS[name]}
        for name, value in values.items()
    ]


def _frequency_words(found: Study) -> tuple[str, ...]:
    valuation = found.valuation
    if valuation.model is None:
        return ()
    sampled = "" if valuation.share >= 1 else f", a sample of {valuation.share:.1%}"
    return (
        f"BG/NBD (Fader, Hardie, Lee 2005), fitted to {valuation.model.customers:,} customers{sampled}: how often each converts, "
        "and when they stop. It takes who converted once for still a customer, so segments look at silence as well.",
    )


def _spend_words(spend: Spend) -> tuple[str, ...]:
    if spend.model is None:
        return (f"Everybody is taken to spend the mean of {spend.mean:,.2f} a conversion: {spend.reason}.",) if spend.mean else ()
    words = f"Gamma-gamma (Fader, Hardie 2013), fitted to {spend.model.customers:,} customers: how much each spends."
    if spend.correlation is None:
        return (words,)
    value, low, high = spend.correlation
    judged = "as it has to be" if abs(value) < _CORRELATED else "so values of who converts often are wrong in one direction"
    return (
        f"{words} How often and how much should have nothing to do with each other: correlation {value:.2f} "
        f"({low:.2f} to {high:.2f}), {judged}.",
    )
