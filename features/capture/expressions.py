"""Fields and filters of a mapping as DuckDB SQL; all that a mapping contains enters it as an escaped literal, never as code."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from zoneinfo import ZoneInfo

from features.capture.fields import Filter, TextField, TimeField, as_text
from features.errors import CaptureError, ConfigurationError
from features.instants import microseconds
from features.lake import literal

LARGEST_NUMBER = 1e15
"""A number beyond it is refused: no money amount is larger, and sums below it keep their cents."""

_BLANKS = "' ' || chr(9) || chr(10) || chr(13) || chr(160)"
_NUMBER = {
    ".": r"[-+]?(\d{1,3}(,\d{3})+|\d+)?(\.\d*)?([eE][-+]?\d+)?",
    ",": r"[-+]?(\d{1,3}(\.\d{3})+|\d+)?(,\d*)?([eE][-+]?\d+)?",
}
_DAY = r"\d{4}-\d{1,2}-\d{1,2}"
_CLOCK = r"[T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?"
_ZONE = r" ?(Z|z|UTC|GMT|[+-](0\d|1[0-4])(:?[0-5]\d)?)"
_MICROSECONDS = {"us": 1, "ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_YEAR_9999 = 253_370_764_800_000_000


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a mapping may name, each with the SQL of its raw text.

    Attributes
    ----------
    file : where they come from, for messages.
    missing : texts that stand for no value, beside the empty one.
    """

    file: str
    expressions: Mapping[str, str]
    missing: tuple[str, ...] = ()

    def raw(self, name: str, key: str) -> str:
        """The column's text as it stands in the file; `key` is where the mapping names it.

        Raises
        ------
        CaptureError
            When there is no such column.
        """
        if name not in self.expressions:
            close = get_close_matches(name, self.expressions, 1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else "correct the mapping, or give the file it was written for"
            raise CaptureError(f"{self.file}: no column {name!r}, which {key} needs; it has {_listed(self.expressions)}; {hint}")
        return self.expressions[name]

    def text(self, name: str, key: str) -> str:
        """The column's text without blanks around it, NULL where there is no value."""
        trimmed = f"trim({self.raw(name, key)}, {_BLANKS})"
        absent = ", ".join(escaped(text) for text in ("", *self.missing))
        return f"CASE WHEN {trimmed} NOT IN ({absent}) THEN {trimmed} END"


def escaped(text: str) -> str:
    """A text of a mapping as an SQL literal.

    Raises
    ------
    ConfigurationError
        When it contains a NUL character, which ends SQL.
    """
    if "\0" in text:
        raise ConfigurationError(f"source mapping: {text!r} contains a NUL character; take it out")
    return literal(text)


def given_text(field: TextField, columns: Columns, key: str) -> str:
    """What a row says, before the field's map and default."""
    if field.column is not None:
        return columns.text(field.column, key)
    if field.constant is not None:
        return escaped(as_text(field.constant))
    pieces = [columns.text(piece, key) if nth % 2 else escaped(piece) for nth, piece in enumerate(field.pieces)]
    return f"({' || '.join(f'({piece})' for piece in pieces)})"


def mapped_text(field: TextField, given: str) -> str:
    """What the field makes of it."""
    if field.map is not None:
        pairs = " ".join(f"WHEN {escaped(key)} THEN {escaped(as_text(value))}" for key, value in field.map.items())
        given = f"CASE {given} {pairs} END" if pairs else "NULL::VARCHAR"
    return given if field.default is None else f"coalesce({given}, {escaped(as_text(field.default))})"


def number(text: str, *, decimal: str = ".", scale: float = 1.0) -> str:
    """The finite number that a text is, else NULL."""
    shape = f"regexp_full_match({text}, {literal(_NUMBER[decimal])}) AND regexp_matches({text}, '[0-9]')"
    plain = f"replace({text}, ',', '')" if decimal == "." else f"replace(replace({text}, '.', ''), ',', '.')"
    value = f"CASE WHEN {shape} AND isfinite(try_cast({plain} AS DOUBLE)) THEN try_cast({plain} AS DOUBLE) END"
    divisor = round(1 / scale) if 0 < abs(scale) < 1 else 0
    if divisor and abs(1 / scale - divisor) < 1e-9 * abs(divisor):
        return f"({value}) / {divisor}::DOUBLE"  # 1999 cents are 19.99, where 1999 * 0.01 is a little more
    return value if scale == 1 else f"({value}) * {scale!r}::DOUBLE"


def moment(text: str, field: TimeField, *, zone: str) -> str:
    """The time that a text is, as TIMESTAMPTZ, else NULL; `zone` is that of times that name none."""
    zone = field.timezone or zone
    if field.unit is not None:
        return _counted(text, field, zone)
    if field.format is not None:
        parsed = f"try_strptime({text}, {escaped(field.format)})"
        return parsed if "%z" in field.format.lower() else f"timezone({escaped(zone)}, {parsed})"
    plain = f"upper(replace({text}, ',', '.'))"
    with_zone, without = literal(_DAY + _CLOCK + _ZONE), literal(f"{_DAY}({_CLOCK})?")
    return f"""CASE
        WHEN regexp_full_match({text}, {with_zone}) THEN try_cast({plain} AS TIMESTAMPTZ)
        WHEN regexp_full_match({text}, {without}) THEN timezone({escaped(zone)}, try_cast({plain} AS TIMESTAMP))
        END"""


def condition(filters: tuple[Filter, ...], columns: Columns, key: str, *, decimal: str) -> str:
    """The SQL condition that all the filters hold."""
    return " AND ".join(part for each in filters for part in _conditions(each, columns, key, decimal)) or "true"


def _conditions(each: Filter, columns: Columns, key: str, decimal: str) -> list[str]:
    text = columns.text(each.column, key)
    value = number(text, decimal=decimal)
    tests: list[tuple[object, Callable[[], str]]] = [
        (each.is_in, lambda: f"{text} IN ({_literals(each.is_in or ())})"),
        (each.not_in, lambda: f"coalesce({text} NOT IN ({_literals(each.not_in or ())}), true)"),
        (each.not_null, lambda: f"{text} IS {'NOT ' if each.not_null else ''}NULL"),
        (each.above, lambda: f"{value} > {each.above!r}::DOUBLE"),
        (each.below, lambda: f"{value} < {each.below!r}::DOUBLE"),
    ]
    return [f"({sql()})" for asked, sql in tests if asked is not None]


def _literals(values: tuple[object, ...]) -> str:
    return ", ".join(escaped(as_text(value)) for value in values) or "NULL"  # type: ignore[arg-type]


def _counted(text: str, field: TimeField, zone: str) -> str:
    origin = field.origin if field.origin.tzinfo else field.origin.replace(tzinfo=ZoneInfo(zone))
    start = microseconds(origin)
    count = f"round({number(text)} * {_MICROSECONDS[field.unit or 'us']}) + {start}"
    return f"""CASE WHEN abs({count}) < {_YEAR_9999}
        THEN timezone('UTC', make_timestamp(CAST({count} AS BIGINT))) END"""


def _listed(names: Mapping[str, str]) -> str:
    shown = ", ".join(list(names)[:30])
    return f"{shown}, …" if len(names) > 30 else shown or "no columns"
