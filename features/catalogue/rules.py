"""The rules that say whom the brand may contact, where, when and how often; unset means no limit, zero means never."""

from datetime import time
from typing import Literal, Self

from pydantic import Field, model_validator

from features.catalogue.table import CatalogueTable, Clock, MessageClass, TouchpointName, Zone
from features.catalogue.touchpoint import Touchpoint
from features.domain import Channel


class Scoped(CatalogueTable):
    """A rule for one touchpoint, one channel, one message class, or for every contact that is not transactional."""

    touchpoint: TouchpointName | None = None
    channel: Channel | None = None
    message_class: MessageClass | None = None

    @model_validator(mode="after")
    def _one_scope(self) -> Self:
        if sum(scope is not None for scope in (self.touchpoint, self.channel, self.message_class)) > 1:
            raise ValueError("give one of touchpoint, channel and message_class, or none of them")
        return self

    def covers(self, touchpoint: Touchpoint) -> bool:
        """Whether the rule is about a contact there; what is transactional only where the rule names it, or its class."""
        if self.touchpoint is not None:
            return touchpoint.name == self.touchpoint
        if self.message_class is not None:
            return touchpoint.message_class == self.message_class
        if touchpoint.message_class == "transactional":
            return False
        return self.channel is None or touchpoint.channel == self.channel

    @property
    def scope(self) -> str:
        """What it covers, in words."""
        return self.touchpoint or self.channel or self.message_class or "any touchpoint"


class Cap(Scoped):
    """At most `limit` contacts in any rolling `days`, for what it covers."""

    limit: int = Field(ge=0)
    days: float = Field(gt=0, le=730)

    @property
    def name(self) -> str:
        """The rule in words, as it stands in decision records."""
        return f"at most {self.limit} x {self.scope} in {self.days:g} days"


class Cooldown(Scoped):
    """After a contact at what `after` names, a pause for what the rule covers."""

    hours: float = Field(gt=0, le=17520)
    after: str | None = Field(None, description="a touchpoint, a channel or a message class; default: what the rule covers")

    @property
    def trigger(self) -> Scoped:
        """The contacts after which it pauses."""
        if self.after is None:
            return self
        if "." in self.after:
            return Scoped(touchpoint=self.after)
        by_channel = self.after in {channel.value for channel in Channel}
        return Scoped.model_validate({"channel" if by_channel else "message_class": self.after})

    @property
    def name(self) -> str:
        """The rule in words."""
        return f"no {self.scope} for {self.hours:g} hours after {self.after or self.scope}"


class Suppression(Scoped):
    """After so many contacts in a row that nobody answered, a pause."""

    ignored: int = Field(ge=1, description="contacts since the last open, click, redemption or purchase there")
    within_days: float = Field(60, gt=0, le=730, description="older contacts do not count")
    days: float = Field(30, gt=0, le=730, description="how long the pause lasts after the last of them")

    @property
    def name(self) -> str:
        """The rule in words."""
        return f"no {self.scope} for {self.days:g} days after {self.ignored} ignored in {self.within_days:g} days"


class QuietHours(Scoped):
    """No contact at what the rule covers between two times of the customer's own day."""

    start: Clock
    end: Clock = Field(description="earlier than start: of the next day")
    zone: Zone = Field("UTC", description="of customers whose own zone is not known")
    trait: str | None = Field(None, description="the trait that names the customer's own zone; context.timezone goes before it")

    @model_validator(mode="after")
    def _two_times(self) -> Self:
        if self.start == self.end:
            raise ValueError(
                f"quiet hours from {self.start:%H:%M} to the same time; give two times, or a cap with limit 0 for never"
            )
        return self

    @property
    def name(self) -> str:
        """The rule in words."""
        return f"no {self.scope} between {self.start:%H:%M} and {self.end:%H:%M}"


class Exclusion(CatalogueTable):
    """Touchpoints of which a customer gets one only: a contact at one rules out the others for a while."""

    touchpoints: tuple[TouchpointName, ...] = Field(min_length=2)
    days: float = Field(gt=0, le=730)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len(set(self.touchpoints)) != len(self.touchpoints):
            raise ValueError("an exclusion lists each of its touchpoints once; the same one again is left to caps")
        return self

    @property
    def name(self) -> str:
        """The rule in words."""
        return f"one of {', '.join(self.touchpoints)} in {self.days:g} days"


class Budget(Scoped):
    """What all contacts of a day at what the rule covers may cost or number together."""

    money: float | None = Field(None, ge=0, description="sum of the costs of these contacts; give this or contacts")
    contacts: int | None = Field(None, ge=0, description="their number: a capacity, as of advisers who make calls")
    paced: bool = Field(True, description="spread over the hours between start and end, instead of first come, first served")
    start: Clock = Field(time(0, 0), description="when the day's pace begins")
    end: Clock | None = Field(None, description="when it ends; default: midnight")
    zone: Zone = "UTC"

    @model_validator(mode="after")
    def _one_limit_and_hours_in_order(self) -> Self:
        if (self.money is None) == (self.contacts is None):
            raise ValueError("a budget has either money or contacts")
        if self.end is not None and self.end <= self.start:
            raise ValueError("a budget's end is later on the same day than its start")
        if not self.paced and (self.start != time(0, 0) or self.end is not None):
            raise ValueError("start and end are of a paced budget; leave them out, or paced = false")
        return self

    @property
    def limit(self) -> float:
        """Money, or a number of contacts."""
        return float(self.contacts or 0) if self.money is None else self.money

    @property
    def name(self) -> str:
        """The rule in words."""
        limit = f"{self.money:.12g} money" if self.money is not None else f"{self.contacts} contacts"
        return f"{limit} a day for {self.scope}"


class Condition(Scoped):
    """Something that must be so of the customer before a contact at what the rule covers.

    `value` names a feature, a trait, or what came with the question as `context.<key>`; exactly one comparison is given.
    """

    stage: Literal["eligible", "applicable", "suitable"] = Field(
        "eligible", description="may the customer have it by any rule; does it make sense now; is it right for this customer"
    )
    value: str = Field(min_length=1, max_length=120, description="a feature, trait.<name>, or context.<key>")
    equals: float | str | None = None
    one_of: tuple[float | str, ...] | None = None
    at_least: float | None = None
    at_most: float | None = None
    unknown: Literal["allow", "forbid"] = Field("forbid", description="what holds where the value is not known")
    reason: str = Field("", description="the rule in words; default: made from it")

    @model_validator(mode="after")
    def _one_comparison(self) -> Self:
        ranges = self.at_least is not None or self.at_most is not None
        if ranges + (self.equals is not None) + (self.one_of is not None) != 1:
            raise ValueError("a condition has one of equals, one_of, or at_least and at_most")
        if self.one_of == ():
            raise ValueError("one_of lists at least one value; for never, use a cap with limit 0")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(f"nothing is at least {self.at_least:g} and at most {self.at_most:g}; swap them")
        return self

    @property
    def name(self) -> str:
        """The rule in words."""
        return self.reason or f"{self.value} {self._comparison}"

    @property
    def _comparison(self) -> str:
        if self.one_of is not None:
            return f"must be one of {', '.join(map(str, self.one_of))}"
        if self.equals is not None:
            return f"must be {self.equals}"
        bounds = (("at least", self.at_least), ("at most", self.at_most))
        return "must be " + " and ".join(f"{words} {bound:g}" for words, bound in bounds if bound is not None)


class Reach(CatalogueTable):
    """What a channel needs of a customer to reach them."""

    needs: tuple[str, ...] = Field((), description="types of identifiers of which the customer must have one; default: none")


class Lever(Scoped):
    """A weight that the business puts on what touchpoints are worth; it stands in every record, beside the value itself."""

    weight: float = Field(gt=0, le=100, description="above 1 favours, below 1 holds back")
    reason: str = ""


class ConsentRule(CatalogueTable):
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
