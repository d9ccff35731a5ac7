"""The three kinds of section of a source mapping, each of which makes one kind of record out of a row."""

import re
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from features.capture.fields import Filter, NumberField, Part, TextField, TimeField
from features.domain import NONE, Kind, Metric, Stage

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


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

    def columns(self) -> Iterator[tuple[str, str]]:
        """Every column that it reads, with the key that does."""
        yield from (("where", each.column) for each in self.where)
        yield from ((key, column) for key, field in self.fields() for column in field.columns)


class InteractionSection(Section):
    """Rows that are interactions."""

    customer_id: TextField
    touchpoint: TextField = Field(description="a touchpoint of the catalogue")
    kind: TextField = Field(description=f"one of {', '.join(Kind)}")
    message_id: TextField | None = Field(
        None, description="unique within the source; default: a hash of the row, which changes if the row does"
    )
    stage: TextField | None = Field(None, description="default: the touchpoint's")
    value: NumberField | None = Field(None, description="money, in the catalogue's currency")
    metric: TextField | None = Field(None, description=f"a satisfaction scale: {', '.join(Metric)}")
    score: NumberField | None = Field(None, description="the rating on that scale")
    decision_id: TextField | None = Field(
        None, description="the decision that it carries out or answers, as [[decisions]] names it"
    )
    traits: dict[str, TextField] = Field({}, description="customer attributes by their names in the catalogue; for kind profile")
    properties: dict[str, TextField] | Literal["*"] = Field({}, description='columns to keep with the record; "*" keeps all')

    @field_validator("properties", mode="before")
    @classmethod
    def _listed_columns_keep_their_names(cls, given: object) -> object:
        return {column: column for column in given} if isinstance(given, list) else given

    @model_validator(mode="after")
    def _values_are_of_the_domain(self) -> Self:
        if (self.metric is None) != (self.score is None):
            raise ValueError("a rating has both metric and score")
        _require(self.kind, Kind, "kind")
        _require(self.metric, Metric, "metric")
        _require(self.stage, Stage, "stage")
        return self


class DecisionSection(Section):
    """Rows that say which touchpoint was chosen for a customer, elsewhere."""

    customer_id: TextField
    touchpoint: TextField = Field(description="what was chosen: a touchpoint of the catalogue, or none")
    decision_id: TextField | None = Field(
        None, description="used as it is, so that outcomes of any source can name it; default: a hash"
    )
    wave: TextField | None = Field(None, description="the send it belonged to: customers known then and not in it got none")
    probability: NumberField | None = Field(
        None, description="P(the sender chose it); left out, it is unknown and will be estimated"
    )
    candidates: tuple[str, ...] | None = Field(
        None, description="what could be chosen; default: what its wave, or else its source, sent"
    )

    @model_validator(mode="after")
    def _nothing_is_a_candidate(self) -> Self:
        if self.candidates is not None and (NONE not in self.candidates or len(set(self.candidates)) < len(self.candidates)):
            raise ValueError(f"candidates lists what could be chosen, each once, {NONE!r} included")
        return self


class OutcomeSection(Section):
    """Rows that say what a customer did in answer to a decision."""

    decision_id: TextField = Field(description="as [[decisions]] names it, in this mapping or another, or as the service did")
    kind: TextField = Field(description=f"one of {', '.join(Kind)}")
    value: NumberField | None = Field(None, description="money, in the catalogue's currency")
    message_id: TextField | None = Field(
        None, description="unique within the source; default: a hash of the row, which changes if the row does"
    )

    @model_validator(mode="after")
    def _kind_is_of_the_domain(self) -> Self:
        _require(self.kind, Kind, "kind")
        return self


def _require(field: TextField | None, values: type[StrEnum], key: str) -> None:
    for value in () if field is None else field.fixed_values:
        if value not in set(values):
            raise ValueError(f"{key}: {value!r} is not one of {', '.join(values)}")
