"""What every section of a source mapping has: which rows it takes, when it happened, and who it was."""

import re
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from features.capture.fields import Filter, IdentifierField, Part, TextField, TimeField, listed

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

CUSTOMER = "customer_id"
"""What a person is named by without a type."""

IdentifierType = Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$", max_length=40)]


def _a_duration(text: str) -> str:
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is no duration; write a number and s, m, h or d, such as '36h'")
    return text


Duration = Annotated[str, AfterValidator(_a_duration)]


class Section(Part):
    """What every kind of record has."""

    where: tuple[Filter, ...] = Field((), description="which rows; default: all")
    at: TimeField = Field(description="when it happened")
    received_at: TimeField | None = Field(None, description="when it became known; default: when it happened")
    received_after: Duration | None = Field(None, description="instead: how long after it happened it became known, such as '1d'")

    @field_validator("where", mode="before")
    @classmethod
    def _one_filter_or_several(cls, given: object) -> object:
        return [given] if isinstance(given, dict) else given

    @model_validator(mode="after")
    def _one_way_to_be_received(self) -> Self:
        if self.received_at is not None and self.received_after is not None:
            raise ValueError("give received_at or received_after, not both")
        return self

    @property
    def delay(self) -> timedelta:
        """How long after it happened a record became known."""
        match = _DURATION.fullmatch(self.received_after or "0s")
        return timedelta(**{_UNITS[match[2]]: float(match[1])}) if match else timedelta()

    def fields(self) -> Iterator[tuple[str, TextField]]:
        """Every field that is given, with its key."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, TextField):
                yield name, value
            elif isinstance(value, dict):
                yield from ((f"{name}.{key}", field) for key, field in value.items())

    def named(self) -> Iterator[tuple[str, IdentifierField]]:
        """Every typed identifier that it takes, with its type."""
        for key, field in self.fields():
            type_ = key.partition(".")[2]
            if isinstance(field, IdentifierField) and type_ != CUSTOMER:
                yield type_, field

    def columns(self) -> Iterator[tuple[str, str]]:
        """Every column that it reads, with the key that does."""
        yield from (("where", column) for each in self.where for column in listed(each.column))
        yield from ((key, column) for key, field in self.fields() for column in field.columns)


class Personal(Section):
    """A section whose records are somebody's."""

    customer_id: TextField | None = Field(None, description="may be left out when identifiers are given")
    identifiers: dict[IdentifierType, IdentifierField] = Field(
        {}, description='by their types, as in `{email = "mail", cookie = "cid"}`; kept as keyed hashes only'
    )

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.customer_id is None and not self.identifiers:
            raise ValueError("give customer_id, or identifiers, or both; a record is somebody's")
        return self


def require_values(field: TextField | None, values: type[StrEnum], key: str) -> None:
    """Refuse a field in which the mapping itself writes down what is none of the values.

    Raises
    ------
    ValueError
        Naming key and value.
    """
    for value in () if field is None else field.fixed_values:
        if value not in set(values):
            raise ValueError(f"{key}: {value!r} is not one of {', '.join(values)}")
