"""What was refused is taken once its cause is gone, exactly once, and by the same rules as any other record."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from features.errors import ConfigurationError, RequestError
from features.lake import ONLINE
from features.lake_tables import SCHEMAS
from features.quarantine import Selection, correct, list_refused

NOW = datetime(2024, 6, 1, tzinfo=UTC)
MAPPING = """
name = "shop"
[[interactions]]
customer_id = "client"
touchpoint = "where"
kind = {column = "what", map = {P = "purchase", R = "refund", X = "purchase"}}
at = "at"
"""
LINES = ("ann,store.checkout,P,2024-05-01", "bob,store.checkout,X,2024-05-02", "cy,store.nowhere,X,2024-05-03")


def counts(report):
    return report.replayed, report.refused, report.unreadable


def test_after_the_mapping_is_corrected_records_are_taken_and_others_stay_with_their_new_reason(shop):
    shop.csv(*LINES)
    assert shop.customers() == ["ann"] and len(shop.pending()) == 2
    report = shop.replay(mapping=MAPPING)
    assert counts(report) == (1, 1, 0)
    assert shop.customers() == ["ann", "bob"]
    (record,) = list_refused(shop.lake, Selection()).records
    assert record.reason == "touchpoint 'store.nowhere' is not in the catalogue; add it there, or map it"
    assert (record.file, record.row) == ("export.csv", 3)
    assert report.reasons == {record.reason: 1}


def test_to_replay_twice_does_nothing_the_second_time(shop):
    shop.csv(*LINES)
    shop.replay(mapping=MAPPING)
    before = {table: shop.lake.version(table) for table in ("interactions", "quarantine", "resolutions")}
    assert counts(shop.replay(mapping=MAPPING)) == (0, 1, 0)
    assert {table: shop.lake.version(table) for table in before} == before


def test_the_whole_file_given_again_with_the_corrected_mapping_brings_only_duplicates(shop):
    shop.csv(*LINES)
    shop.replay(mapping=MAPPING)
    report = shop.csv(*LINES, mapping=MAPPING)
    assert (report.accepted["interactions"], report.duplicate["interactions"]) == (0, 2)


def test_only_what_is_selected_is_replayed(shop):
    shop.csv(*LINES, "dee,store.checkout,X,2024-05-04")
    (dee,) = (each for each in list_refused(shop.lake, Selection()).records if "dee" in each.raw)
    shop.replay(Selection(record_ids=(dee.record_id[:12],)), mapping=MAPPING)
    assert shop.customers() == ["ann", "dee"]


def test_a_corrected_record_is_taken(shop):
    shop.csv(*LINES)
    (bob,) = (each for each in list_refused(shop.lake, Selection()).records if "bob" in each.raw)
    correct(shop.lake, bob.record_id, {"what": "R"}, redact=dict, now=NOW)
    assert counts(shop.replay(Selection(reason="kind"))) == (1, 1, 0)
    assert shop.customers() == ["ann", "bob"]
    assert "refund" in shop.lake.read("interactions")["kind"].to_pylist()


def test_a_corrected_record_that_is_refused_again_is_pending_once_under_the_new_reason(shop):
    shop.csv(LINES[1])
    (record,) = list_refused(shop.lake, Selection()).records
    corrected = correct(shop.lake, record.record_id, {"at": "soon"}, redact=dict, now=NOW)
    assert counts(shop.replay(mapping=MAPPING)) == (0, 1, 0)
    assert shop.pending() == {corrected.raw: "at 'soon' is not a time; give its format, or its unit"}


def test_a_line_that_is_no_object_waits_until_it_is_corrected(shop):
    shop.csv("ann,store.checkout,P,2024-05-01,one,too,many")
    assert counts(shop.replay()) == (0, 0, 1)
    (record,) = list_refused(shop.lake, Selection()).records
    whole = {"client": "ann", "where": "store.checkout", "what": "P", "at": "2024-05-01"}
    correct(shop.lake, record.record_id, whole, redact=dict, now=NOW)
    assert counts(shop.replay()) == (1, 0, 0)


def test_a_conflict_that_is_still_one_stays(shop):
    named = MAPPING + 'message_id = "client"\n'
    shop.csv("ann,store.checkout,P,2024-05-01", "ann,store.checkout,P,2024-05-02", mapping=named)
    before = shop.pending()
    assert counts(shop.replay(mapping=named)) == (0, 1, 0)
    assert shop.pending() == before and len(before) == 1


def test_a_group_is_replayed_as_the_sum_and_the_count_that_it_was(shop):
    grouped = """
    name = "shop"
    group = {by = ["client", "where"], sum = ["what"], first = ["at"], count = "lines"}
    [[interactions]]
    customer_id = "client"
    touchpoint = {column = "where", map = {%s = "store.checkout"}}
    kind = {constant = "purchase"}
    at = "at"
    value = "what"
    properties = ["lines"]
    """
    lines = ("ann,N,1.5,2024-05-01", "ann,N,2.5,2024-05-01", "bob,S,7,2024-05-01")
    shop.csv(*lines, mapping=grouped % "S")
    assert counts(shop.replay(mapping=grouped % "N")) == (1, 0, 0)
    rows = {row["customer_id"]: row for row in shop.lake.read("interactions").to_pylist()}
    assert (rows["ann"]["value"], rows["ann"]["properties"]) == (4.0, '{"lines":"2"}')
    report = shop.csv(*lines[:2], mapping=grouped % "N")
    assert (report.accepted["interactions"], report.duplicate["interactions"]) == (0, 1)


def test_two_states_of_one_group_are_not_added_up(shop):
    grouped = """
    name = "shop"
    group = {by = ["client"], sum = ["what"], first = ["at", "where"]}
    [[interactions]]
    customer_id = "client"
    touchpoint = {column = "where", map = {%s = "store.checkout"}}
    kind = {constant = "purchase"}
    at = "at"
    value = "what"
    """
    shop.csv("ann,N,1,2024-05-01", mapping=grouped % "S")
    shop.csv("ann,N,1,2024-05-01", "ann,N,2,2024-05-01", mapping=grouped % "S")
    assert counts(shop.replay(mapping=grouped % "N")) == (1, 1, 0)
    assert shop.lake.read("interactions")["value"].to_pylist() == [1.0]
    assert "was used before for another record" in next(iter(shop.pending().values()))


def test_lookups_find_their_side_file_again(shop, tmp_path):
    looked_up = """
    name = "shop"
    lookups = {stores = {file = "stores.csv", key = "where"}}
    [[interactions]]
    customer_id = "client"
    touchpoint = {column = "stores.touchpoint", map = {%s = "store.checkout"}}
    kind = {constant = "purchase"}
    at = "at"
    """
    shop.write("where,touchpoint\n7,till\n", "stores.csv")
    shop.csv("ann,7,P,2024-05-01", mapping=looked_up % "cash")
    with pytest.raises(ConfigurationError, match="in which folder"):
        shop.replay(mapping=looked_up % "till")
    assert counts(shop.replay(mapping=looked_up % "till", folder=tmp_path)) == (1, 0, 0)


def test_a_mapping_of_another_source_and_a_missing_way_are_refused(shop):
    shop.csv(*LINES)
    with pytest.raises(ConfigurationError, match=r"is of source 'shop', the mapping of 'other'; select one source"):
        shop.replay(mapping=MAPPING.replace('"shop"', '"other"'))
    with pytest.raises(RequestError, match="give the mapping of source 'shop'"):
        shop.replay(take_files=None)
    post(shop, {"a": 1})
    with pytest.raises(RequestError, match="was posted; give the check of the service"):
        shop.replay(Selection(source="api"), post=None)
    assert len(shop.pending()) == 3


def post(shop, *items, reason="/kind: was wrong"):
    same = {"source": "api", "received_at": NOW, "file": ONLINE, "reason": reason}
    rows = [{**same, "record_id": f"posted{k:06}", "row": k, "raw": json.dumps(item)} for k, item in enumerate(items)]
    shop.lake.append("quarantine", pa.Table.from_pylist(rows, schema=SCHEMAS["quarantine"]))


def test_posted_records_go_through_the_check_of_the_service(shop):
    post(shop, {"kind": "view"}, {"n": 1})
    report = shop.replay()
    assert counts(report) == (1, 1, 0) and shop.posted == [{"kind": "view"}]
    # refused for another reason: the journal keeps it anew, and compaction brings it
    assert shop.pending() == {} and report.reasons == {"/kind: is required": 1}


def test_a_posted_record_that_is_refused_for_the_same_reason_stays(shop):
    post(shop, {"n": 1}, reason="/kind: is required")
    assert counts(shop.replay()) == (0, 1, 0)
    assert shop.pending() == {'{"n": 1}': "/kind: is required"}


KILLED = """
import os, signal, sys
sys.path.insert(0, {folder!r})
from pathlib import Path
from conftest import Shop
shop = Shop(Path(sys.argv[1]))
def take_files(files, mapping, *, lake):
    shop.take_files(files, mapping, lake=lake)
    os.kill(os.getpid(), signal.SIGKILL)
shop.replay(mapping=sys.argv[2], take_files=take_files)
"""


def test_killed_between_taking_and_noting_it_nothing_is_lost_and_nothing_counts_twice(shop, tmp_path):
    shop.csv(*LINES)
    script = textwrap.dedent(KILLED).format(folder=str(Path(__file__).parent))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path), MAPPING], capture_output=True, env=environment)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert shop.customers() == ["ann", "bob"] and not shop.lake.exists("resolutions")
    # cy is pending under the old reason and the new one until the first is resolved
    assert counts(shop.replay(mapping=MAPPING)) == (1, 2, 0)
    assert shop.customers() == ["ann", "bob"]
    assert "store.nowhere" in next(iter(shop.pending())) and len(shop.pending()) == 1


def test_many_records_are_replayed_in_one_go(shop):
    shop.csv(*(f"c{k},store.checkout,X,2024-05-01" for k in range(5_000)))
    report = shop.replay(mapping=MAPPING, now=NOW + timedelta(days=2))
    assert counts(report) == (5_000, 0, 0) and len(shop.customers()) == 5_000


def test_a_record_without_clear_identifiers_is_taken_under_the_same_name(shop):
    named = """
    name = "shop"
    [[interactions]]
    identifiers = {email = "client"}
    touchpoint = "where"
    kind = {column = "what", map = {P = "purchase"%s}}
    at = "at"
    """
    shop.csv("ann@example.com,store.checkout,P,2024-05-01", "Ann@Example.com,store.checkout,X,2024-05-02", mapping=named % "")
    assert "ann@example.com" not in str(shop.pending()).lower()
    assert counts(shop.replay(mapping=named % ', X = "refund"')) == (1, 0, 0)
    assert len(shop.customers()) == 2 and len(set(shop.customers())) == 1
