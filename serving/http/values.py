"""What a field of a body may hold: NaN, text with NUL, times without a zone and numbers beyond reason are refused."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, Field, StrictFloat, StrictStr
from pydantic_core import from_json

from features.catalogue.table import zone_named
from features.domain import LONGEST_ID
from serving.http.problems import INVALID_JSON, ProblemError

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _as_rfc_3339(value: Any) -> Any:
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC_3339.fullmatch(value)):
        return value
    raise ValueError("give a time as RFC 3339 with its zone, such as 2026-01-31T09:30:00Z")


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("the time is beyond the calendar") from None


def without_nul(text: str) -> str:
    """The text itself; a ValueError when it holds NUL, which not every database can keep."""
    if "\x00" in text:
        raise ValueError("text may not hold the character NUL")
    return text


def _is_scalar(value: Any) -> Any:
    if isinstance(value, str) and len(value) <= 2000:
        return without_nul(value)
    if isinstance(value, bool) or (isinstance(value, int | float) and abs(value) <= 1e12):
        return value
    raise ValueError("give text of at most 2,000 characters, a number, true or false")


Id = Annotated[StrictStr, Field(min_length=1, max_length=LONGEST_ID), AfterValidator(without_nul)]
Name = Annotated[StrictStr, Field(min_length=1, max_length=100), AfterValidator(without_nul)]
Time = Annotated[AwareDatetime, BeforeValidator(_as_rfc_3339), AfterValidator(_in_utc)]
Number = Annotated[StrictFloat, Field(ge=-1e12, le=1e12)]
Scalar = Annotated[bool | float | str, BeforeValidator(_is_scalar)]
Attributes = Annotated[dict[Name, Scalar], Field(max_length=100)]


def _is_zone(value: Any) -> Any:
    if isinstance(value, str) and zone_named(value) is not None:
        return value
    raise ValueError("no time zone has this name; give one such as Europe/Berlin, or leave it out")


class _KnownKeys(BaseModel):
    """What quiet hours read of a context; its other keys mean something only to the catalogue's conditions."""

    timezone: Annotated[Any, BeforeValidator(_is_zone)] = None


def _known_keys_hold(context: dict[str, Any]) -> dict[str, Any]:
    _KnownKeys.model_validate(context)  # pydantic takes its errors over, with their places
    return context


Context = Annotated[Attributes, AfterValidator(_known_keys_hold)]
"""What comes with a question, by key; `timezone` is checked, be there a rule that reads it or not."""

Identifiers = Annotated[
    dict[
        Annotated[StrictStr, Field(pattern="^[a-z][a-z0-9_]{0,39}$")],
        Annotated[StrictStr, Field(min_length=1, max_length=500), AfterValidator(without_nul)],
    ],
    Field(min_length=1, max_length=20),
]
"""Identifiers by their type, `customer_id` included, each as its system writes it."""


def parse_json(body: bytes) -> Any:
    """Read a body as strict JSON.

    Raises
    ------
    ProblemError
        `invalid-json` when it is none, or holds NaN, Infinity, or a number as large.
    """
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise ProblemError(INVALID_JSON, f"the body is not JSON: {error}") from None
    if not _is_finite(value):
        raise ProblemError(INVALID_JSON, "the body has a number beyond 1.8e308; nothing here is as large")
    return value


def _is_finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    if isinstance(value, list):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or isfinite(value)


def as_text(values: Mapping[str, Any]) -> dict[str, str]:
    """Attributes as the text that interactions carry.

    >>> as_text({"age": 41.0, "member": True, "city": "Oslo"})
    {'age': '41', 'member': 'true', 'city': 'Oslo'}
    """
    return {name: _text(value) for name, value in values.items()}


def _text(value: bool | float | str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
