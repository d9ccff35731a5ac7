"""What is pending is found by source, reason, time and id."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from features.errors import RequestError, UnknownRecordError
from features.lake import ONLINE
from features.lake_tables import SCHEMAS
from features.quarantine import Group, RefusedRecord, Resolution, Selection, list_refused, show_refused
from features.quarantine.listing import resolve

NOW = datetime(2024, 6, 1, tzinfo=UTC)


@pytest.fixture
def lake(shop):
    reasons = ["customer_id 'nan' stands for nobody", 'customer_id "O\'Null" stands for nobody', "no kind", "/kind: is required"]
    rows = [
        {
            "record_id": letter * 64,
            "source": "api" if letter == "d" else "shop",
            "received_at": NOW + timedelta(days=k),
            "file": ONLINE if letter == "d" else "export.csv",
            "row": k,
            "reason": reasons[k],
            "raw": "{}",
        }
        for k, letter in enumerate("abcd")
    ]
    shop.lake.append("quarantine", pa.Table.from_pylist(rows, schema=SCHEMAS["quarantine"]))
    return shop.lake


def letters(listing):
    return "".join(record.record_id[0] for record in listing.records)


def test_pending_records_are_listed_newest_first_and_counted_by_source_and_reason_without_values(lake):
    listing = list_refused(lake, Selection(), limit=3)
    assert (listing.total, letters(listing)) == (4, "dcb")
    largest = Group("shop", "customer_id '…' stands for nobody", 2, NOW, NOW + timedelta(days=1))
    assert listing.groups[0] == largest and len(listing.groups) == 3


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        (Selection(source="shop"), "cba"),
        (Selection(reason="nobody"), "ba"),
        (Selection(reason="customer_id '…' stands for nobody"), "ba"),
        (Selection(reason="customer_id 'nan' stands for nobody"), "a"),
        (Selection(since=NOW + timedelta(days=1)), "dcb"),
        (Selection(source="shop", since=NOW + timedelta(days=1), reason="kind"), "c"),
        (Selection(record_ids=("aaaaaaaa", "d" * 64)), "da"),
        (Selection(source="it's nobody's"), ""),
    ],
)
def test_everything_that_is_given_narrows_the_selection(lake, selection, found):
    assert letters(list_refused(lake, selection)) == found


def test_one_record_is_shown_by_the_beginning_of_its_id(lake):
    shown = show_refused(lake, "dddddd")
    assert shown == RefusedRecord("d" * 64, "api", NOW + timedelta(days=3), ONLINE, 3, "/kind: is required", "{}")
    assert shown.posted


def test_what_was_resolved_is_no_longer_listed_and_stays_as_first_resolved(lake):
    assert resolve(lake, [("a" * 64, Resolution.DISCARDED, "old")], now=NOW) == 1
    assert resolve(lake, [("a" * 64, Resolution.REPLAYED, "new")], now=NOW) == 0
    assert letters(list_refused(lake, Selection())) == "dcb"
    assert lake.read("quarantine").num_rows == 4
    assert lake.read("resolutions").to_pylist() == [
        {"record_id": "a" * 64, "resolution": "discarded", "at": NOW, "message": "old"}
    ]


def test_an_id_of_no_pending_record_of_several_or_too_short_is_refused(lake):
    with pytest.raises(UnknownRecordError, match="no pending record has the id 'eeeeee'"):
        show_refused(lake, "eeeeee")
    with pytest.raises(RequestError, match="too short"):
        show_refused(lake, "a")
    again = pa.Table.from_pylist([{"record_id": "aaaaaaaab", "source": "shop"}], schema=SCHEMAS["quarantine"])
    lake.append("quarantine", again)
    with pytest.raises(RequestError, match="several"):
        show_refused(lake, "aaaaaa")


def test_the_quarantine_of_a_new_lake_is_empty(shop):
    assert list_refused(shop.lake, Selection()).total == 0
