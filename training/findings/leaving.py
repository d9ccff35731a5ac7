"""Touchpoints after which customers leave: more than customers alike, who had none.

Nothing is computed anew: it is the table `churn_by_touchpoint` of the page of touchpoints, which compares customers who had the
touchpoint in a week with customers alike in recency, frequency and life who had not (see `features/insights/touchpoints`). It is
a matched comparison, no experiment: what made a customer come there may be what made them leave.

A finding when the difference is surely above 5 points, beyond chance for all touchpoints together, of at least 30 customers.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from scipy.stats import norm

from features.insights import Column, Page, Table, Unit
from training.findings.evidence import within_error
from training.findings.finding import Finding, FindingKind, Found
from training.findings.scene import Scene
from training.findings.standing import critical

LEAST_DIFFERENCE = 0.05
_MOST_ROWS = 12
_TWO_SIDED = float(norm.ppf(0.975))

_COLUMNS = (
    Column("touchpoint", "Touchpoint"),
    Column(
        "customers", "Customers", Unit.COUNT, "different ones who had it in a week after which objective.churn_days are known"
    ),
    Column("churn", "Left after", Unit.SHARE, "no conversion within churn_days after that week / customer-weeks with it"),
    Column("baseline", "Of customers alike", Unit.SHARE, "the same of customers alike without it"),
    Column("difference", "Difference", Unit.SHARE, "matched, not randomized"),
    Column("difference_low", "From", Unit.SHARE, "lower end of the 95 % interval"),
    Column("difference_high", "To", Unit.SHARE, "upper end of the 95 % interval"),
)


def leaving(scene: Scene) -> Found:
    """Touchpoints that lose customers."""
    what = "Losing customers: touchpoints, against customers alike"
    table = _table(scene.before)
    if table is None:
        told = "the page of touchpoints does not say who leaves after what; its section on churn says what it takes"
        return Found(what=what, notes=(told,))
    least = scene.rows("select $least as least")[0]["least"]
    rows = [row for row in table.records if row["difference_low"] is not None and row["difference_high"] is not None]
    enough = [row for row in rows if row["customers"] >= least]
    found = [row for row in enough if _surely(row, len(enough)) > LEAST_DIFFERENCE]
    few = len(table.rows) - len(enough)
    return Found(
        what=what,
        findings=tuple(_finding(scene, row, enough) for row in found),
        compared=len(enough),
        notes=(f"{few:,} touchpoints left out: fewer than {least} customers, or nobody alike",) if few else (),
    )


def _table(pages: Sequence[Page]) -> Table | None:
    tables: Iterator[Table | None] = (page.table("churn_by_touchpoint") for page in pages if page.name == "touchpoints")
    return next((table for table in tables if table is not None and table.rows), None)


def _surely(row: dict[str, Any], compared: int) -> float:
    """What the difference is surely above, however many were compared; its standard error is that of its 95 % interval."""
    error = (row["difference_high"] - row["difference_low"]) / (2.0 * _TWO_SIDED)
    return float(row["difference"] - critical(compared) * error)


def _finding(scene: Scene, row: dict[str, Any], compared: Sequence[dict[str, Any]]) -> Finding:
    name, difference, days = row["touchpoint"], row["difference"], scene.look.catalogue.objective.churn_days
    customers = row["customers"] * min(difference, 1.0)
    how = f"{row['customers']:,} customers x {difference:.1%} more who left than of customers alike"
    others = sorted((each for each in compared if each is not row), key=lambda each: -each["customers"])[: _MOST_ROWS - 1]
    return Finding(
        kind=FindingKind.LEAVING,
        subject=name,
        title=f"Customers leave after {name}",
        sentence=f"After {name} {row['churn']:.0%} did not convert again within {days:g} days, against {row['baseline']:.0%} of "
        f"customers alike without it: {difference * 100:.0f} points more ({row['customers']:,} customers).",
        customers=customers,
        money=scene.at_stake(customers),
        computed=scene.at_stake_in_words(how),
        confidence=f"95 % interval {row['difference_low'] * 100:.0f} to {row['difference_high'] * 100:.0f} points; "
        f"{within_error(len(compared))}; matched, not randomized: it need not be the cause",
        evidence=Table.of(
            "evidence",
            "Who left after it, and customers alike",
            _COLUMNS,
            ({column.name: each[column.name] for column in _COLUMNS} for each in (row, *others)),
            note="",
        ),
        page="touchpoints",
        suggestion="Find out what brings customers there and how it ends for them; call those who were there last week.",
    )
