"""A record is corrected or given up; as it came, it is kept."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from features.capture.rows import HIDDEN
from features.catalogue.identifiers import KNOWN_TYPES
from features.errors import IdentifierError, RequestError
from features.identity import Names
from features.quarantine import Selection, correct, discard, list_refused, redactor, show_refused

NOW = datetime(2024, 6, 1, tzinfo=UTC)


def only(shop):
    (record,) = list_refused(shop.lake, Selection()).records
    return record


def test_a_corrected_copy_takes_the_place_of_the_record(shop):
    shop.csv("ann,store.checkout,X,2024-05-01")
    before = only(shop)
    later = before.received_at + timedelta(days=1)
    corrected = correct(shop.lake, before.record_id, {"what": "P", "note": "by phone"}, redact=dict, now=later)
    assert only(shop) == corrected == show_refused(shop.lake, corrected.record_id)
    assert json.loads(corrected.raw) == {
        "client": "ann", "where": "store.checkout", "what": "P", "at": "2024-05-01", "note": "by phone"
    }  # fmt: skip
    assert (corrected.file, corrected.row, corrected.reason) == (before.file, before.row, before.reason)
    assert before.raw in shop.lake.read("quarantine")["raw"].to_pylist()


def test_null_takes_a_field_out_and_an_unreadable_line_is_replaced_as_a_whole(shop):
    shop.csv("ann,store.checkout,X,2024-05-01")
    corrected = correct(shop.lake, only(shop).record_id, {"what": None}, redact=dict, now=NOW)
    assert "what" not in json.loads(corrected.raw)
    discard(shop.lake, Selection(), reason="for this test", now=NOW)
    shop.csv("ann,store.checkout,P,2024-05-01,one,too,many")
    corrected = correct(shop.lake, only(shop).record_id, {"client": "ann"}, redact=dict, now=NOW)
    assert corrected.raw == '{"client":"ann"}'


@pytest.mark.parametrize("changes", [[], 5, "text", None])
def test_changes_that_are_no_object_are_refused_and_the_record_stays(shop, changes):
    with pytest.raises(RequestError, match="no JSON object"):
        correct(shop.lake, "0" * 64, changes, redact=dict, now=datetime(2026, 1, 31, tzinfo=UTC))


def test_a_correction_that_changes_nothing_is_refused(shop):
    shop.csv("ann,store.checkout,X,2024-05-01")
    with pytest.raises(RequestError, match="as these changes would make it"):
        correct(shop.lake, only(shop).record_id, {"what": "X"}, redact=dict, now=NOW)


def test_what_is_discarded_needs_a_reason_and_is_not_listed_any_more(shop):
    shop.csv("ann,store.checkout,X,2024-05-01", "bob,store.nowhere,P,2024-05-01", "cy,store.checkout,X,2024-05-02")
    now = list_refused(shop.lake, Selection()).records[0].received_at
    with pytest.raises(RequestError, match="with a reason"):
        discard(shop.lake, Selection(), reason=" ", now=now)
    assert discard(shop.lake, Selection(reason="kind"), reason="test data", now=now) == 2
    assert discard(shop.lake, Selection(reason="kind"), reason="test data", now=now) == 0
    assert "store.nowhere" in only(shop).raw
    assert set(shop.lake.read("resolutions")["message"].to_pylist()) == {"test data"}


def test_an_identifier_that_is_written_into_a_record_is_kept_hashed(shop):
    mapping = shop.mapping("""
    name = "shop"
    [[interactions]]
    identifiers = {email = ["mail", "user.mail"], crm = {template = "{system}-{number}"}}
    touchpoint = "where"
    kind = {constant = "purchase"}
    at = "at"
    """)
    names = Names(b"k" * 32, KNOWN_TYPES, region="US")
    redact = redactor(mapping, names)
    email, crm = names.name("email", "ann@example.com"), names.name("crm", "hubspot-7")
    assert redact({"mail": "Ann@example.com", "user": {"mail": "ann@example.com", "n": 1}}) == {
        "mail": email,
        "user": {"mail": email, "n": 1},
    }
    assert redact({"system": "hubspot", "number": 7}) == {"system": crm, "number": crm}
    assert redact({"mail": email, "system": crm, "number": crm, "where": None}) == {
        "mail": email, "system": crm, "number": crm, "where": None
    }  # fmt: skip
    assert redact({"mail": HIDDEN}) == {"mail": HIDDEN}
    with pytest.raises(IdentifierError):
        redact({"mail": "nonsense"})
    with pytest.raises(IdentifierError, match="give all of them"):
        redact({"number": 7})
