"""What single things are worth: an identifier by its type, and a pair of them by the facts about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from features.catalogue.identifiers import IdentifierType
from features.domain import LinkAction
from features.identity.names import type_of

Pair = tuple[str, str]
"""Two identifiers, in alphabetical order."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the two of a pair stand after the facts so far.

    Attributes
    ----------
    linked_at : since when they are linked, in microseconds; None when they are kept apart.
    blocked : whether only a person can link them again.
    """

    linked_at: int | None
    blocked: bool = False


def standing_after(before: Standing | None, action: str, *, by_person: bool, at: int) -> Standing:
    """How a pair stands after one more fact; `before` is None when it is the first."""
    blocked = before is not None and before.blocked
    if action != LinkAction.LINK:
        return Standing(None, blocked=blocked or action == LinkAction.BLOCK)
    if blocked and not by_person:
        return Standing(None, blocked=True)
    # To say it again changes nothing, not even since when
    return before if before is not None and before.linked_at is not None else Standing(at)


@dataclass(frozen=True, slots=True)
class Worth:
    """What an identifier proves.

    Attributes
    ----------
    is_customer : whether it is a customer_id: it names one person, and is stronger than everything typed.
    proof, priority, most_customers : as those of its type.
    """

    is_customer: bool
    proof: bool
    priority: int
    most_customers: int


_CUSTOMER = Worth(True, True, 0, 1)


def worth_of(types: Mapping[str, IdentifierType]) -> Callable[[str], Worth]:
    """The function that says what an identifier proves, by its type."""
    typed = {name: Worth(False, each.proof, each.priority, each.most_customers) for name, each in types.items()}

    def worth(identifier: str) -> Worth:
        type_ = type_of(identifier, types)
        return _CUSTOMER if type_ is None else typed[type_]

    return worth
