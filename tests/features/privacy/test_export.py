import json
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from features.compaction import compact
from features.errors import UnknownCustomerError
from features.insights import Period
from features.insights.snapshot import keep_snapshot
from features.privacy.export import export_customer

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
ANN = "ann-4711"


def export(home, customer_id=ANN, *, features=None):
    return export_customer(customer_id, home.places, features=features, now=NOW)


def ids(document, table, key="message_id"):
    return [record[key] for record in document[table]]


def test_everything_known_by_any_identifier_is_in_it_once_and_oldest_first(home):
    document = export(home, features={"b": None, "a": 1.5})
    assert document["customer_id"] == ANN and document["exported_at"] == NOW.isoformat()
    assert {each["type"] for each in document["identifiers"]} == {"customer_id", "email", "cookie", "phone"}
    assert ids(document, "interactions") == ["f1", "m1", "m2", "m3"]
    assert sorted(ids(document, "consents")) == ["c1", "c2"]
    assert ids(document, "decisions", "decision_id") == ["ann-decision-1", "ann-decision-file", "ann-decision-2"]
    assert ids(document, "outcomes") == ["o4", "o1", "o3", "o5"]
    assert len(document["links"]) == 4
    assert [each["kind"] for each in document["contacts"]] == ["contact", "contact", "purchase", "purchase"]
    assert document["contacts"][0] == {"touchpoint": "mail.offer", "at": "2024-05-01T12:00:00+00:00", "kind": "contact"}
    assert list(document["features"].items()) == [("a", 1.5), ("b", None)]


def test_records_are_whole_with_json_as_values_and_without_what_is_empty(home):
    document = export(home)
    (from_file,) = [each for each in document["interactions"] if each["message_id"] == "f1"]
    assert from_file["traits"] == {"city": "Ulm"} and from_file["at"] == "2024-05-01T12:00:00+00:00"
    assert not {"value", "position", "properties"} & from_file.keys()
    (posted,) = [each for each in document["interactions"] if each["message_id"] == "m1"]
    assert posted["properties"] == {"who": "ann.lee@example.com"} and posted["channel"] == "web"
    assert document["decisions"][0]["record"] == {"customer_id": ANN, "decision_id": "ann-decision-1"}


def test_what_was_found_out_about_the_customer_is_in_it_and_nobody_elses(home):
    assert export(home)["insights"] == {}
    names = [ANN, home.name("cookie", "k1"), "bob-0815"]  # the cookie was not linked yet when it was looked
    people = {"segments": pa.table({"customer_id": names, "at": [NOW] * 3}), "cases": pa.table({"customer_id": names[2:]})}
    keep_snapshot(home.places.insights, [], people, at=NOW, period=Period.last(30, until=NOW), currency="EUR")
    found = export(home)["insights"]
    assert list(found) == ["segments"]
    assert sorted(row["customer_id"] for row in found["segments"]) == sorted(names[:2])
    assert found["segments"][0]["at"] == NOW.isoformat()


def test_refused_records_that_name_the_customer_in_clear_are_in_it(home):
    raw = {each["raw"] for each in export(home)["quarantine"]}
    assert raw == {
        json.dumps({"customer_id": ANN}),
        json.dumps({"user": {"mail": "ANN.LEE@EXAMPLE.COM"}}),
        "2024;ann.lee@example.com;x",
        '{"tel": "(202) 555-0123"}',
    }


def test_it_is_json_and_the_same_each_time_whichever_identifier_is_given(home):
    text = json.dumps(export(home))
    assert text == json.dumps(export(home)) == json.dumps(export(home, home.name("cookie", "k1")))
    assert "bob" not in text


def test_a_record_counts_once_after_compaction_too(home):
    before = export(home)
    compact(home.journal, home.lake, batch=100)
    after = export(home)
    for table in ("interactions", "consents", "links", "outcomes"):
        key = "link_id" if table == "links" else "message_id"
        assert ids(after, table, key) == ids(before, table, key)


def test_of_whom_nothing_is_known_nothing_can_be_exported(home):
    with pytest.raises(UnknownCustomerError, match="nothing is known"):
        export(home, "zoe")
