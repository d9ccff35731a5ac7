"""The types of identifiers by which customers are known, and what each of them proves."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class IdentifierType(BaseModel):
    """What an identifier of this type is worth.

    Attributes
    ----------
    most_customers : known by more customer_ids than that it is shared, as the device of a family is, and links nobody.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    priority: int = Field(50, ge=1, le=100, description="the smaller, the stronger; the strongest names who has no customer_id")
    proof: bool = Field(True, description="false: evidence only; it is kept, and links nobody")
    most_customers: int = Field(1, ge=1, description="customer_ids that may share one before it links nobody")
    normalize: Literal["email", "phone", "lower", "exact"] = Field("exact", description="how two notations become one")


KNOWN_TYPES: Mapping[str, IdentifierType] = MappingProxyType(
    {
        "account": IdentifierType(priority=10),
        "crm": IdentifierType(priority=10),
        "loyalty_card": IdentifierType(priority=20),
        "email": IdentifierType(priority=30, normalize="email"),
        "phone": IdentifierType(priority=35, normalize="phone"),
        "social": IdentifierType(priority=40, normalize="lower"),
        "app": IdentifierType(priority=50),
        "device": IdentifierType(priority=60, normalize="lower"),
        "advertising": IdentifierType(priority=65, normalize="lower"),
        "cookie": IdentifierType(priority=70),
        "ip": IdentifierType(priority=90, proof=False),
        "address": IdentifierType(priority=90, proof=False, normalize="lower"),
    }
)
"""What is known without a catalogue saying so."""
