"""A table of results: what console, API, CSV and report show alike."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Value = str | int | float | bool | None

_DIGITS, _NOTHING = 12, 1e-12
"""Of floats in a table: more digits than that, or less than that, come of how sums are rounded."""


class Unit(StrEnum):
    """What a column's values are, so that everything that shows them writes them alike."""

    TEXT = "text"
    COUNT = "count"
    SHARE = "share"  # 0..1, shown as a percentage
    MONEY = "money"  # in the catalogue's currency
    NUMBER = "number"
    SCORE = "score"  # on a scale of its own, such as NPS from -100 to 100
    DAYS = "days"
    TIME = "time"  # RFC 3339, UTC
    YES_NO = "yes_no"


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes
    ----------
    name : key in records and heading in CSV; snake_case.
    title : heading for people.
    explains : what the numbers are, in a sentence; shown beside the heading.
    link : the page this column's values lead to, as `customer` or `decision`; the value is its address there.
    """

    name: str
    title: str
    unit: Unit = Unit.TEXT
    explains: str = ""
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of results.

    Attributes
    ----------
    name : unique within its page, part of addresses; snake_case.
    rows : one value per column each, in the order in which to read them.
    note : what somebody who uses the numbers must know, such as that small counts are shrunk.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    note: str = ""

    @classmethod
    def of(
        cls, name: str, title: str, columns: Sequence[Column], records: Iterable[Mapping[str, Value]], *, note: str = ""
    ) -> "Table":
        """A table of records, each of which has a value of every column; floats have twelve significant digits.

        >>> columns = [Column("touchpoint", "Touchpoint"), Column("volume", "Volume", Unit.COUNT)]
        >>> Table.of("volumes", "Volumes", columns, [{"volume": 2, "touchpoint": "web.cart"}]).rows
        (('web.cart', 2),)
        """
        rows = tuple(tuple(_plain(record[column.name]) for column in columns) for record in records)
        return cls(name=name, title=title, columns=tuple(columns), rows=rows, note=note)

    @property
    def records(self) -> list[dict[str, Value]]:
        """The rows as records."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]

    def column(self, name: str) -> list[Value]:
        """The values of a column, from the first row to the last."""
        index = [column.name for column in self.columns].index(name)
        return [row[index] for row in self.rows]

    def csv(self) -> str:
        r"""As RFC 4180 CSV: names as heading, numbers as they are, nothing where there is no value.

        Text that a spreadsheet would take for a formula gets an apostrophe in front.

        >>> table = Table.of("t", "T", [Column("a", "A"), Column("b", "B", Unit.SHARE)], [{"a": "=1+1", "b": None}])
        >>> table.csv()
        "a,b\r\n'=1+1,\r\n"
        """
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(column.name for column in self.columns)
        writer.writerows([_harmless(value) for value in row] for row in self.rows)
        return text.getvalue()

    def as_json(self) -> dict[str, Any]:
        """In values that JSON has."""
        columns = [
            {"name": each.name, "title": each.title, "unit": each.unit.value, "explains": each.explains, "link": each.link}
            for each in self.columns
        ]
        return {
            "name": self.name,
            "title": self.title,
            "columns": columns,
            "rows": [list(row) for row in self.rows],
            "note": self.note,
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Table":
        """The table that `as_json` told of."""
        columns = tuple(
            Column(each["name"], each["title"], Unit(each["unit"]), each["explains"], each["link"]) for each in told["columns"]
        )
        rows = tuple(tuple(row) for row in told["rows"])
        return cls(name=told["name"], title=told["title"], columns=columns, rows=rows, note=told["note"])


def _plain(value: Value) -> Value:
    """Sums of floats as people would write them: 71.6 and not 71.60000000000015, and 0 for what is next to nothing."""
    if not isinstance(value, float):
        return value
    return 0.0 if abs(value) < _NOTHING else float(f"{value:.{_DIGITS}g}")


def _harmless(value: Value) -> Value:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
