"""Identifiers: hashed, linked, and nowhere in clear."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from features.domain import Interaction, Kind
from features.errors import ConfigurationError
from features.identity import Names, links_of

AT, DAY = datetime(2024, 5, 1, tzinfo=UTC), timedelta(days=1)
VIEW = """
name = "web"
[[interactions]]
customer_id = {column = "user", optional = true}
identifiers = {email = ["mail", "E-Mail"], cookie = {column = "cid", optional = true}, crm = {template = "acme-{number}"}}
touchpoint = {constant = "web.page"}
kind = {constant = "view"}
at = "at"
message_id = "id"
"""
HEADER = "id,user,mail,cid,number,at\n"


def taken(shop, rows, mapping=VIEW, header=HEADER, **options):
    return shop.ingest(mapping, shop.write("a.csv", header + rows), **options)


def whole_lake(shop):
    return json.dumps(
        {table: shop.lake.read(table).to_pylist() for table in ("interactions", "quarantine", "links")}, default=str
    )


def test_a_record_is_captured_under_its_customer_id_and_names_the_others_strongest_first(shop):
    taken(shop, "1,u1, Ada@Example.COM ,k1,7,2024-05-01\n")
    (row,) = shop.rows()
    assert row["customer_id"] == "u1"
    named = [shop.names.name("crm", "acme-7"), shop.names.name("email", "ada@example.com"), shop.names.name("cookie", "k1")]
    assert row["identifiers"] == named


def test_without_a_customer_id_it_is_captured_under_the_strongest(shop):
    taken(shop, "1,,ada@example.com,k1,,2024-05-01\n2,null,,k1,,2024-05-01\n")
    owners = {row["message_id"]: (row["customer_id"], row["identifiers"]) for row in shop.rows()}
    cookie = shop.names.name("cookie", "k1")
    assert owners == {
        "web:1": (shop.names.name("email", "ada@example.com"), [cookie]),
        "web:2": (cookie, None),  # null is what programs write for nobody
    }


def test_a_record_of_nobody_is_refused(shop):
    report = taken(shop, "1,,,,,2024-05-01\n2,,no address,,,2024-05-01\n")
    assert report.reasons == {
        "no customer_id and no identifiers": 1,
        "no customer_id, and email stands for nobody or is not what its type asks; correct it": 1,
    }


def test_an_unusable_identifier_is_left_out_and_counted_where_there_is_another(shop):
    report = taken(shop, "1,u1,no address,k1,,2024-05-01\n")
    assert (report.accepted["interactions"], report.unusable_identifiers) == (1, 1)
    assert shop.rows()[0]["identifiers"] == [shop.names.name("cookie", "k1")]


def test_the_first_usable_alternative_counts(shop):
    taken(shop, "1,,nobody,bob@example.com,,,2024-05-01\n", header="id,user,mail,E-Mail,cid,number,at\n")
    assert shop.column("customer_id") == [shop.names.name("email", "bob@example.com")]


def test_no_identifier_is_in_clear_anywhere_in_the_lake(shop):
    mapping = VIEW.replace('message_id = "id"', 'message_id = {template = "{mail}-{id}"}\nproperties = "*"\ntext = "note"\n')
    rows = (
        "1,u1,ada@example.com,secret-cookie,4711,2024-05-01,call ada@example.com,x\n"
        "2,u1,ada@example.com,secret-cookie,4711,never,,y\n"
        "3,u1,@ada@example.com,secret-cookie,4711,2024-05-01,,z\n"
        "4,u1,ada@example.com,one too many,secret-cookie,4711,2024-05-01,,w\n"
    )
    report = taken(shop, rows, mapping, "id,user,mail,cid,number,at,note,other\n")
    assert (report.accepted["interactions"], report.quarantined) == (1, {"interactions": 2, "lines": 1})
    kept = whole_lake(shop)
    assert not [clear for clear in ("ada@", "secret-cookie", "4711") if clear in kept]
    (row,) = shop.rows()
    assert row["message_id"] == f"web:{shop.names.name('email', 'ada@example.com')}-1"
    assert json.loads(row["properties"]) == {"id": "1", "user": "u1", "at": "2024-05-01", "other": "x"}


def test_an_address_inside_a_property_is_not_kept(shop):
    mapping = VIEW.replace('message_id = "id"', 'message_id = "id"\nproperties = {page = "number"}')
    taken(shop, "1,u1,,,https://x.example/?mail=ada@example.com&a=1,2024-05-01\n", mapping)
    assert json.loads(shop.rows()[0]["properties"]) == {
        "page": shop.names.name("crm", "acme-https://x.example/?mail=ada@example.com&a=1")
    }
    plain = VIEW.replace('message_id = "id"', 'message_id = "id"\nproperties = ["page"]')
    taken(shop, "2,u1,,,,2024-05-01,https://x.example/?mail=ada@example.com&a=1\n", plain, HEADER.replace("at\n", "at,page\n"))
    assert json.loads(shop.rows()[1]["properties"]) == {"page": "https://x.example/?mail=…&a=1"}


def test_what_the_quarantine_keeps_can_be_corrected_and_given_again(shop):
    taken(shop, "1,,ada@example.com,k1,7,1 May\n")
    (refused,) = shop.rows("quarantine")
    raw = json.loads(refused["raw"])
    assert raw == {
        "id": "1",
        "user": None,
        "mail": shop.names.name("email", "ada@example.com"),
        "cid": shop.names.name("cookie", "k1"),
        "number": shop.names.name("crm", "acme-7"),
        "at": "1 May",
    }
    shop.ingest('format = "jsonl"\n' + VIEW, shop.write("corrected.jsonl", json.dumps(raw | {"at": "2024-05-01"})))
    (row,) = shop.rows()
    assert row["customer_id"] == shop.names.name("crm", "acme-7")
    assert row["identifiers"] == [shop.names.name("email", "ada@example.com"), shop.names.name("cookie", "k1")]


def test_json_rows_lose_their_identifiers_in_the_quarantine_and_among_all_properties(shop):
    mapping = """
        name = "app"
        [[interactions]]
        identifiers = {email = "user.mail", device = "user.ids.device"}
        touchpoint = {constant = "web.page"}
        kind = {constant = "view"}
        at = "at"
        properties = "*"
        """
    good = {"user": {"mail": "ada@example.com", "ids": {"device": "d1", "x": 1}, "age": 5}, "at": "2024-05-01", "list": [1, None]}
    shop.ingest(mapping, shop.write("a.jsonl", json.dumps(good) + "\n" + json.dumps(good | {"at": "?"})))
    assert json.loads(shop.rows()[0]["properties"]) == {
        "user": {"ids": {"x": 1}, "age": 5},
        "at": "2024-05-01",
        "list": [1, None],
    }
    user = json.loads(shop.rows("quarantine")[0]["raw"])["user"]
    assert user == {
        "mail": shop.names.name("email", "ada@example.com"),
        "ids": {"device": shop.names.name("device", "d1"), "x": 1},
        "age": 5,
    }


def test_what_is_named_together_is_linked_once_by_the_record_from_which_on_it_was_known(shop):
    report = taken(shop, "1,u1,,k1,,2024-05-03\n2,u1,,k1,,2024-05-01\n3,u2,,,,2024-05-01\n")
    assert report.accepted == {"interactions": 3, "links": 1}
    (link,) = shop.rows("links")
    cookie = shop.names.name("cookie", "k1")
    (expected,) = links_of(
        Interaction(
            message_id="web:2",
            customer_id="u1",
            touchpoint="web.page",
            kind=Kind.VIEW,
            at=AT,
            received_at=AT,
            source="web",
            identifiers=(cookie,),
        )
    )
    assert (link["link_id"], link["left"], link["right"]) == (expected.link_id, cookie, "u1")
    assert (link["at"], link["action"], link["source"]) == (AT, "link", "web")


def test_a_file_given_again_or_grown_adds_no_link_but_those_of_its_new_records(shop):
    rows = "1,u1,,k1,,2024-05-01\n"
    taken(shop, rows)
    assert taken(shop, rows).accepted == {"interactions": 0}
    grown = taken(shop, rows + "2,u1,,k2,,2024-05-02\n")
    assert grown.accepted == {"interactions": 1, "links": 1}
    assert len(shop.rows("links")) == 2


def test_after_a_change_of_the_key_a_record_names_the_identifier_under_the_key_before(shop):
    changed = Names(b"another key", shop.catalogue.identifier_types, region="US", key_before=b"a key for tests")
    taken(shop, "1,,ada@example.com,,,2024-05-01\n", names=changed)
    (row,) = shop.rows()
    new, old = changed.name("email", "ada@example.com"), shop.names.name("email", "ada@example.com")
    assert (row["customer_id"], row["identifiers"]) == (new, [old])
    assert [(link["left"], link["right"]) for link in shop.rows("links")] == [tuple(sorted((new, old)))]


def test_links_and_consents_of_a_source_are_taken(shop):
    mapping = """
        name = "crm"
        [[links]]
        left = {customer_id = "old"}
        right = {email = "mail"}
        action = {column = "what", default = "link"}
        at = "at"
        [[consents]]
        where = {column = "ok", not_null = true}
        identifiers = {email = "mail", cookie = "cid"}
        status = {column = "ok", map = {Y = "granted", N = "withdrawn"}}
        channel = {constant = "email"}
        purpose = {constant = "marketing"}
        at = "at"
        """
    rows = (
        "u1,ada@example.com,k1,,Y,2024-05-01",
        "u1,ada@example.com,,block,,2024-05-02",
        "u1,,,link,,2024-05-02",
        "u1,bob@example.com,,merge,,2024-05-02",
    )
    report = shop.ingest(mapping, shop.write("a.csv", "old,mail,cid,what,ok,at\n" + "\n".join(rows)))
    ada, cookie = shop.names.name("email", "ada@example.com"), shop.names.name("cookie", "k1")
    assert report.accepted == {"links": 3, "consents": 1}
    nobody = "no right, or it stands for nobody or is not what its type asks; correct it"
    assert set(report.reasons) == {nobody, "action 'merge' is not one of link, unlink, block; map it"}
    links = {(link["left"], link["right"], link["action"]) for link in shop.rows("links")}
    assert links == {(ada, "u1", "link"), (ada, "u1", "block"), (cookie, ada, "link")}
    (consent,) = shop.rows("consents")
    assert (consent["customer_id"], consent["status"], consent["channel"], consent["purpose"]) == (
        ada,
        "granted",
        "email",
        "marketing",
    )
    assert shop.ingest(mapping, shop.folder / "a.csv").accepted == {"links": 0, "consents": 0}


def test_a_type_that_the_catalogue_does_not_have_is_refused_before_anything_is_read(shop):
    with pytest.raises(ConfigurationError, match="there is no type of identifiers 'badge'"):
        taken(shop, "", VIEW.replace("crm =", "badge ="))


def test_identifiers_need_something_to_hash_them(shop):
    with pytest.raises(ConfigurationError, match="it has identifiers; give the names"):
        taken(shop, "1,u1,,,,2024-05-01\n", names=None)


def test_who_was_erased_does_not_come_back_but_who_comes_anew_does(shop):
    cookie = shop.names.name("cookie", "k1")
    tombstones = {shop.names.tombstones_of(name)[0]: AT + DAY for name in (cookie, "u9")}
    rows = "1,,,k1,,2024-05-01\n2,,,k1,,2024-05-03\n3,u9,,,,2024-05-02\n4,u1,,k1,,2024-05-01\n5,u1,,,,2024-05-01\n6,u9,,,,never\n"
    report = taken(shop, rows, tombstones=tombstones)
    assert (report.accepted["interactions"], report.erased) == (2, {"interactions": 4})
    assert shop.column("message_id") == ["web:2", "web:5"]
    assert not shop.lake.exists("quarantine")
