"""The door at which identifiers are hashed: further in, no e-mail address, cookie or telephone number is known in clear."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from features.domain import LONGEST_ID, NOBODY
from features.errors import IdentifierError, RequestError
from features.identity import Names, type_of

CUSTOMER_ID = "customer_id"
WITHHELD = "(withheld)"
"""Stands where an identifier is not kept."""

_HOLD_IDENTIFIERS = ("identifiers", "left", "right")
_IN_CLEAR = re.compile(r"@|\d{4}")
"""What an e-mail address or a telephone number has, and few customer_ids with a `=` in them do."""

_ADDRESS = re.compile(r"[^\s@\"'<>,;:=/]+@[^\s@\"'<>,;:=/]+\.[^\s@\"'<>,;:=/]+")


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a caller names.

    Attributes
    ----------
    customer_id : what an interaction of theirs is captured under: the customer_id, or the strongest identifier.
    identifiers : the others, strongest first; behind them those under the key before, where the key was changed.
    said : what the caller named, by type, as it is kept.
    """

    customer_id: str
    identifiers: tuple[str, ...] = ()
    said: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, the one captured under first."""
        return (self.customer_id, *self.identifiers)


class Door:
    """Turns identifiers as their systems write them into the names that the project keeps.

    Attributes
    ----------
    names : what makes them.
    """

    def __init__(self, names: Names) -> None:
        self.names = names
        self._types = names.types

    def person(self, customer_id: str | None, identifiers: Mapping[str, str] | None, *, field: str = "") -> Person:
        """The person of a checked body; at least one of the two names somebody.

        An identifier that is hashed already, as an answer's customer_id can be, is taken as it is.

        Raises
        ------
        RequestError
            When a type is not in the catalogue, or a value is not what its type has: the message does not repeat it.
        """
        given = dict(identifiers or {})
        inside = given.pop(CUSTOMER_ID, None)
        customer_id = customer_id or inside
        if customer_id is not None:
            _check_is_somebody(customer_id, f"{field}/{CUSTOMER_ID}")
        named = {type_: self._both(type_, given[type_], f"{field}/identifiers/{type_}") for type_ in self._known(given, field)}
        said = {type_: both[0] for type_, both in named.items()}
        owner = self.names.owner(customer_id, list(said.values()))
        before = [name for both in named.values() for name in both[1:]]
        others = dict.fromkeys(name for name in (*said.values(), *before) if name != owner)
        return Person(owner, tuple(others), said if customer_id is None else {CUSTOMER_ID: customer_id, **said})

    def names_of(self, text: str) -> tuple[str, ...]:
        """The names that a path gives: a customer_id or hashed identifier as it is, a type and value such as `email=…` hashed.

        Raises
        ------
        RequestError
            When the value is not what its type has, or is an address or a number of no type there is.
        """
        type_, given, value = text.partition("=")
        if given and type_ not in self._types and _IN_CLEAR.search(value):
            self._known({type_: value}, "/customer_id")  # a misspelt type must not make a customer_id of an address in clear
        return self._both(type_, value, "/customer_id") if given and type_ in self._types else (text,)

    def is_proof(self, name: str) -> bool:
        """Whether a name says who somebody is; evidence, such as an IP address, does not."""
        type_ = type_of(name, self._types)
        return type_ is None or self._types[type_].proof

    def redacted(self, value: Any) -> Any:
        """A refused body without identifiers in clear: hashed where they can be, else withheld; all else stays."""
        if isinstance(value, dict):
            return {without_addresses(str(key)): self._redacted_member(str(key), each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.redacted(each) for each in value]
        return without_addresses(value) if isinstance(value, str) else value

    def _redacted_member(self, key: str, value: Any) -> Any:
        if key in _HOLD_IDENTIFIERS and isinstance(value, dict):
            known = {*self._types, CUSTOMER_ID}
            return {
                str(type_): self._redacted_member(str(type_), each) if type_ in known else WITHHELD
                for type_, each in value.items()
            }
        if key not in self._types or isinstance(value, dict | list) or value is None:
            return self.redacted(value)
        try:
            return self._both(key, str(value), "")[0]
        except RequestError:
            return WITHHELD

    def _known(self, given: Mapping[str, str], field: str) -> list[str]:
        for type_ in given:
            if type_ not in self._types:
                where = f"{field}/identifiers/{type_}"
                known = ", ".join([CUSTOMER_ID, *self._types])
                raise RequestError(f"{where}: {type_!r} is no type of identifier here; give some of {known}", field=where)
        return sorted(given, key=lambda type_: (not self._types[type_].proof, self._types[type_].priority, type_))

    def _both(self, type_: str, value: str, where: str) -> tuple[str, ...]:
        if type_of(value, self._types) == type_:
            return (value,)
        try:
            return self.names.both(type_, value)
        except IdentifierError:
            rule = self._types[type_].normalize
            message = f"the value names nobody, or is not of type {type_!r} (normalize = {rule!r}); correct it, or leave it out"
            raise RequestError(f"{where}: {message}", field=where) from None


def without_addresses(text: str) -> str:
    """A text that is kept, without the e-mail addresses in it.

    >>> without_addresses("write to ada@example.com, please")
    'write to (withheld), please'
    """
    return _ADDRESS.sub(WITHHELD, text) if "@" in text else text


def without_addresses_in(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """What a caller adds to a record, without e-mail addresses in its names and texts."""
    found = attributes.items()
    return {without_addresses(name): without_addresses(value) if isinstance(value, str) else value for name, value in found}


def _check_is_somebody(customer_id: str, where: str) -> None:
    if customer_id.lower() in NOBODY:
        raise RequestError(f"{where}: {customer_id!r} stands for nobody; leave such records out", field=where)
    if len(customer_id) > LONGEST_ID:
        raise RequestError(f"{where}: a customer_id has at most {LONGEST_ID} characters", field=where)
