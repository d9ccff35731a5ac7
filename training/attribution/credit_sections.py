"""The page's sections on credit: who gets it by which model, where on the path, and what comes back for the money."""

from collections.abc import Mapping

from features.insights import Column, Section, Table, Unit
from features.insights.figures import bars, heatmap
from features.insights.table import Value
from training.attribution.known import Known
from training.attribution.models import SHOWN
from training.attribution.returns import RANDOMIZED
from training.attribution.shapley import ordered_shapley

MOST_SHOWN = 8
_PLACES = 5

_CREDITED = "conversions of the period that the model puts down to the touchpoint"


def credit_section(known: Known, *, days: float) -> Section:
    """Who gets the credit."""
    journeys, order = known.journeys, _order(known)
    after = float(journeys.paths.conversions.sum())
    share = after / journeys.conversions
    words = [
        f"{after:,.0f} of {journeys.conversions:,.0f} conversions ({share:.1%}) came within {days:g} days after a touch, with no "
        "other conversion between; only these are credited.",
        "All models but the data-driven one divide every such conversion among the touches before it, caused by them or not.",
    ]
    if (driven := known.of("data-driven")) is not None:
        credited = float(driven.credit.conversions.sum())
        words.append(f"The data-driven one credits {credited:,.0f} ({credited / after:.1%}); the rest, it says, came anyway.")
    shown = _long(known, order[:MOST_SHOWN])
    title = "Conversions credited, by touchpoint and model"
    figure = bars(shown, title, label="touchpoint", value="conversions", low="low", high="high", split="model")
    return Section(
        name="credit",
        title="Who gets the credit?",
        words=tuple(words),
        figures=(figure,),
        tables=(shown, _wide(known, order, money=False), _wide(known, order, money=True)),
    )


def places_section(known: Known) -> Section:
    """Where on the path the credit comes from."""
    order = _order(known)[:MOST_SHOWN]
    credited = ordered_shapley(known.journeys.paths, places=_PLACES)
    labels = [f"touch {place}" for place in range(1, _PLACES)] + [f"touch {_PLACES} or later"]
    records: list[Mapping[str, Value]] = [
        {"touchpoint": known.names[code], "place": label, "conversions": float(credited[code, place])}
        for code in order
        for place, label in enumerate(labels)
    ]
    columns = [
        Column("touchpoint", "Touchpoint"),
        Column("place", "Place on the path"),
        Column(
            "conversions",
            "Conversions credited",
            Unit.NUMBER,
            "ordered Shapley: of each path's conversions, the touchpoint's equal share, divided equally among its touches there",
        ),
    ]
    table = Table.of("places", "Conversions credited, by place on the path", columns, records)
    first = float(credited[:, 0].sum()) / max(float(credited.sum()), 1e-300)
    return Section(
        name="places",
        title="Where on the path does the credit come from?",
        words=(f"{first:.0%} of the Shapley credit comes from first touches.",),
        figures=(heatmap(table, "Shapley credit by place on the path", x="place", y="touchpoint", value="conversions"),),
        tables=(table,),
    )


def return_section(known: Known) -> Section:
    """What comes back."""
    rows = [each for each in known.returns if each.cost > 0.0]
    records: list[Mapping[str, Value]] = [
        {
            "touchpoint": each.touchpoint,
            "model": each.model,
            "contacts": round(each.contacts),
            "cost": each.cost,
            "value": each.value,
            "value_low": each.value_low,
            "value_high": each.value_high,
            "return": each.rate,
            "return_low": each.of(each.value_low),
            "return_high": each.of(each.value_high),
        }
        for each in rows
    ]
    table = Table.of("returns", "Return by touchpoint and model", _RETURN_COLUMNS, records, note=_RETURN_NOTE)
    figure = bars(
        table,
        "Return by touchpoint and model",
        label="touchpoint",
        value="return",
        low="return_low",
        high="return_high",
        split="model",
    )
    return Section(
        name="returns",
        title="What comes back for the money?",
        words=(
            "Return is profit for each unit of money spent: 0 pays the contacts and no more; below it money is lost.",
            f"Only '{RANDOMIZED}' says what was earned by contacting: a model's return is as good as its credit.",
        ),
        figures=(figure,) if rows else (),
        tables=(table,) if rows else (),
        empty="No touchpoint with contacts in the period has a cost; set 'cost' of touchpoints in the catalogue.",
    )


_RETURN_NOTE = "The cost is that of contacts; incentives and discounts given with a sale are not in it."

_RETURN_COLUMNS = [
    Column("touchpoint", "Touchpoint"),
    Column("model", "Model", explains=f"'{RANDOMIZED}' is no model: it is the measured lift x contacts"),
    Column("contacts", "Contacts", Unit.COUNT, "in the period"),
    Column("cost", "Cost", Unit.MONEY, "contacts x the catalogue's cost of one"),
    Column("value", "Value", Unit.MONEY, "money of the conversions credited, or measured to be brought"),
    Column("value_low", "Value from", Unit.MONEY, "lower end of the 95 % interval"),
    Column("value_high", "Value to", Unit.MONEY, "upper end of the 95 % interval"),
    Column("return", "Return", Unit.NUMBER, "(value x margin - cost) / cost"),
    Column("return_low", "Return from", Unit.NUMBER, "lower end of the 95 % interval"),
    Column("return_high", "Return to", Unit.NUMBER, "upper end of the 95 % interval"),
]


def _order(known: Known) -> list[int]:
    """The touchpoints, the one that Shapley credits most first."""
    credit = known.attributed[0] if (shapley := known.of("shapley")) is None else shapley
    return sorted(range(len(known.names)), key=lambda code: (-credit.credit.conversions[code], known.names[code]))


def _long(known: Known, order: list[int]) -> Table:
    shown = [each for each in known.attributed if each.credit.model in SHOWN]
    records: list[Mapping[str, Value]] = []
    for code in order:
        for each in shown:
            shares = each.credit.shares
            interval = each.interval
            records.append(
                {
                    "touchpoint": known.names[code],
                    "model": each.credit.model,
                    "conversions": float(each.credit.conversions[code]),
                    "low": None if interval is None else float(interval.low[code]),
                    "high": None if interval is None else float(interval.high[code]),
                    "share": float(shares[code]),
                }
            )
    note = "Intervals come from drawing groups of customers again, 200 times. The data-driven model is not drawn again."
    return Table.of("credit", "Credit by model", _CREDIT_COLUMNS, records, note=note)


_CREDIT_COLUMNS = [
    Column("touchpoint", "Touchpoint"),
    Column("model", "Model"),
    Column("conversions", "Conversions credited", Unit.NUMBER, _CREDITED),
    Column("low", "from", Unit.NUMBER, "lower end of the 95 % interval"),
    Column("high", "to", Unit.NUMBER, "upper end of the 95 % interval"),
    Column("share", "Share", Unit.SHARE, "of all conversions that this model credits"),
]


def _wide(known: Known, order: list[int], *, money: bool) -> Table:
    """A row per touchpoint, a column per model."""
    unit, what = (Unit.MONEY, "money of the conversions credited") if money else (Unit.NUMBER, _CREDITED)
    columns = [Column("touchpoint", "Touchpoint")]
    columns += [Column(_key(each.credit.model), each.credit.model, unit, what) for each in known.attributed]
    records: list[Mapping[str, Value]] = [
        {
            "touchpoint": known.names[code],
            **{
                _key(each.credit.model): float((each.credit.values if money else each.credit.conversions)[code])
                for each in known.attributed
            },
        }
        for code in order
    ]
    name, title = ("credit_value", "Value by all models") if money else ("credit_all", "Conversions by all models")
    return Table.of(name, title, columns, records)


def _key(model: str) -> str:
    return model.replace(" ", "_").replace("-", "_")
