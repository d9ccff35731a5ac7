"""Fields and filters of a mapping as DuckDB SQL; all that a mapping contains enters it as an escaped literal, never as code."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from zoneinfo import ZoneInfo

from features.capture.fields import Column, Filter, TextField, TimeField, as_text, listed
from features.errors import CaptureError, ConfigurationError
from features.instants import microseconds
from features.lake import literal

LARGEST_NUMBER = 1e15
"""A number beyond it is refused: no money amount is larger, and sums below it keep their cents."""

HIDDEN = "…"
"""Stands where something that names a person is not kept."""

_ADDRESS = r"""'[^\s"''<>(),;:=?&/\\]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+'"""
_BLANKS = literal(" \t\n\r\u00a0")
_NUMBER = {
    ".": r"[-+]?(\d{1,3}(,\d{3})+|\d+)?(\.\d*)?([eE][-+]?\d+)?",
    ",": r"[-+]?(\d{1,3}(\.\d{3})+|\d+)?(,\d*)?([eE][-+]?\d+)?",
}
_DAY = r"\d{4}-\d{1,2}-\d{1,2}"
_CLOCK = r"[T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?"
_ZONE = r" ?(Z|z|UTC|GMT|[+-](0\d|1[0-4])(:?[0-5]\d)?)"
_MICROSECONDS = {"us": 1, "ms": 1_000, "s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_NUMBERS = (
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "DOUBLE",
)  # not FLOAT: 0.1
_TIMES = ("TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S", "TIMESTAMP WITH TIME ZONE", "DATE")
_YEAR_9999 = 253_370_764_800_000_000


@dataclass(frozen=True, slots=True)
class Typed:
    """A column whose file tells its type, which saves parsing its text."""

    sql: str
    type_: str


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that a mapping may name, each with the SQL of its raw text.

    Attributes
    ----------
    file : where they come from, for messages.
    missing : texts that stand for no value, beside the empty one.
    typed : those that are no texts in the file.
    clean : whether they have neither blanks around them nor texts that stand for no value.
    """

    file: str
    expressions: Mapping[str, str]
    missing: tuple[str, ...] = ()
    typed: Mapping[str, Typed] = field(default_factory=dict)
    clean: bool = False

    def raw(self, column: Column, key: str, *, optional: bool = False) -> str:
        """The column's text as it stands in the file; of several columns, the text of the first that has a value.

        `key` is where the mapping names it.

        Raises
        ------
        CaptureError
            When there is no such column.
        """
        found = [name for name in map(self.found, listed(column)) if name is not None]
        if not found and not optional:
            raise CaptureError(f"{self.file}: {self._unfound(listed(column), key)}")
        if len(found) == 1:
            return self.expressions[found[0]]
        return f"coalesce({', '.join(map(self._trimmed, found))})" if found else "NULL::VARCHAR"

    def text(self, column: Column, key: str, *, optional: bool = False) -> str:
        """The column's text without blanks around it, NULL where there is no value."""
        found = [name for name in map(self.found, listed(column)) if name is not None]
        return self._trimmed(found[0]) if len(found) == 1 else self.raw(column, key, optional=optional)

    def type_of(self, column: Column | None) -> Typed | None:
        """The column as it is in the file, if there it is no text."""
        found = [name for name in map(self.found, listed(column)) if name is not None]
        return self.typed.get(found[0]) if len(found) == 1 else None

    def _trimmed(self, name: str) -> str:
        raw = self.expressions[name]
        return raw if self.clean else cleaned(raw, self.missing, is_text=name not in self.typed)

    def found(self, name: str) -> str | None:
        """What the file calls the column: the same, or the same but for case, blanks, `_` and `-`; None when it has none such."""
        if name in self.expressions:
            return name
        alike = [each for each in self.expressions if _plain(each) == _plain(name)]
        return alike[0] if len(alike) == 1 else None

    def _unfound(self, names: tuple[str, ...], key: str) -> str:
        close = get_close_matches(names[0], self.expressions, 1, cutoff=0.5)
        hint = f"did you mean {close[0]!r}?" if close else "correct the mapping, or give the file it was written for"
        wanted = " or ".join(map(repr, names))
        return f"no column {wanted}, which {key} needs; it has {_named(self.expressions)}; {hint}"


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


def cleaned(raw: str, missing: tuple[str, ...], *, is_text: bool = True) -> str:
    """A text without blanks around it, NULL where it stands for no value."""
    blank = f"contains({_BLANKS}, {raw}[1]) OR contains({_BLANKS}, {raw}[-1])"  # to look is cheaper than to cut
    trimmed = f"CASE WHEN {blank} THEN trim({raw}, {_BLANKS}) ELSE {raw} END" if is_text else raw
    if missing:
        absent = ", ".join(escaped(text) for text in ("", *missing))
        return f"CASE WHEN {trimmed} NOT IN ({absent}) THEN {trimmed} END"
    return f"nullif({trimmed}, '')" if is_text else trimmed


def masked(text: str) -> str:
    """A text that is kept, with `…` for whatever looks like an e-mail address in it."""
    return f"CASE WHEN contains({text}, '@') THEN regexp_replace({text}, {_ADDRESS}, '{HIDDEN}', 'g') ELSE {text} END"


def given_text(field: TextField, columns: Columns, key: str) -> str:
    """What a row says, before the field's map and default."""
    if field.column is not None:
        return columns.text(field.column, key, optional=field.optional)
    if field.constant is not None:
        return escaped(as_text(field.constant))
    pieces = [
        columns.text(piece, key, optional=field.optional) if nth % 2 else escaped(piece) for nth, piece in enumerate(field.pieces)
    ]
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
    return _scaled(value, scale)


def _scaled(value: str, scale: float) -> str:
    divisor = round(1 / scale) if 0 < abs(scale) < 1 else 0
    if divisor and abs(1 / scale - divisor) < 1e-9 * abs(divisor):
        return f"({value}) / {divisor}::DOUBLE"  # 1999 cents are 19.99, where 1999 * 0.01 is a little more
    return value if scale == 1 else f"({value}) * {scale!r}::DOUBLE"


def typed_number(text: str, typed: Typed, *, scale: float = 1.0) -> str | None:
    """The finite number that a column of numbers holds where it has a text; None for a column of another type."""
    if typed.type_ not in _NUMBERS and not typed.type_.startswith("DECIMAL"):
        return None
    value = f"CASE WHEN {text} IS NOT NULL AND isfinite({typed.sql}::DOUBLE) THEN {typed.sql}::DOUBLE END"
    return _scaled(value, scale)


def typed_moment(text: str, typed: Typed, field: TimeField, *, zone: str) -> str | None:
    """The time that a column of times holds where it has a text; None for a column of another type."""
    if typed.type_ not in _TIMES or field.unit is not None or field.format is not None:
        return None
    zoned = typed.type_ == "TIMESTAMP WITH TIME ZONE"
    value = typed.sql if zoned else _in_zone(f"{typed.sql}::TIMESTAMP", field.timezone or zone)
    return f"CASE WHEN {text} IS NOT NULL AND isfinite({typed.sql}) THEN {value} END"


def moment(text: str, field: TimeField, *, zone: str) -> str:
    """The time that a text is, as TIMESTAMPTZ, else NULL; `zone` is that of times that name none."""
    zone = field.timezone or zone
    if field.unit is not None:
        return _counted(text, field, zone)
    if field.format is not None:
        parsed = f"try_strptime({text}, {escaped(field.format)})"
        return parsed if "%z" in field.format.lower() else _in_zone(parsed, zone)
    plain = f"upper(replace({text}, ',', '.'))"
    with_zone, without = literal(_DAY + _CLOCK + _ZONE), literal(f"{_DAY}({_CLOCK})?")
    return f"""CASE
        WHEN regexp_full_match({text}, {with_zone}) THEN try_cast({plain} AS TIMESTAMPTZ)
        WHEN regexp_full_match({text}, {without}) THEN {_in_zone(f"try_cast({plain} AS TIMESTAMP)", zone)}
        END"""


def _in_zone(local: str, zone: str) -> str:
    """The moment of a local time.

    A time that clocks skip counts as the one an hour later, and of a time that they show twice the second one is meant.
    """
    return f"make_timestamptz(epoch_us({local}))" if zone == "UTC" else f"timezone({escaped(zone)}, {local})"


def condition(filters: tuple[Filter, ...], columns: Columns, key: str, *, decimal: str) -> str:
    """The SQL condition that all the filters hold."""
    return " AND ".join(part for each in filters for part in _conditions(each, columns, key, decimal)) or "true"


def _conditions(each: Filter, columns: Columns, key: str, decimal: str) -> list[str]:
    text = columns.text(each.column, key, optional=each.optional)
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
        THEN timezone('UTC', make_timestamp(TRY_CAST({count} AS BIGINT))) END"""


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name).casefold()


def _named(names: Mapping[str, str]) -> str:
    shown = ", ".join(list(names)[:30])
    return f"{shown}, …" if len(names) > 30 else shown or "no columns"
