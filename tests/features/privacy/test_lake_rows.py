import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from features.errors import StoreError
from features.lake import SCHEMAS, Lake
from features.privacy.lake_rows import any_of, before, count_rows, delete_rows, not_after, purge
from features.privacy.scan import places_holding

AT = datetime(2024, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def interactions(*rows):
    """Rows are (message_id, customer_id, at)."""
    same = {"touchpoint": "web.page", "channel": "web", "kind": "view", "source": "shop"}
    each = [{"message_id": m, "customer_id": c, "at": at, "received_at": at, "identifiers": [f"cookie:{c}"]} for m, c, at in rows]
    return pa.Table.from_pylist([same | row for row in each], schema=SCHEMAS["interactions"])


def ids(lake):
    return sorted(lake.read("interactions", ["message_id"])["message_id"].to_pylist())


@pytest.fixture
def lake(tmp_path):
    lake = Lake(tmp_path / "lake with 'é'")
    lake.append("interactions", interactions(("m1", "ann@x", AT), ("m2", "bob@x", AT)))
    lake.append("interactions", interactions(("m3", "ann@x", AT + MICROSECOND), ("m4", "it's", AT)))
    lake.append("interactions", interactions(("m5", "cid", AT)))
    return lake


def test_nothing_on_disk_holds_what_was_deleted(lake):
    assert places_holding(lake.path, ["ann@x"])
    assert delete_rows(lake, "interactions", any_of("customer_id", ["ann@x"])) == 2
    assert ids(lake) == ["m2", "m4", "m5"]
    assert places_holding(lake.path, ["ann@x", "m1", "m3"]) == []
    assert lake.read("interactions").schema == SCHEMAS["interactions"]


def test_times_in_conditions_are_exact_to_the_microsecond(lake):
    assert count_rows(lake, "interactions", not_after("at", AT)) == 4
    assert count_rows(lake, "interactions", before("at", AT)) == 0
    assert delete_rows(lake, "interactions", before("at", AT + MICROSECOND)) == 4
    assert ids(lake) == ["m3"]


def test_names_with_quotes_and_lists_are_conditions_as_well(lake):
    assert any_of("customer_id", []) == "false"
    assert delete_rows(lake, "interactions", f"{any_of('customer_id', [])} OR {any_of('customer_id', [chr(34)])}") == 0
    assert delete_rows(lake, "interactions", any_of("customer_id", ["it's"])) == 1
    assert ids(lake) == ["m1", "m2", "m3", "m5"]


def test_a_table_can_be_appended_to_and_deleted_from_again_afterwards(lake):
    delete_rows(lake, "interactions", any_of("customer_id", ["ann@x"]))
    version = lake.version("interactions")
    assert lake.append("interactions", interactions(("m6", "dan", AT), ("m2", "bob@x", AT))) == 1
    assert lake.version("interactions") > version
    assert delete_rows(lake, "interactions", any_of("customer_id", ["dan", "bob@x", "cid", "it's"])) == 4
    assert ids(lake) == [] and lake.exists("interactions")
    assert places_holding(lake.path, ["dan", "bob@x", "cid"]) == []


def test_a_deletion_that_was_killed_before_its_end_is_finished_by_the_next(lake):
    killed = f"""
import os, signal
from pathlib import Path
from features.lake import Lake
from features.privacy import lake_rows

lake_rows.purge = lambda lake, table: os.kill(os.getpid(), signal.SIGKILL)
lake_rows.delete_rows(Lake(Path({str(lake.path)!r})), "interactions", "customer_id IN ('ann@x')")
"""
    assert subprocess.run([sys.executable, "-c", killed]).returncode == -signal.SIGKILL
    assert ids(lake) == ["m2", "m4", "m5"] and places_holding(lake.path, ["ann@x"])
    path = lake.path / "interactions"
    (path / "part-of-a-killed-write.parquet").write_bytes(b"ann@x")
    (path / "_delta_log" / "_commit_of-a-killed-write.json.tmp").write_text("ann@x")
    assert delete_rows(lake, "interactions", any_of("customer_id", ["ann@x"])) == 0
    assert places_holding(lake.path, ["ann@x"]) == []
    assert ids(lake) == ["m2", "m4", "m5"]


def test_without_anything_to_delete_a_table_is_left_alone(lake):
    version = lake.version("interactions")
    assert delete_rows(lake, "interactions", any_of("customer_id", ["zoe"])) == 0
    assert delete_rows(lake, "decisions", any_of("customer_id", ["zoe"])) == 0
    assert lake.version("interactions") == version and not lake.exists("decisions")


def test_purging_leaves_a_table_that_others_can_read(lake):
    purge(lake, "interactions")
    assert DeltaTable(lake.path / "interactions").to_pyarrow_table().num_rows == 5
    assert len(list((lake.path / "interactions" / "_delta_log").iterdir())) == 3


def test_a_table_that_cannot_be_read_is_an_error_of_ours(lake):
    next((lake.path / "interactions" / "_delta_log").glob("*.json")).write_text("{")
    with pytest.raises(StoreError, match="interactions"):
        delete_rows(lake, "interactions", "true")
