"""Who is in the holdout: a customer whom the brand leaves alone, drawn by a salted hash and therefore always the same ones."""

from collections.abc import Iterable, Mapping
from hashlib import sha256

from features.catalogue.identifiers import KNOWN_TYPES, IdentifierType
from features.catalogue.model import Holdout
from features.identity.names import type_of


def in_holdout(identifiers: Iterable[str], holdout: Holdout, types: Mapping[str, IdentifierType] = KNOWN_TYPES) -> bool:
    """Whether the hash of any of a customer's customer_ids falls into the holdout's share; of the anonymous, of any identifier.

    So nobody leaves the holdout by a merge of customer_ids. Devices and cookies do not count once there is a customer_id: they
    come and go, and each would be one more chance to be held out.
    """
    every = list(identifiers)
    persons = [identifier for identifier in every if type_of(identifier, types) is None]
    return any(_draw(identifier, holdout.salt) < holdout.share for identifier in persons or every)


def _draw(identifier: str, salt: str) -> float:
    """Uniform on [0, 1), fixed by identifier and salt."""
    digest = sha256(f"{salt}\0{identifier}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48
