"""A rate as columns of a table: its value and the ends of its interval."""

from features.insights import Column, Unit
from features.insights.segments.rates import Rate
from features.insights.table import Value


def rate_columns(name: str, title: str, unit: Unit, explains: str) -> tuple[Column, Column, Column]:
    """Three columns: `name`, `name_low`, `name_high`."""
    return (
        Column(name, title, unit, explains),
        Column(f"{name}_low", f"{title}, from", unit, "Lower end of the 95 % interval."),
        Column(f"{name}_high", f"{title}, to", unit, "Upper end of the 95 % interval."),
    )


def rate_values(name: str, rate: Rate) -> dict[str, Value]:
    """Their values."""
    return {name: rate.value, f"{name}_low": rate.low, f"{name}_high": rate.high}
