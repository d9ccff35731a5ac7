"""The kinds of section of a source mapping, each of which makes one kind of record out of a row."""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from features.capture.fields import IdentifierField, NumberField, TextField
from features.capture.section import IdentifierType, Personal, Section, require_values
from features.catalogue.table import MessageClass
from features.domain import NONE, Channel, ConsentStatus, ContactForm, Direction, Kind, LinkAction, Metric, Stage

PURPOSES: tuple[str, ...] = get_args(MessageClass)


class InteractionSection(Personal):
    """Rows that are interactions."""

    touchpoint: TextField = Field(description="a touchpoint of the catalogue, or unknown.unknown")
    kind: TextField = Field(description=f"one of {', '.join(Kind)}")
    message_id: TextField | None = Field(
        None, description="unique within the source; default: a hash of the row, which changes if the row does"
    )
    stage: TextField | None = Field(None, description="default: the touchpoint's")
    value: NumberField | None = Field(None, description="money, in the catalogue's currency unless `currency` names another")
    currency: TextField | None = Field(None, description="of the value, such as EUR; converted by the catalogue's rates")
    metric: TextField | None = Field(None, description=f"a satisfaction scale: {', '.join(Metric)}")
    score: NumberField | None = Field(None, description="the rating on that scale")
    text: TextField | None = Field(None, description="what the customer wrote, in English: only its sentiment is kept")
    sentiment: NumberField | None = Field(None, description="-1 to 1, where the source knows it; counts before that of the text")
    direction: TextField | None = Field(None, description="inbound or outbound; default: outbound for contacts, else inbound")
    contact_form: TextField | None = Field(None, description="direct or indirect; default: the touchpoint's")
    decision_id: TextField | None = Field(
        None, description="the decision that it carries out or answers, as [[decisions]] names it"
    )
    traits: dict[str, TextField] = Field({}, description="customer attributes by their names in the catalogue; for kind profile")
    properties: dict[str, TextField] | Literal["*"] = Field(
        {}, description='columns to keep with the record; "*" keeps all but identifiers and text'
    )

    @field_validator("properties", mode="before")
    @classmethod
    def _listed_columns_keep_their_names(cls, given: object) -> object:
        return {column: column for column in given} if isinstance(given, list) else given

    @model_validator(mode="after")
    def _values_are_of_the_domain(self) -> Self:
        if (self.metric is None) != (self.score is None):
            raise ValueError("a rating has both metric and score")
        if self.currency is not None and self.value is None:
            raise ValueError("a currency belongs to a value; give both")
        require_values(self.kind, Kind, "kind")
        require_values(self.metric, Metric, "metric")
        require_values(self.stage, Stage, "stage")
        require_values(self.direction, Direction, "direction")
        require_values(self.contact_form, ContactForm, "contact_form")
        return self


class DecisionSection(Personal):
    """Rows that say which touchpoint was chosen for a customer, elsewhere."""

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
        require_values(self.kind, Kind, "kind")
        return self


class ConsentSection(Personal):
    """Rows that say what a customer said about being contacted."""

    status: TextField = Field(description=f"one of {', '.join(ConsentStatus)}")
    channel: TextField | None = Field(None, description="default: every channel")
    purpose: TextField | None = Field(
        None, description="a message class: marketing, service or transactional; default: every one"
    )
    message_id: TextField | None = Field(
        None, description="unique within the source; default: a hash of the row, which changes if the row does"
    )

    @model_validator(mode="after")
    def _values_are_of_the_domain(self) -> Self:
        require_values(self.status, ConsentStatus, "status")
        require_values(self.channel, Channel, "channel")
        for value in () if self.purpose is None else self.purpose.fixed_values:
            if value not in PURPOSES:
                raise ValueError(f"purpose: {value!r} is not one of {', '.join(PURPOSES)}")
        return self


Party = Annotated[dict[IdentifierType, IdentifierField], Field(min_length=1, max_length=1)]


class LinkSection(Section):
    """Rows that say whether two identifiers are of one person."""

    left: Party = Field(description='one identifier, as in `{customer_id = "user"}` or `{cookie = "anonymous_id"}`')
    right: Party = Field(description="the other one")
    action: TextField = Field(TextField(constant=LinkAction.LINK), description=f"one of {', '.join(LinkAction)}; default: link")

    @model_validator(mode="after")
    def _action_is_of_the_domain(self) -> Self:
        require_values(self.action, LinkAction, "action")
        return self
