"""Tells what contacts cost and what followed them."""

from collections.abc import Mapping

from features.insights.figures import bars
from features.insights.page import Section
from features.insights.table import Column, Table, Unit
from features.insights.touchpoints.boards import SHRUNK_NOTE, interval_columns
from features.insights.touchpoints.money import RETURN, REVENUE, Money
from features.insights.touchpoints.words import number

_COLUMNS = (
    Column("return", RETURN.title, RETURN.unit, RETURN.explains),
    Column("return_low", "Return, low", RETURN.unit, "Lower end of the 95 % interval."),
    Column("return_high", "Return, high", RETURN.unit, "Upper end of the 95 % interval."),
    Column("contacts", "Contacts", Unit.COUNT, "In the period, whose outcome window is over."),
    Column("cost", "Cost", Unit.MONEY, "Those contacts x the catalogue's cost."),
    Column("given", "Incentives and discounts", Unit.MONEY, "Given with the conversions that are credited to these contacts."),
    Column("revenue", "Revenue", Unit.MONEY, "Value of conversions credited to these contacts: each once, and in full."),
    *interval_columns("per_contact", REVENUE.title, Unit.MONEY, REVENUE.explains),
)


def money_section(by: Mapping[str, tuple[Money, ...]]) -> Section:
    """The section, from money by touchpoint, channel, stage and the like."""
    tables = tuple(_table(column, rows) for column, rows in by.items() if rows)
    figures = []
    if tables and any(value is not None for value in tables[0].column("return")):
        figures.append(
            bars(tables[0], "Return on contacts", label="touchpoint", value="return", low="return_low", high="return_high")
        )
    return Section(
        name="money",
        title="What do contacts cost, and what follows?",
        words=_words(by.get("touchpoint", ())),
        figures=tuple(figures),
        tables=tables,
        empty="No contact has an outcome window that is over. Ingest contacts (kind contact), and give touchpoints a cost.",
    )


def _words(rows: tuple[Money, ...]) -> tuple[str, ...]:
    if not rows:
        return ()
    words = [
        "Revenue is credited in full to the last contact of the touchpoint before it: it followed, the contact need not be why."
    ]
    priced = [row for row in rows if row.returned.value is not None]
    if priced:
        best = max(priced, key=lambda row: row.returned.value or 0.0)
        between = f" ({number(best.returned.low)} to {number(best.returned.high)})" if best.returned.low is not None else ""
        words.append(f"The highest return is that of {best.key}: {number(best.returned.value)} for each one spent{between}.")
    else:
        words.append("No return: the catalogue gives none of these touchpoints a cost.")
    return (*words, "The page on attribution shares conversions out and so tells other returns, beside the lift of experiments.")


def _table(column: str, rows: tuple[Money, ...]) -> Table:
    records = [
        {
            column: row.key,
            "contacts": row.contacts,
            "cost": row.cost,
            "given": row.given,
            "revenue": row.revenue,
            "per_contact": row.per_contact.value,
            "per_contact_low": row.per_contact.low,
            "per_contact_high": row.per_contact.high,
            "per_contact_raw": row.per_contact.raw,
            "per_contact_shrunk": row.per_contact.shrunk,
            "return": row.returned.value,
            "return_low": row.returned.low,
            "return_high": row.returned.high,
        }
        for row in rows
    ]
    columns = (Column(column, column.capitalize()), *_COLUMNS)
    return Table.of(
        f"money_by_{column}", f"Money by {column}", columns, records, note=f"Credited in full, not causal. {SHRUNK_NOTE}"
    )
