"""The catalogue's tables as checked values; unset means no limit, zero means never."""

from hashlib import sha256
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from features.catalogue.identifiers import KNOWN_TYPES, IdentifierType
from features.domain import NONE, Channel, ContactForm, Kind, Stage, channel_of

MessageClass = Literal["marketing", "service", "transactional"]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]
TouchpointName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z0-9_]+$", max_length=100)]


_INDIRECT = (Channel.SOCIAL, Channel.ADS)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Touchpoint(_Table):
    """One catalogued point of contact, named `channel.moment`."""

    name: TouchpointName
    stage: Stage
    description: str = ""
    owner: str = ""
    message_class: MessageClass = "marketing"
    contact_form: ContactForm | None = Field(None, description="direct or indirect; default: indirect on social media and in ads")
    recommendable: bool = Field(False, description="whether the brand can start it")
    cost: float = Field(0.0, ge=0, description="money per contact")
    prior_uplift: float = Field(
        0.0, ge=-1, le=1, description="expected change in conversion before anything is learnt; breaks ties, starts new ones"
    )

    @property
    def channel(self) -> Channel:
        """The channel, from the name."""
        return Channel(channel_of(self.name))

    @property
    def form(self) -> ContactForm:
        """Where it takes place: at the brand itself, or at somebody else's."""
        return self.contact_form or (ContactForm.INDIRECT if self.channel in _INDIRECT else ContactForm.DIRECT)

    @model_validator(mode="after")
    def _channel_is_known(self) -> Self:
        known = {channel.value for channel in Channel}
        if channel_of(self.name) not in known:
            raise ValueError(f"{self.name!r} must start with one of the channels {', '.join(sorted(known))}")
        return self


class Objective(_Table):
    """What counts as success and what it is worth."""

    conversion: tuple[Kind, ...] = Field((Kind.PURCHASE,), min_length=1, description="kinds of interaction that convert")
    window_days: float = Field(28, gt=0, le=365, description="outcome window after a decision")
    margin: float = Field(0.25, gt=0, le=1, description="share of the value that is profit")
    churn_days: float = Field(56, gt=0, le=730, description="a customer with no conversion for so long has left")
    value_cap: float | None = Field(None, gt=0, description="value in one window above which it is clipped, against outliers")


class Trait(_Table):
    """A customer attribute that becomes a feature."""

    type: Literal["category", "number"]
    categories: tuple[str, ...] = Field((), description="every value of a category, in a meaningful order where there is one")

    @model_validator(mode="after")
    def _categories_fit_the_type(self) -> Self:
        if (self.type == "category") != bool(self.categories):
            raise ValueError("a trait of type 'category' lists its categories; one of type 'number' does not")
        if len(set(self.categories)) != len(self.categories):
            raise ValueError("a category is listed twice")
        return self


class Cap(_Table):
    """At most `limit` contacts in any rolling `days`, for one touchpoint, one channel, one message class, or all."""

    limit: int = Field(ge=0)
    days: float = Field(gt=0, le=730)
    touchpoint: TouchpointName | None = None
    channel: Channel | None = None
    message_class: MessageClass | None = None

    @model_validator(mode="after")
    def _one_scope(self) -> Self:
        if sum(scope is not None for scope in (self.touchpoint, self.channel, self.message_class)) > 1:
            raise ValueError("a cap has one of touchpoint, channel and message_class, or none of them")
        return self

    def covers(self, touchpoint: Touchpoint) -> bool:
        """Whether a contact at that touchpoint counts towards this cap and is limited by it."""
        if self.touchpoint is not None:
            return touchpoint.name == self.touchpoint
        if self.channel is not None:
            return touchpoint.channel == self.channel
        return self.message_class is None or touchpoint.message_class == self.message_class

    @property
    def name(self) -> str:
        """The rule in words, as it stands in decision records."""
        scope = self.touchpoint or self.channel or self.message_class or "any touchpoint"
        return f"at most {self.limit} x {scope} in {self.days:g} days"


class Exploration(_Table):
    """How much the policy tries what does not look best."""

    sharpness: float = Field(2.0, ge=0, description="per unit of money: the higher, the rarer a worse touchpoint; 0 is uniform")
    floor: float = Field(0.02, ge=0, le=0.5, description="least probability of every eligible touchpoint")


class ConsentRule(_Table):
    """What contacts of a purpose, on a channel or on all, need from the customer."""

    purpose: MessageClass
    channel: Channel | None = Field(None, description="default: every channel")
    basis: Literal["opt_in", "opt_out"] = Field(
        description="opt_in: only who granted it; opt_out: all but who denied or withdrew"
    )

    @property
    def name(self) -> str:
        """The rule in words, as it stands in decision records."""
        return f"{self.purpose} on {self.channel or 'any channel'} is {self.basis.replace('_', '-')}"


class Holdout(_Table):
    """Customers whom the brand leaves alone, so that what touchpoints change can be measured."""

    share: float = Field(0.0, ge=0, le=0.5, description="of all customers; 0 is none")
    salt: str = Field("holdout", min_length=1, description="another salt draws another holdout")


class Source(_Table):
    """What is expected of a source of records, by its name in the mapping."""

    retention_days: float | None = Field(None, gt=0, description="older records are deleted; default: kept")
    quiet_hours: float | None = Field(
        None, gt=0, description="nothing for so long raises the alarm; default: learnt from how often records came"
    )


class Catalogue(_Table):
    """Everything the business configures."""

    currency: Currency = "USD"
    rates: dict[Currency, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict, description="what one unit of another currency is worth in the catalogue's"
    )
    phone_region: str = Field("US", pattern="^[A-Z]{2}$", description="of telephone numbers without a country code")
    objective: Objective = Objective()
    exploration: Exploration = Exploration()
    presets: tuple[Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")], ...] = Field(
        (), description="source presets whose touchpoints belong to the catalogue as well"
    )
    touchpoints: tuple[Touchpoint, ...] = Field((), description="at least one, here or by a preset")
    traits: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$", max_length=60)], Trait] = Field(default_factory=dict)
    caps: tuple[Cap, ...] = ()
    identifiers: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$", max_length=40)], IdentifierType] = Field(
        default_factory=dict, description="types of identifiers, beside those that are known anyway, or instead of them"
    )
    consent: tuple[ConsentRule, ...] = Field((), description="default: opt-out for every purpose but transactional")
    holdout: Holdout = Holdout()
    sources: dict[Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$", max_length=60)], Source] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_are_unique_and_caps_point_somewhere(self) -> Self:
        if not self.touchpoints and not self.presets:
            raise ValueError("a catalogue has at least one touchpoint: add [[touchpoints]], or presets")
        names = [touchpoint.name for touchpoint in self.touchpoints]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"touchpoint {name!r} is listed twice")
        for cap in self.caps:
            if cap.touchpoint is not None and cap.touchpoint not in names:
                raise ValueError(f"a cap names {cap.touchpoint!r}, which is no touchpoint of this catalogue")
        for trait in self.traits:
            if trait.endswith("_y"):
                raise ValueError(f"trait {trait!r}: a name ending in '_y' is lost by the feature store; rename it")
        return self

    @property
    def recommendable(self) -> tuple[Touchpoint, ...]:
        """The touchpoints that the brand can start, in catalogue order."""
        return tuple(touchpoint for touchpoint in self.touchpoints if touchpoint.recommendable)

    @property
    def arms(self) -> tuple[str, ...]:
        """What a decision chooses from: `none` first, then the recommendable touchpoints in catalogue order."""
        return (NONE, *(touchpoint.name for touchpoint in self.recommendable))

    @property
    def identifier_types(self) -> dict[str, IdentifierType]:
        """Every type of identifier, strongest first."""
        types = {**KNOWN_TYPES, **self.identifiers}
        return dict(sorted(types.items(), key=lambda item: (item[1].priority, item[0])))

    def touchpoint(self, name: str) -> Touchpoint | None:
        """The touchpoint of that name, or None."""
        return next((touchpoint for touchpoint in self.touchpoints if touchpoint.name == name), None)

    @property
    def version(self) -> str:
        """Twelve hexadecimal digits that change whenever the content does."""
        return sha256(self.model_dump_json().encode()).hexdigest()[:12]
