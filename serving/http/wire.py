"""What callers may send, as checked values: unknown fields are refused, and every field holds what `values` allows."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ModelWrapValidatorHandler, PrivateAttr, StrictBool, model_validator

from features.catalogue.table import MessageClass
from features.domain import LONGEST_ID, Channel, ConsentStatus, ContactForm, Direction, Kind, LinkAction, Metric, Stage
from serving.http.values import Attributes, Context, Id, Identifiers, Name, Number, Scalar, Time

MOST_ITEMS = 1000
MOST_SLOTS = 10


class _Wire(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Happened(_Wire):
    """Something that happened at a time, kept as it was written as well."""

    message_id: Id | None = Field(None, description="unique name of the record; a second one is a duplicate")
    at: Time | None = Field(None, description="when it happened; default: now")
    _at_as_written: str | None = PrivateAttr(None)

    @model_validator(mode="wrap")
    @classmethod
    def _keep_the_time_as_written(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        made = handler(given)
        written = given.get("at") if isinstance(given, Mapping) else None
        if isinstance(written, str):
            made._at_as_written = written
        return made

    @property
    def original_at(self) -> str | None:
        """The time as the sender wrote it."""
        return self._at_as_written


class _OfSomebody(_Wire):
    """Something about a customer, named by customer_id, by identifiers, or by both."""

    customer_id: Id | None = Field(None, description="the customer's id, if it is known")
    identifiers: Identifiers | None = Field(
        None, description='by type, such as {"email": …, "cookie": …, "customer_id": …}; kept as keyed hashes only'
    )

    @model_validator(mode="after")
    def _names_one_customer(self) -> Self:
        if self.customer_id is None and self.identifiers is None:
            raise ValueError("name the customer by customer_id, by identifiers, or by both")
        also = (self.identifiers or {}).get("customer_id")
        if None not in (self.customer_id, also) and self.customer_id != also:
            raise ValueError("customer_id and identifiers.customer_id are not the same; name one customer")
        return self


class OwnInteraction(_Happened):
    """An interaction of the customer that a question is about."""

    customer_id: Id | None = Field(None, description="the question's customer, or nothing")
    identifiers: Identifiers | None = Field(None, description="further ones of the question's customer")
    touchpoint: Name
    kind: Kind
    stage: Stage | None = Field(None, description="default: the touchpoint's stage")
    value: Number | None = Field(None, description="money, in the catalogue's currency")
    metric: Metric | None = None
    score: Number | None = None
    decision_id: Id | None = Field(None, description="the decision that it carries out or answers")
    direction: Direction | None = Field(None, description="who began it; default: by its kind")
    contact_form: ContactForm | None = Field(None, description="default: the touchpoint's")
    sentiment: Annotated[Number, Field(ge=-1, le=1)] | None = Field(None, description="of what the customer said, -1 to 1")
    traits: Attributes = Field(default_factory=dict)
    properties: Attributes = Field(default_factory=dict)


class PostedInteraction(OwnInteraction, _OfSomebody):
    """One exchange with one customer at one touchpoint."""


class PostedOutcome(_Happened):
    """What a customer did in answer to a decision."""

    decision_id: Id
    kind: Kind
    value: Number | None = Field(None, description="money, in the catalogue's currency")


class Customer(_OfSomebody):
    """Whoever these identifiers name."""


class PostedLink(_Happened):
    """What a person says of two identifiers: that they are of one customer, or are not."""

    left: Annotated[Identifiers, Field(max_length=1)] = Field(description='{"customer_id": …} or {type: value}')
    right: Annotated[Identifiers, Field(max_length=1)] = Field(description='{"customer_id": …} or {type: value}')
    action: LinkAction = Field(LinkAction.LINK, description="block: never again, whatever is observed")


class PostedConsent(_Happened, _OfSomebody):
    """What a customer said about being contacted."""

    status: ConsentStatus
    channel: Channel | None = Field(None, description="default: every channel")
    purpose: MessageClass | None = Field(None, description="the message class; default: every one")


class _Asked(_Wire):
    at: Time | None = Field(None, description="decide as of then; default: now")
    candidates: Annotated[tuple[Name, ...], Field(max_length=MOST_ITEMS)] | None = Field(
        None, description="only these touchpoints; default: all that the brand can start"
    )
    exclude: Annotated[tuple[Name, ...], Field(max_length=MOST_ITEMS)] = ()
    limit: Annotated[int, Field(strict=True, ge=1, le=50)] = Field(1, description="how many touchpoints to rank")
    slots: Annotated[int, Field(strict=True, ge=1, le=MOST_SLOTS)] | None = Field(
        None, description="so many touchpoints delivered together, each a decision of its own; default: one, ranked by limit"
    )
    placements: Annotated[tuple[Name, ...], Field(min_length=1, max_length=MOST_SLOTS)] | None = Field(
        None, description="where touchpoints are shown: one for each, in this order"
    )
    context: Context = Field(default_factory=dict, description="kept in the decision record; conditions name context.<key>")
    defer: StrictBool = Field(False, description="count no contact until the decision is activated")
    dry_run: StrictBool = Field(False, description="answer, and keep nothing")

    @model_validator(mode="after")
    def _is_one_kind_of_question(self) -> Self:
        given = self.model_fields_set & {"limit", "slots", "placements"}
        if len(given) > 1:
            raise ValueError(f"{' and '.join(sorted(given))} exclude each other; give one of limit, slots and placements")
        if self.placements is not None and len(set(self.placements)) < len(self.placements):
            raise ValueError("a placement is listed twice; list each once")
        return self


class RecommendRequest(_Asked, _OfSomebody):
    """A question: which touchpoint is best for this customer?"""

    interactions: Annotated[tuple[OwnInteraction, ...], Field(max_length=MOST_ITEMS)] = Field((), description="recorded first")
    decision_id: Id | None = Field(None, description="same id, same answer; default: a new one")

    @model_validator(mode="after")
    def _slots_can_be_named(self) -> Self:
        if (self.slots or self.placements) and self.decision_id is not None and len(self.decision_id) > LONGEST_ID - 3:
            raise ValueError(f"the decision_id of a slate has at most {LONGEST_ID - 3} characters; its slots add some")
        return self

    @model_validator(mode="after")
    def _interactions_are_its_customers(self) -> Self:
        mine = self.customer_id or (self.identifiers or {}).get("customer_id")
        for interaction in self.interactions:
            named = {interaction.customer_id, (interaction.identifiers or {}).get("customer_id")}
            if not named <= {None, mine}:
                raise ValueError("interactions posted with a question are of its customer; leave their customer_id out")
        return self


class RecommendManyRequest(_Asked):
    """The same question about many customers."""

    customers: Annotated[tuple[Id, ...], Field(min_length=1, max_length=MOST_ITEMS)]


class ContactSupposed(_Wire):
    """A contact, or an answer to one, that is supposed to have been."""

    touchpoint: Name
    at: Time
    kind: Kind = Field(Kind.CONTACT, description="contact; or open, click, redemption or purchase, which answer one")


class ConsentSupposed(_Wire):
    """Something that the customer is supposed to have said."""

    status: ConsentStatus
    at: Time | None = Field(None, description="default: at the time of the decision")
    channel: Channel | None = Field(None, description="default: every channel")
    purpose: MessageClass | None = Field(None, description="the message class; default: every one")


class Changes(_Wire):
    """What is supposed to have been otherwise when a decision was taken; what is not named stays as it was."""

    features: Annotated[dict[Name, Scalar | None], Field(max_length=1000)] = Field(
        default_factory=dict, description="by name; null is unknown"
    )
    context: Context = Field(default_factory=dict, description="by key; other keys stay")
    candidates: Annotated[tuple[Name, ...], Field(max_length=MOST_ITEMS)] | None = Field(
        None, description="only these touchpoints, instead of those asked for then"
    )
    exclude: Annotated[tuple[Name, ...], Field(max_length=MOST_ITEMS)] | None = Field(
        None, description="instead of those ruled out then"
    )
    contacts: Annotated[tuple[ContactSupposed, ...], Field(max_length=MOST_ITEMS)] | None = Field(
        None, description="instead of those known then; an empty list is: never contacted"
    )
    consents: Annotated[tuple[ConsentSupposed, ...], Field(max_length=MOST_ITEMS)] | None = Field(
        None, description="instead of what had been said then"
    )
    at: Time | None = Field(None, description="the same decision at another time; features stay as they were")


class ReplayRequest(_Wire):
    """A decision taken again on paper: as it was, or with changes."""

    changes: Changes = Field(default_factory=Changes)
