import json

import pytest

from features.catalogue.identifiers import KNOWN_TYPES
from features.identity import Names
from features.privacy.naming import Naming

NAMES = Names(b"a key of a test", KNOWN_TYPES, region="US")
EMAIL = NAMES.name("email", "ann@example.com")
NAMING = Naming(["c 17", "4711", EMAIL, NAMES.name("phone", "+1 202 555 0123"), NAMES.name("cookie", "k/9")], NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "4711",
        EMAIL,
        json.dumps({"customer_id": "c 17"}),
        json.dumps({"customer_id": 4711}),
        json.dumps({"customer_id": 4711.0}),
        json.dumps({"user": {"mail": [" Ann@Example.com "]}}),
        json.dumps({"phone": "(202) 555-0123"}),
        json.dumps({"identifiers": json.dumps([EMAIL])}),
        json.dumps({"inner": json.dumps({"id": "c 17"})}),
        json.dumps({"url": "https://shop.example/?a=1&mail=ann%40example.com"}),
        json.dumps({"cookie": "k/9"}),
        "2024-05-01,c 17,view",
        "2024-05-01;'ann@example.com';\"broken",
        '{"customer_id": "4711", broken',
        "the caller, ann@example.com, was angry",
        "customer_id '4711' has no time",
    ],
)
def test_whoever_is_named_is_found_in_whatever_shape(text):
    assert NAMING.names_one(text)


@pytest.mark.parametrize(
    "text", ["", "{}", "null", "47110", "c 170", json.dumps({"mail": "joann@example.com", "n": [1, True, None]})]
)
def test_whoever_is_not_named_is_not_found(text):
    assert not NAMING.names_one(text)


def test_who_is_known_under_the_key_before_is_found_too():
    before = Names(b"the key before", KNOWN_TYPES, region="US").name("email", "ann@example.com")
    changed = Names(b"a key of a test", KNOWN_TYPES, region="US", key_before=b"the key before")
    assert Naming([before], changed).names_one('{"mail": "ann@example.com"}')
    assert not Naming([before], NAMES).names_one('{"mail": "ann@example.com"}')


def test_a_price_is_nobodys_number_and_a_customers_number_is_theirs():
    twelve = Naming(["12"], NAMES)
    assert not twelve.names_one(json.dumps({"client": "13", "price": 12, "pieces": "12"}))
    assert twelve.names_one(json.dumps({"client": "12"})) and twelve.names_one(json.dumps({"userId": 12}))
