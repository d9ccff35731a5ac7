"""What callers may send, as checked values: unknown fields, NaN, text with NUL and times without a zone are refused."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictStr,
    model_validator,
)
from pydantic_core import from_json

from features.domain import LONGEST_ID, Kind, Metric, Stage
from serving.problems import INVALID_JSON, ProblemError

MOST_ITEMS = 1000
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


def _only_customer_id(identifiers: Any) -> Any:
    if isinstance(identifiers, dict) and set(identifiers) != {"customer_id"}:
        raise ValueError("only the identifier customer_id is resolved so far; give that one, and no other")
    return identifiers


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class OwnInteraction(_Wire):
    """An interaction of the customer that a question is about."""

    message_id: Id | None = Field(None, description="unique name of the record; a second one is a duplicate")
    customer_id: Id | None = Field(None, description="the question's customer, or nothing")
    touchpoint: Name
    kind: Kind
    at: Time | None = Field(None, description="when it happened; default: now")
    stage: Stage | None = Field(None, description="default: the touchpoint's stage")
    value: Number | None = Field(None, description="money, in the catalogue's currency")
    metric: Metric | None = None
    score: Number | None = None
    decision_id: Id | None = Field(None, description="the decision that it carries out or answers")
    traits: Attributes = Field(default_factory=dict)
    properties: Attributes = Field(default_factory=dict)


class PostedInteraction(OwnInteraction):
    """One exchange with one customer at one touchpoint."""

    customer_id: Id


class PostedOutcome(_Wire):
    """What a customer did in answer to a decision."""

    message_id: Id | None = Field(None, description="unique name of the record; a second one is a duplicate")
    decision_id: Id
    kind: Kind
    at: Time | None = Field(None, description="when it happened; default: now")
    value: Number | None = Field(None, description="money, in the catalogue's currency")


class _Asked(_Wire):
    at: Time | None = Field(None, description="decide as of then; default: now")
    candidates: Annotated[tuple[Name, ...], Field(max_length=MOST_ITEMS)] | None = Field(
        None, description="only these touchpoints; default: all that the brand can start"
    )
    exclude: Annotated[tuple[Name, ...], Field(max_length=MOST_ITEMS)] = ()
    limit: Annotated[int, Field(strict=True, ge=1, le=50)] = Field(1, description="how many touchpoints to rank")
    context: Attributes = Field(default_factory=dict, description="kept in the decision record")
    dry_run: StrictBool = Field(False, description="answer, and keep nothing")


class RecommendRequest(_Asked):
    """A question: which touchpoint is best for this customer?"""

    customer_id: Id | None = None
    identifiers: Annotated[dict[Name, Id], BeforeValidator(_only_customer_id)] | None = Field(
        None, description='so far only {"customer_id": …}; other identifiers are not resolved yet'
    )
    interactions: Annotated[tuple[OwnInteraction, ...], Field(max_length=MOST_ITEMS)] = Field((), description="recorded first")
    decision_id: Id | None = Field(None, description="same id, same answer; default: a new one")

    @model_validator(mode="after")
    def _names_one_customer(self) -> Self:
        if (self.customer_id is None) == (self.identifiers is None):
            raise ValueError("name the customer by one of customer_id and identifiers")
        for interaction in self.interactions:
            if interaction.customer_id not in (None, self.customer):
                raise ValueError("interactions posted with a question are of its customer; leave their customer_id out")
        return self

    @property
    def customer(self) -> str:
        """The customer's id, however it was given."""
        return self.customer_id or (self.identifiers or {})["customer_id"]


class RecommendManyRequest(_Asked):
    """The same question about many customers."""

    customers: Annotated[tuple[Id, ...], Field(min_length=1, max_length=MOST_ITEMS)]


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
