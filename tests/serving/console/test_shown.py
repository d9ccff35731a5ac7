"""Values as people read them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from features.insights import Unit
from serving.console.shown import NOTHING, shown


@pytest.mark.parametrize("unit", list(Unit))
def test_nothing_and_what_is_no_number_is_a_dash_in_every_unit(unit: Unit) -> None:
    assert shown(None, unit) == shown(float("nan"), Unit.NUMBER) == NOTHING


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1234567, Unit.COUNT, "1,234,567"),
        (12.5, Unit.COUNT, "12.5"),
        (-3, Unit.COUNT, "\u22123"),
        (0.5, Unit.SHARE, "50.0\u202f%"),
        (-0.015, Unit.SHARE, "\u22121.5\u202f%"),
        (1234.5, Unit.MONEY, "EUR\u202f1,234.50"),
        (-1234567.5, Unit.MONEY, "EUR\u202f\u22121,234,568"),
        (0, Unit.MONEY, "EUR\u202f0.00"),
        (-12.34, Unit.SCORE, "\u221212.3"),
        (0.5, Unit.DAYS, "12 h"),
        (1200, Unit.DAYS, "1,200 days"),
        (True, Unit.YES_NO, "yes"),
        (False, Unit.TEXT, "no"),
        ("week 5", Unit.TIME, "week 5"),
        ("word", Unit.COUNT, "word"),
    ],
)
def test_a_value_is_written_as_its_unit_is(value: float | str, unit: Unit, text: str) -> None:
    assert shown(value, unit, "EUR") == text


def test_a_time_is_told_in_utc() -> None:
    moment = datetime(2026, 1, 31, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert shown(moment) == shown(moment.isoformat(), "time") == "30 Jan 2026, 23:30 UTC"
    assert shown(datetime(2026, 1, 31, tzinfo=UTC), Unit.TIME) == "31 Jan 2026, 00:00 UTC"
