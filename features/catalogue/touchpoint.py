"""A catalogued point of contact."""

from typing import Self

from pydantic import Field, model_validator

from features.catalogue.table import CatalogueTable, MessageClass, TouchpointName, Word
from features.domain import Channel, ContactForm, Stage, channel_of

_INDIRECT = (Channel.SOCIAL, Channel.ADS)


class Touchpoint(CatalogueTable):
    """One catalogued point of contact, named `channel.moment`."""

    name: TouchpointName
    stage: Stage
    description: str = ""
    owner: str = ""
    message_class: MessageClass = "marketing"
    contact_form: ContactForm | None = Field(None, description="direct or indirect; default: indirect on social media and in ads")
    recommendable: bool = Field(False, description="whether the brand can start it")
    cost: float = Field(0.0, ge=0, description="money per contact")
    incentive: float = Field(
        0.0, ge=0, description="money given with every conversion after a contact, such as a coupon; sure buyers take it too"
    )
    discount: float = Field(0.0, ge=0, le=1, description="share of the value given with every conversion after a contact")
    prior_uplift: float = Field(
        0.0, ge=-1, le=1, description="expected change in conversion before anything is learnt; breaks ties, starts new ones"
    )
    prior_churn: float = Field(0.0, ge=-1, le=1, description="expected change in P(the customer leaves), likewise")
    prior_unsubscribe: float = Field(0.0, ge=0, le=1, description="expected P(the contact makes the customer unsubscribe)")
    mandatory: bool = Field(False, description="goes before all that is not, whenever it is eligible")
    placements: tuple[Word, ...] = Field((), description="where it can be shown; default: anywhere")

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
