"""Identifiers are hashed at the door; what is refused says so without repeating them."""

import re
from typing import Any

import pytest

from features.catalogue.identifiers import KNOWN_TYPES
from features.errors import RequestError
from features.identity import Names
from serving.door import WITHHELD, Door, without_addresses_in

NAMES = Names(b"k" * 32, KNOWN_TYPES, region="US")
DOOR = Door(NAMES)


def test_a_person_is_captured_under_the_customer_id_else_under_the_strongest_identifier() -> None:
    both = {"cookie": "c1", "email": "Ann@Example.org"}
    email, cookie = NAMES.name("email", "ann@example.org"), NAMES.name("cookie", "c1")
    assert DOOR.person(None, both).names == (email, cookie)
    assert DOOR.person("ann", both).names == ("ann", email, cookie)
    assert DOOR.person(None, {**both, "customer_id": "ann"}).names == ("ann", email, cookie)


def test_evidence_is_weaker_than_any_proof() -> None:
    person = DOOR.person(None, {"ip": "10.0.0.1", "cookie": "c1"})
    assert [name.partition(":")[0] for name in person.names] == ["cookie", "ip"]
    assert [DOOR.is_proof(name) for name in person.names] == [True, False]


def test_an_identifier_that_is_hashed_already_is_taken_as_it_is() -> None:
    email = NAMES.name("email", "ann@example.org")
    assert DOOR.person(None, {"email": email}).customer_id == email
    assert DOOR.names_of(email) == (email,)
    assert DOOR.names_of("email=ann@example.org") == (email,)
    assert DOOR.names_of("a=b") == ("a=b",)


def test_where_the_key_was_changed_the_name_under_the_key_before_goes_along() -> None:
    door = Door(Names(b"n" * 32, KNOWN_TYPES, region="US", key_before=b"k" * 32))
    person = door.person(None, {"cookie": "c1"})
    assert person.identifiers == (NAMES.name("cookie", "c1"),)
    assert person.customer_id != person.identifiers[0]


@pytest.mark.parametrize(
    ("identifiers", "where"),
    [
        ({"email": "ann at example"}, "/identifiers/email"),
        ({"phone": "12"}, "/identifiers/phone"),
        ({"cookie": "null"}, "/identifiers/cookie"),
        ({"shoe": "44-secret"}, "/identifiers/shoe"),
        ({"customer_id": "undefined"}, "/customer_id"),
    ],
)
def test_what_names_nobody_is_refused_by_its_place_and_not_repeated(identifiers: dict[str, str], where: str) -> None:
    with pytest.raises(RequestError) as refused:
        DOOR.person(None, identifiers)
    assert refused.value.field == where
    if "customer_id" not in identifiers:
        assert next(iter(identifiers.values())) not in str(refused.value)


def test_a_refused_body_is_kept_without_identifiers_in_clear() -> None:
    raw: Any = {
        "customer_id": "ann",
        "identifiers": {"email": "ann@example.org", "phone": "no number", "shoe": "44"},
        "left": {"cookie": "c1"},
        "note": ["write to ann@example.org, please"],
        "email": "bob@example.org",
        "value": 5,
    }
    kept = DOOR.redacted(raw)
    assert kept["identifiers"] == {"email": NAMES.name("email", "ann@example.org"), "phone": WITHHELD, "shoe": WITHHELD}
    assert kept["left"] == {"cookie": NAMES.name("cookie", "c1")}
    assert kept["note"] == [f"write to {WITHHELD}, please"]
    assert (kept["customer_id"], kept["value"]) == ("ann", 5)
    assert not re.search("ann@|bob@|c1\\b", str(kept))


def test_addresses_in_names_and_texts_are_withheld() -> None:
    assert DOOR.redacted({"carl@example.org": "x"}) == {WITHHELD: "x"}
    said = without_addresses_in({"note": "to ann@example.org", "carl@example.org": 1.5})
    assert said == {"note": f"to {WITHHELD}", WITHHELD: 1.5}
