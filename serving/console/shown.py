"""Writes values as people read them; machines get them in full, as JSON and CSV."""

from collections.abc import Callable
from datetime import UTC, datetime
from math import isfinite

from features.insights import Unit
from features.insights.table import Value

NOTHING = "\u2013"
_SPACE = "\u202f"  # narrow, and no line breaks at it
_MINUS = "\u2212"

_MINUTES_PER_DAY, _HOURS_PER_DAY = 1440.0, 24.0


def shown(value: Value | datetime, unit: Unit | str = Unit.TEXT, currency: str = "") -> str:
    """A value in words and figures.

    Parameters
    ----------
    currency : written before money; left out where the heading has it.

    Examples
    --------
    >>> shown(None) == NOTHING, shown(12345, Unit.COUNT), shown(True, Unit.YES_NO), shown(2.0, Unit.DAYS)
    (True, '12,345', 'yes', '2 days')
    >>> shown("2026-01-31T12:00:00Z", Unit.TIME), shown("2026-01-31", Unit.TIME)
    ('31 Jan 2026, 12:00 UTC', '31 Jan 2026')
    """
    if value is None or (isinstance(value, float) and not isfinite(value)):
        return NOTHING
    if isinstance(value, datetime) or unit == Unit.TIME:
        return _time(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if unit == Unit.MONEY:
        return money(value, currency)
    return _NUMBERS.get(Unit(unit), number)(value).replace("-", _MINUS)


def number(value: float) -> str:
    """At most three decimals, and fewer the larger it is.

    >>> number(1234567.8), number(12.345), number(0.01234), number(3)
    ('1,234,568', '12.3', '0.0123', '3')
    """
    if value == int(value):
        return f"{value:,.0f}"
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if size >= 1e-4 else f"{value:.1e}"


def share(value: float) -> str:
    """As a percentage; the smaller it is, the more decimals.

    >>> share(0.1234), share(0.00123), share(0), share(0.00001)
    ('12.3\u202f%', '0.12\u202f%', '0\u202f%', '0.001\u202f%')
    """
    percent = 100 * value
    decimals = 0 if percent == 0 else 1 if abs(percent) >= 1 else 2 if abs(percent) >= 0.1 else 3
    return f"{percent:,.{decimals}f}{_SPACE}%"


def money(value: float, currency: str = "") -> str:
    """Hundredths where they matter.

    >>> money(12.5, "EUR"), money(123456.78), money(0.004)
    ('EUR\u202f12.50', '123,457', '0.0040')
    """
    decimals = 0 if abs(value) >= 10_000 else 4 if 0 < abs(value) < 0.01 else 2
    text = f"{value:,.{decimals}f}".replace("-", _MINUS)
    return f"{currency}{_SPACE}{text}" if currency else text


def days(value: float) -> str:
    """A span of time in the unit that suits its length.

    >>> days(0.01), days(0.5), days(1), days(45.26)
    ('14 min', '12 h', '1 day', '45.3 days')
    """
    size = abs(value)
    if 0 < size < 1 / _HOURS_PER_DAY:
        return f"{value * _MINUTES_PER_DAY:.0f} min"
    if 0 < size < 1:
        return f"{round(value * _HOURS_PER_DAY, 1):g} h"
    rounded = round(value, 1)
    return f"{number(rounded)} {'day' if rounded == 1 else 'days'}"


def _score(value: float) -> str:
    return f"{round(value, 1):g}"


def _time(value: Value | datetime) -> str:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:  # "week 12" says it, too
        return str(value)
    if isinstance(value, str) and len(value) <= len("2026-01-31"):
        return f"{moment.day} {moment:%b %Y}"
    moment = moment.astimezone(UTC) if moment.tzinfo else moment
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


_NUMBERS: dict[Unit, Callable[[float], str]] = {
    Unit.COUNT: number,
    Unit.SHARE: share,
    Unit.NUMBER: number,
    Unit.SCORE: _score,
    Unit.DAYS: days,
}
