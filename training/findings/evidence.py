"""What stands behind a finding, as a small table and in words."""

from features.insights import Column, Table, Unit
from features.insights.table import Value
from training.findings.standing import ERROR, Outlier

_MOST_ROWS = 12


def evidence(outlier: Outlier, title: str, measure: Column, *, subject: str = "Touchpoint") -> Table:
    """The one that stands out, and those that it was compared with, the largest of them first.

    Parameters
    ----------
    measure : what the mean is, with numerator, denominator and window.
    subject : heading of what is compared.
    """
    columns = (
        Column("subject", subject),
        Column("customers", "Customers", Unit.COUNT, "customers with at least one observation in the period"),
        Column("observations", "Observations", Unit.COUNT, "of all these customers together: the denominator"),
        measure,
        Column("low", "From", measure.unit, "lower end of the 95 % interval; a customer's observations count as one"),
        Column("high", "To", measure.unit, "upper end of the 95 % interval"),
    )
    largest = sorted(outlier.like, key=lambda each: -each.customers)[: _MOST_ROWS - 1]
    records: list[dict[str, Value]] = []
    for each in (outlier.one, *largest):
        low, high = each.interval
        if measure.unit is Unit.SHARE:
            low, high = max(low, 0.0), min(high, 1.0)
        numbers = {"customers": each.customers, "observations": round(each.observations), measure.name: each.mean}
        records.append({"subject": each.subject, **numbers, "low": low, "high": high})
    hidden = len(outlier.like) - len(largest)
    note = f"The first is compared with the median of the others ({outlier.alike})."
    return Table.of("evidence", title, columns, records, note=note + (f" {hidden} more are not shown." if hidden else ""))


def confidence(outlier: Outlier, *, share: bool = True) -> str:
    """The interval in words, and how chance was shared."""
    low, high = outlier.one.interval
    told = f"{max(low, 0.0):.1%} to {min(high, 1.0):.1%}" if share else f"{low:.3g} to {high:.3g}"
    return f"95 % interval {told}; {within_error(outlier.compared)}"


def within_error(compared: int) -> str:
    """How sure it is that something was found at all."""
    return f"beyond chance for {compared:,} comparisons together (error at most {ERROR:.1%})"
