"""Identifiers: one name for every notation, keyed, and what follows from an interaction that has several."""

import hmac
from datetime import UTC, datetime
from hashlib import sha256

import duckdb
import pytest

from features.catalogue.identifiers import KNOWN_TYPES
from features.domain import Interaction, Kind, Link, LinkAction
from features.errors import IdentifierError
from features.identity import Names, link_of, links_of, owner, type_of

KEY = b"a key of sixteen"
NAMES = Names(KEY, KNOWN_TYPES, region="US")
ROTATED = Names(b"its next one, new", KNOWN_TYPES, region="US", key_before=KEY)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def interaction(customer_id: str, *identifiers: str) -> Interaction:
    return Interaction(
        message_id="shop:1",
        customer_id=customer_id,
        identifiers=identifiers,
        touchpoint="web.page",
        kind=Kind.VIEW,
        at=NOON,
        received_at=NOON,
        source="shop",
    )


def test_the_digest_is_half_an_hmac_of_type_and_normalized_value() -> None:
    expected = hmac.new(KEY, b"email:ann@example.com", sha256).hexdigest()[:32]
    assert NAMES.name("email", " Ann@Example.com ") == f"email:{expected}"


@pytest.mark.parametrize(
    ("type_", "one", "other"),
    [
        ("email", "ANN.LEE+Shop@Example.COM", "ann.lee+shop@example.com"),
        ("email", "ann@Bücher.example", "ann@xn--bcher-kva.example"),
        ("phone", "(202) 555-0123", "+1 202.555.0123"),
        ("device", "38400000-8CF0-11BD-B23E-10B96E40000D", "38400000-8cf0-11bd-b23e-10b96e40000d"),
        ("cookie", " GA1.2 ", "GA1.2"),
    ],
)
def test_two_notations_have_one_name(type_: str, one: str, other: str) -> None:
    assert NAMES.name(type_, one) == NAMES.name(type_, other)


@pytest.mark.parametrize(
    ("type_", "one", "other"),
    [
        ("email", "ann+a@example.com", "ann+b@example.com"),
        ("phone", "+12025550123 ext. 5", "+12025550123"),
        ("cookie", "GA1", "ga1"),
        ("crm", "7", "8"),
    ],
)
def test_two_things_have_two_names(type_: str, one: str, other: str) -> None:
    assert NAMES.name(type_, one) != NAMES.name(type_, other)


def test_types_and_keys_have_names_of_their_own() -> None:
    assert NAMES.name("crm", "7").split(":")[1] != NAMES.name("account", "7").split(":")[1]
    assert NAMES.name("crm", "7") != ROTATED.name("crm", "7")


def test_a_telephone_number_is_of_the_region_unless_it_says_so() -> None:
    german = Names(KEY, KNOWN_TYPES, region="DE")
    assert german.name("phone", "030 123456") == german.name("phone", "+49 30 123456") == NAMES.name("phone", "+4930123456")


@pytest.mark.parametrize(
    ("type_", "value", "rule"),
    [
        ("email", "   ", "blank or stands for nobody"),
        ("crm", "NULL", "blank or stands for nobody"),
        ("advertising", "00000000-0000-0000-0000-000000000000", "blank or stands for nobody"),
        ("email", "ann@localhost", "not an e-mail address"),
        ("email", "Ann <ann@example.com>", "not an e-mail address"),
        ("phone", "99", "not a telephone number, of US"),
        ("phone", "call me", "not a telephone number"),
        ("e_mail", "ann@example.com", "none of account, crm"),
    ],
)
def test_what_names_nobody_is_refused_without_saying_it(type_: str, value: str, rule: str) -> None:
    with pytest.raises(IdentifierError, match=rule) as caught:
        NAMES.name(type_, value)
    assert value not in str(caught.value)


def test_names_in_bulk_are_those_one_by_one() -> None:
    values = ["Ann@example.com", None, "", "nan", "no address", "ann@example.com"]
    ann = NAMES.name("email", "ann@example.com")
    assert NAMES.names_of("email", values) == [ann, None, None, None, None, ann]
    assert ROTATED.before_of("email", values) == [ann, None, None, None, None, ann]
    assert NAMES.before_of("email", values) == [None] * 6
    with pytest.raises(IdentifierError, match="none of"):
        NAMES.names_of("e_mail", [])


def test_after_a_change_of_the_key_the_name_before_is_there_too() -> None:
    value = "ann@example.com"
    before = NAMES.name("email", value)
    assert NAMES.before("email", value) is None and NAMES.both("email", value) == (before,)
    assert ROTATED.before("email", value) == before
    assert ROTATED.both("email", value) == (ROTATED.name("email", value), before)


def test_a_change_of_the_key_is_a_link_and_the_new_name_owns_the_record() -> None:
    new, before = ROTATED.both("email", "ann@example.com")
    assert ROTATED.owner(None, (new, before)) == new
    (link,) = links_of(interaction(new, before))
    assert {link.left, link.right} == {new, before}


def test_a_type_is_told_by_name_and_digest_together() -> None:
    assert type_of(NAMES.name("email", "ann@example.com"), KNOWN_TYPES) == "email"
    for customer_id in ("ann", "email:ann", "e_mail:" + 32 * "0", "email:" + 31 * "0", "email:" + 32 * "G", "email:" + 33 * "0"):
        assert type_of(customer_id, KNOWN_TYPES) is None


def test_the_owner_is_the_customer_id_else_the_strongest_identifier() -> None:
    cookie, email, ip, device = (f"{type_}:{32 * '0'}" for type_ in ("cookie", "email", "ip", "device"))
    assert owner("ann", (email,)) == "ann"
    assert owner(None, (cookie, email, device)) == email
    weak_proof = {**KNOWN_TYPES, "ip": KNOWN_TYPES["ip"].model_copy(update={"priority": 1})}
    assert owner(None, (ip, cookie), weak_proof) == cookie  # proof before evidence
    with pytest.raises(IdentifierError, match="neither a customer_id nor an identifier"):
        owner(None, ())


def test_an_interaction_links_its_owner_with_each_of_its_identifiers_once() -> None:
    cookie, device = NAMES.name("cookie", "c"), NAMES.name("device", "d")
    links = links_of(interaction("zoe", cookie, device, cookie, "zoe"))
    assert [(link.left, link.right, link.action, link.source) for link in links] == [
        (cookie, "zoe", LinkAction.LINK, "shop"),
        (device, "zoe", LinkAction.LINK, "shop"),
    ]
    assert links == links_of(interaction("zoe", cookie, device))


def test_duckdb_can_write_the_name_of_a_fact() -> None:
    link = link_of("zoë", "ann", LinkAction.LINK, at=NOON, received_at=NOON, source="shop", message_id="m1")
    assert isinstance(link, Link) and (link.left, link.right) == ("ann", "zoë")
    sql = "SELECT sha256(concat_ws(chr(31), 'ann', 'zoë', 'link', 'shop', 'm1'))"
    assert duckdb.sql(sql).fetchall() == [(link.link_id,)]
