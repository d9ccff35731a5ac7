"""Identifiers: how an e-mail address, a cookie or a card becomes `type:digest`, and which of them a record is captured under.

The digest is keyed (HMAC-SHA256), so that who has the data but not the key cannot find out whose it is by trying addresses.

To change the key, put the new one into `identifier_key` and the old one into `identifier_key_before`. From then on a record is
captured under the name by the new key, and the name by the old key stands among its other identifiers (`Names.both`): that
is a link like any other, and so everybody keeps their history from their first new observation on. The old
key can go when nobody is left who has not been observed since.
"""

import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from features.catalogue.identifiers import KNOWN_TYPES, IdentifierType
from features.domain import Interaction, Link, LinkAction
from features.errors import IdentifierError
from features.identity.notations import is_nobody, normalized

_TYPED = re.compile(r"([a-z][a-z0-9_]*):[0-9a-f]{32}")
_DIGEST_CHARACTERS = 32
_SEPARATOR = "\x1f"  # the ASCII unit separator, in no name; DuckDB writes the same as concat_ws(chr(31), …)


class Names:
    """Makes identifiers, under the key in force.

    Parameters
    ----------
    key : the secret.
    types : the types of identifiers there are.
    region : ISO 3166 country of telephone numbers that are written without one.
    key_before : the secret before the last change of it.
    """

    def __init__(self, key: bytes, types: Mapping[str, IdentifierType], *, region: str, key_before: bytes | None = None) -> None:
        self._key, self._key_before = key, key_before
        self._region = region
        self.types = types

    @property
    def rotated(self) -> bool:
        """Whether there is a key before the one in force."""
        return self._key_before is not None

    def name(self, type_: str, value: str) -> str:
        """The identifier of that type and value.

        Raises
        ------
        IdentifierError
            When there is no such type, or the value stands for nobody or is not, say, an e-mail address.
        """
        return _name(self._key, type_, self._normalized(type_, value))

    def before(self, type_: str, value: str) -> str | None:
        """The identifier under the key before the last change; None when there is none.

        Raises
        ------
        IdentifierError
            As `name`.
        """
        return None if self._key_before is None else _name(self._key_before, type_, self._normalized(type_, value))

    def both(self, type_: str, value: str) -> tuple[str, ...]:
        """The identifier, and behind it the one under the key before where there is such a key.

        Raises
        ------
        IdentifierError
            As `name`.
        """
        text = self._normalized(type_, value)
        return tuple(_name(key, type_, text) for key in (self._key, self._key_before) if key is not None)

    def names_of(self, type_: str, values: Sequence[str | None]) -> list[str | None]:
        """The identifier of each value, None for those that `name` refuses; meant for the distinct values of a column.

        Raises
        ------
        IdentifierError
            When there is no such type.
        """
        return self._names_under(self._key, type_, values)

    def before_of(self, type_: str, values: Sequence[str | None]) -> list[str | None]:
        """`names_of` under the key before the last change; all None when there is none.

        Raises
        ------
        IdentifierError
            When there is no such type.
        """
        return [None] * len(values) if self._key_before is None else self._names_under(self._key_before, type_, values)

    def tombstones_of(self, name: str) -> tuple[str, ...]:
        """The digests under which the journal may have buried a name: by the key in force, and by the one before."""
        keys = [key for key in (self._key, self._key_before) if key is not None]
        return tuple(hmac.digest(key, name.encode("utf-8", "surrogatepass"), "sha256").hex() for key in keys)

    def owner(self, customer_id: str | None, identifiers: Sequence[str]) -> str:
        """What a record is captured under; see `owner`."""
        return owner(customer_id, identifiers, self.types)

    def _names_under(self, key: bytes, type_: str, values: Sequence[str | None]) -> list[str | None]:
        rule, region = self._type(type_).normalize, self._region

        def one(value: str | None) -> str | None:
            if value is None or is_nobody(value.strip()):
                return None
            try:
                return _name(key, type_, normalized(value, rule, region=region))
            except IdentifierError:
                return None

        return [one(value) for value in values]

    def _normalized(self, type_: str, value: str) -> str:
        rule = self._type(type_).normalize
        try:
            return normalized(value, rule, region=self._region)
        except IdentifierError as error:
            raise IdentifierError(f"identifier {type_}: {error}") from None

    def _type(self, type_: str) -> IdentifierType:
        if type_ not in self.types:
            known = ", ".join(self.types)
            raise IdentifierError(f"identifier type {type_!r} is none of {known}; add it to the catalogue under [identifiers]")
        return self.types[type_]


def type_of(identifier: str, types: Mapping[str, IdentifierType]) -> str | None:
    """The type of an identifier; None when it is a customer_id.

    >>> type_of("cookie:" + 32 * "0", KNOWN_TYPES), type_of("cookie:1", KNOWN_TYPES)
    ('cookie', None)
    """
    match = _TYPED.fullmatch(identifier)
    return match[1] if match is not None and match[1] in types else None


def owner(customer_id: str | None, identifiers: Sequence[str], types: Mapping[str, IdentifierType] = KNOWN_TYPES) -> str:
    """What a record is captured under: its customer_id, else the strongest of its identifiers, among equals the first.

    Proof is stronger than evidence, then the smaller priority is.

    Raises
    ------
    IdentifierError
        When there is neither.
    """
    if customer_id is not None:
        return customer_id
    if not identifiers:
        raise IdentifierError("neither a customer_id nor an identifier; give one of them")

    def strength(identifier: str) -> tuple[bool, int]:
        type_ = type_of(identifier, types)
        return (False, 0) if type_ is None else (not types[type_].proof, types[type_].priority)

    return min(identifiers, key=strength)


def links_of(interaction: Interaction) -> list[Link]:
    """What an interaction proves: who it was captured under is whom each of its other identifiers names."""
    each = dict.fromkeys(interaction.identifiers)
    return [_observed(interaction, other) for other in each if other != interaction.customer_id]


def link_of(
    one: str, other: str, action: LinkAction, *, at: datetime, received_at: datetime, source: str, message_id: str
) -> Link:
    """A fact about two identifiers, in whichever order they are given, named after what it says and the record that says it."""
    left, right = sorted((one, other))
    link_id = sha256(_SEPARATOR.join((left, right, action, source, message_id)).encode()).hexdigest()
    return Link(link_id=link_id, left=left, right=right, action=action, at=at, received_at=received_at, source=source)


def _observed(interaction: Interaction, other: str) -> Link:
    return link_of(
        interaction.customer_id,
        other,
        LinkAction.LINK,
        at=interaction.at,
        received_at=interaction.received_at,
        source=interaction.source,
        message_id=interaction.message_id,
    )


def _name(key: bytes, type_: str, text: str) -> str:
    digest = hmac.digest(key, f"{type_}:{text}".encode("utf-8", "surrogatepass"), "sha256").hex()
    return f"{type_}:{digest[:_DIGEST_CHARACTERS]}"
