"""How a field of a record comes out of a row: from a column, a template or a constant; then mapped, then defaulted."""

import re
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Scalar = bool | int | float | str | datetime | date

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


class Part(BaseModel):
    """Any table of a source mapping; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone; use an IANA name such as 'Europe/Berlin'") from None
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]


Column = Annotated[str, Field(min_length=1)] | Annotated[tuple[str, ...], Field(min_length=1)]
"""One column, or several of which the first that has a value counts, as exports that changed their headers need."""


class TextField(Part):
    """A text: the short form `"name"` stands for `{column = "name"}`. Surrounding blanks are cut; an empty text is no value."""

    column: Column | None = Field(
        None,
        description="the column to take, or a list of which the first that has a value counts and one must be in the file; in "
        "JSON, dots reach into objects: `user.id`",
    )
    template: str | None = Field(
        None, description="columns put into a text, as in `{store}-{basket}`; no value when one has none"
    )
    constant: Scalar | None = Field(None, description="the same for every row")
    map: dict[str, Scalar] | None = Field(None, description="replaces values; one that is not listed gets the default")
    default: Scalar | None = Field(None, description="taken where there is no value")
    optional: bool = Field(False, description="a file may lack the column altogether; then there is no value")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, given: Any) -> Any:
        return {"column": given} if isinstance(given, str | list) else given

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if sum(origin is not None for origin in (self.column, self.template, self.constant)) != 1:
            raise ValueError("a field has exactly one of column, template and constant")
        if self.template is not None and not self.columns:
            raise ValueError(f"the template {self.template!r} names no {{column}}; a text that never changes is a constant")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that it reads."""
        if self.template is not None:
            return tuple(_PLACEHOLDER.findall(self.template))
        return listed(self.column)

    @property
    def pieces(self) -> list[str]:
        """The template cut at its columns: text, column, text, column, …, text."""
        return _PLACEHOLDER.split(self.template or "")

    @property
    def fixed_values(self) -> tuple[str, ...]:
        """Every value that the mapping itself writes down."""
        given = (self.constant, self.default, *(self.map or {}).values())
        return tuple(as_text(value) for value in given if value is not None)


class IdentifierField(TextField):
    """What names a person, such as an e-mail address: a column, or a template of columns, of which only a keyed hash is kept."""

    @model_validator(mode="after")
    def _as_it_stands(self) -> Self:
        if not self.columns or self.map is not None or self.default is not None:
            raise ValueError("an identifier is a column, a list of columns or a template, without map and default")
        return self


class NumberField(TextField):
    """A finite number, with a decimal point unless the mapping says `decimal`; thousands may be separated."""

    scale: float = Field(1.0, allow_inf_nan=False, description="multiplies it: 0.01 for cents, -1 to turn the sign")


class TimeField(TextField):
    """A time: ISO 8601 unless `format` or `unit` is given; a date alone is its midnight."""

    format: str | None = Field(None, min_length=1, description="strptime format, such as `%d/%m/%y %H:%M`")
    unit: Literal["us", "ms", "s", "min", "h", "d"] | None = Field(None, description="it is a number of these since the origin")
    origin: datetime = Field(datetime(1970, 1, 1), description="where a number with a unit counts from")
    timezone: TimeZone | None = Field(None, description="of times that name none; default: the mapping's")

    @model_validator(mode="after")
    def _one_notation(self) -> Self:
        if self.format is not None and self.unit is not None:
            raise ValueError("a time has a format or a unit, not both")
        if self.unit is None and "origin" in self.model_fields_set:
            raise ValueError("origin belongs to a unit; add the unit that the numbers count")
        return self


class Filter(Part):
    """Which rows count; of several filters all must hold."""

    column: Column = Field(description="as that of a field")
    optional: bool = Field(False, description="as that of a field")
    is_in: tuple[Scalar, ...] | None = Field(None, alias="in", description="the value is one of these")
    not_in: tuple[Scalar, ...] | None = Field(None, description="the value is none of these")
    not_null: bool | None = Field(None, description="true: there is a value; false: there is none")
    above: float | None = Field(None, description="it is a number greater than this")
    below: float | None = Field(None, description="it is a number less than this")

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.model_fields_set - {"column", "optional"}:
            raise ValueError("a filter has at least one of in, not_in, not_null, above and below")
        return self


def listed(column: Column | None) -> tuple[str, ...]:
    """The columns that are meant, the first choice first."""
    return (column,) if isinstance(column, str) else column or ()


def as_text(value: Scalar) -> str:
    """A value of a mapping as the text that a file would have for it.

    >>> as_text(True), as_text(3), as_text("x"), as_text(date(2017, 1, 1))
    ('true', '3', 'x', '2017-01-01')
    """
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else str(value)
