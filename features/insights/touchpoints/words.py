"""Numbers as words say them, and as tables hold them."""

from math import isfinite

UNKNOWN = "unknown"


def share(value: float | None) -> str:
    """A share as a percentage.

    >>> share(0.1234), share(None)
    ('12.3 %', 'unknown')
    """
    return UNKNOWN if value is None else f"{100 * value:.1f} %"


def points(value: float) -> str:
    """A difference of shares.

    >>> points(-0.0213)
    '-2.1 points'
    """
    return f"{100 * value:+.1f} points"


def number(value: float | None) -> str:
    """A number with three digits that count, and all before the point.

    >>> number(0.01234), number(12.34), number(1234.5), number(0.0)
    ('0.0123', '12.3', '1,234', '0')
    """
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def plain(value: float) -> float | None:
    """A number as a table holds it: None where it is none.

    >>> plain(float("nan")), plain(2.0)
    (None, 2.0)
    """
    return float(value) if isfinite(value) else None
