import multiprocessing
from datetime import UTC, datetime
from pathlib import Path

import ibis
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from features.errors import ConfigurationError, StoreError
from features.lake import KEYS, SCHEMAS, Lake, content_digest, duckdb_session

AT = datetime(2024, 5, 1, 12, 0, 0, 123456, tzinfo=UTC)


def outcomes(*ids, value=1.0):
    same = {"decision_id": "d", "kind": "purchase", "at": AT, "received_at": AT, "value": value}
    rows = [{"message_id": each, **same} for each in ids]
    return pa.Table.from_pylist(rows, schema=SCHEMAS["outcomes"])


def ids(lake):
    return sorted(lake.read("outcomes", ["message_id"])["message_id"].to_pylist())


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "a lake, with é # & 'quotes'")


def test_a_new_lake_has_every_table_empty_and_leaves_no_trace(lake):
    for table, schema in SCHEMAS.items():
        assert lake.read(table).schema == schema
        assert lake.ibis_table(ibis.duckdb.connect(), table).count().execute() == 0
        assert (lake.exists(table), lake.version(table), lake.files(table), lake.last_position(table)) == (False, None, [], 0)
    assert not lake.path.exists()


def test_every_table_has_a_key_among_its_columns():
    assert all(KEYS[table] in schema.names for table, schema in SCHEMAS.items())


def test_rows_come_back_with_the_types_of_the_schema(lake):
    assert lake.append("outcomes", outcomes("a", "b")) == 2
    assert lake.read("outcomes").schema == SCHEMAS["outcomes"]
    assert lake.read("outcomes").sort_by("message_id").to_pylist()[0]["at"] == AT
    assert lake.exists("outcomes") and lake.version("outcomes") == 0


def test_a_key_is_kept_once_and_the_first_one_wins(lake):
    twice = pa.concat_tables([outcomes("a", "b", value=1.0), outcomes("b", "c", value=2.0)])
    assert lake.append("outcomes", twice) == 3
    assert lake.append("outcomes", outcomes("c", "d", value=3.0)) == 1
    values = lake.read("outcomes").sort_by("message_id")["value"].to_pylist()
    assert values == [1.0, 1.0, 2.0, 3.0]


def test_rows_that_are_there_already_are_told_apart_by_what_they_say(lake):
    assert lake.known("outcomes", outcomes("a")) == {}
    lake.append("outcomes", outcomes("a", "b"))
    later = outcomes("a").to_pylist()[0] | {"received_at": AT.replace(year=2025), "source": "api", "position": 7}
    rows = pa.Table.from_pylist([later], schema=SCHEMAS["outcomes"])
    assert lake.known("outcomes", pa.concat_tables([rows, outcomes("b", "c", value=2.0)])) == {"a": True, "b": False}


def test_appending_nothing_new_makes_no_commit(lake):
    lake.append("outcomes", outcomes("a"))
    assert lake.append("outcomes", outcomes("a")) == 0
    assert lake.append("outcomes", outcomes()) == 0
    assert lake.version("outcomes") == 0


def test_a_stream_is_taken_as_well_as_a_table(lake):
    assert lake.append("outcomes", outcomes("a", "b").to_reader(max_chunksize=1)) == 2


def test_a_stream_that_breaks_adds_nothing(lake):
    def batches():
        yield outcomes("a").to_batches()[0]
        raise OSError("the disk went away")

    with pytest.raises((StoreError, OSError)):
        lake.append("outcomes", pa.RecordBatchReader.from_batches(SCHEMAS["outcomes"], batches()))
    assert ids(lake) == []


def test_lists_and_nulls_survive(lake):
    row = {"decision_id": "d", "candidates": ["none", "mail.a"], "probability": None, "at": AT, "received_at": AT}
    lake.append("decisions", pa.Table.from_pylist([row], schema=SCHEMAS["decisions"]))
    (back,) = lake.read("decisions").to_pylist()
    assert back["candidates"] == ["none", "mail.a"] and back["probability"] is None


def test_an_ibis_table_shows_the_version_at_which_it_was_made(lake):
    lake.append("outcomes", outcomes("a"))
    connection = ibis.duckdb.connect()
    before = lake.ibis_table(connection, "outcomes")
    lake.append("outcomes", outcomes("b"))
    assert before.count().execute() == 1
    assert lake.ibis_table(connection, "outcomes").count().execute() == 2
    assert before.schema() == ibis.memtable(SCHEMAS["outcomes"].empty_table()).schema()


def test_a_path_that_delta_cannot_hold_is_refused_at_once(tmp_path):
    with pytest.raises(ConfigurationError, match="choose another home"):
        Lake(tmp_path / "a[1]")


def test_a_damaged_table_is_an_error_of_ours(lake):
    lake.append("outcomes", outcomes("a"))
    next((lake.path / "outcomes" / "_delta_log").glob("*.json")).write_text("{")
    with pytest.raises(StoreError, match="outcomes"):
        lake.read("outcomes")


def append_shared(path, name):
    lake = Lake(path)
    for start in range(5):
        lake.append("outcomes", outcomes(f"{name}{start}", *(f"shared{start}-{i}" for i in range(20))))


def test_processes_that_append_the_same_rows_at_once_do_not_double_them(lake):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=append_shared, args=(lake.path, name)) for name in "abc"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert len(ids(lake)) == len(set(ids(lake))) == 15 + 100


def test_rows_of_a_query_are_written_as_they_are(lake):
    with lake.lock(), duckdb_session() as connection:
        connection.register("rows", outcomes("a", "b"))
        assert lake.write("outcomes", connection, "FROM rows") == 2
        assert lake.write("outcomes", connection, "FROM rows LIMIT 0") == 0
    assert (ids(lake), lake.version("outcomes"), len(list((lake.path / "outcomes").glob("*.parquet")))) == (["a", "b"], 0, 1)


def test_a_query_that_fails_leaves_no_file_behind(lake):
    with pytest.raises(StoreError), duckdb_session() as connection:
        connection.register("rows", outcomes("a"))
        lake.write("outcomes", connection, "SELECT * REPLACE (error('broken') AS kind) FROM rows")
    assert not lake.exists("outcomes") and not list((lake.path / "outcomes").glob("*"))


def test_a_file_without_a_commit_is_no_part_of_the_table(lake):
    lake.append("outcomes", outcomes("a"))
    (file,) = lake.files("outcomes")
    (lake.path / "outcomes" / "part-killed.parquet").write_bytes(Path(file).read_bytes())
    assert ids(lake) == ["a"]


@pytest.fixture
def older(lake):
    """A lake that was written when outcomes had no value yet."""
    write_deltalake(lake.path / "outcomes", outcomes("old").drop_columns(["value", "position"]))
    return lake


def test_a_lake_of_an_earlier_version_is_read_with_nulls(older):
    assert older.read("outcomes").to_pylist()[0] | {"value": None} == older.read("outcomes").to_pylist()[0]
    table = older.ibis_table(ibis.duckdb.connect(), "outcomes")
    assert (table.message_id.max().execute(), table.value.count().execute()) == ("old", 0)
    assert set(table.columns) == set(SCHEMAS["outcomes"].names)
    with duckdb_session() as connection:
        (row,) = connection.execute(f"SELECT message_id, value FROM {older.relation('outcomes')}").fetchall()
    assert row == ("old", None)
    assert older.last_position("outcomes") == 0


def test_a_lake_of_an_earlier_version_is_added_to(older):
    assert older.append("outcomes", outcomes("old", "new", value=2.0)) == 1
    values = {row["message_id"]: row["value"] for row in DeltaTable(older.path / "outcomes").to_pyarrow_table().to_pylist()}
    assert values == {"old": None, "new": 2.0}
    assert {row["message_id"]: row["value"] for row in older.read("outcomes").to_pylist()} == values
    with duckdb_session() as connection:
        rows = connection.execute(f"SELECT message_id, value FROM {older.relation('outcomes')}").fetchall()
    assert dict(rows) == values


def test_delta_sees_what_was_written_with_its_types(lake):
    row = {"decision_id": "d", "candidates": ["none"], "probability": 0.5, "at": AT, "received_at": AT}
    lake.append("decisions", pa.Table.from_pylist([row], schema=SCHEMAS["decisions"]))
    table = DeltaTable(lake.path / "decisions").to_pyarrow_table()
    assert table.num_rows == 1 and table.schema.names == SCHEMAS["decisions"].names
    assert table["at"].type == SCHEMAS["decisions"].field("at").type


def test_identifiers_say_the_same_in_any_order():
    with duckdb_session() as connection:
        names = [name for name in SCHEMAS["interactions"].names if name != "identifiers"]
        nulls = ", ".join(f'NULL::VARCHAR AS "{name}"' for name in names)
        rows = " UNION ALL ".join(f"SELECT {nulls}, {each}::VARCHAR[] AS identifiers" for each in ("['a', 'b']", "['b', 'a']"))
        (count,) = connection.execute(f"SELECT count(DISTINCT {content_digest('interactions')}) FROM ({rows})").fetchall()
    assert count == (1,)


@pytest.mark.parametrize("column", ["traits", "properties"])
def test_json_says_the_same_with_its_members_in_any_order(column):
    with duckdb_session() as connection:
        nulls = ", ".join(
            f'NULL::VARCHAR AS "{name}"' for name in SCHEMAS["interactions"].names if name not in (column, "identifiers")
        )
        texts = ['{"a":1,"b":{"c":"x","d":2}}', '{"b":{"d":2,"c":"x"},"a":1}', '{"b":{"d":2,"c":"x"},"a":2}']
        union = " UNION ALL ".join(f"SELECT {nulls}, NULL::VARCHAR[] AS identifiers, '{text}' AS {column}" for text in texts)
        digests = connection.execute(f"SELECT {content_digest('interactions')} FROM ({union})").fetchall()
    assert digests[0] == digests[1] != digests[2]
