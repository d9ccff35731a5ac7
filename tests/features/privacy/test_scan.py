import gzip
import json
import sqlite3
import zipfile
from contextlib import closing

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import StoreError
from features.privacy.scan import places_holding

SECRET = "ann@example.com"


def parquet(path, values, **options):
    pq.write_table(pa.table({"column": values}), path, **options)


def test_a_text_is_found_wherever_it_hides(tmp_path):
    (tmp_path / "plain.txt").write_text(f"to {SECRET}, by mail")
    (tmp_path / f"{SECRET}.csv").write_text("nothing")
    with gzip.open(tmp_path / "a.gz", "wt") as file:
        file.write("x" * ((1 << 20) - 5) + SECRET)  # across the border of two chunks
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside.csv", f"a,{SECRET}")
    parquet(tmp_path / "c.parquet", [[f"mail {SECRET}"]], compression="zstd", write_statistics=False)
    (tmp_path / "deep").mkdir()
    parquet(tmp_path / "deep" / "d.parquet", [{"inner": {"who": [SECRET]}}], compression="zstd", write_statistics=False)
    (tmp_path / "empty").touch()
    decoded = [f"{SECRET}.csv: name", "a.gz: rows", "b.zip: rows", "c.parquet: rows", "deep/d.parquet: rows"]
    assert {*decoded, "plain.txt: bytes"} <= set(places_holding(tmp_path, [SECRET]))
    assert places_holding(tmp_path, ["bob@example.com"]) == []


def test_the_statistics_in_a_parquet_footer_are_found(tmp_path):
    parquet(tmp_path / "a.parquet", ["ann", "bob"], compression="zstd")
    assert places_holding(tmp_path, ["bob"]) == ["a.parquet: bytes", "a.parquet: rows"]


def test_rows_of_a_database_are_found_in_its_log_and_after_their_deletion_in_its_pages(tmp_path):
    with closing(sqlite3.connect(tmp_path / "a.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (who TEXT)")
        connection.execute("INSERT INTO t VALUES (?)", [SECRET])
        connection.commit()
        assert "a.db: rows" in places_holding(tmp_path, [SECRET])
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("DELETE FROM t")
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert places_holding(tmp_path, [SECRET]) == ["a.db: bytes"]
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert places_holding(tmp_path, [SECRET]) == []


def test_a_text_is_found_as_json_writes_it(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"who": 'Jürgen "Jo"'}))
    assert places_holding(tmp_path, ['Jürgen "Jo"']) == ["a.json: bytes"]


def test_what_cannot_be_searched_is_an_error_and_not_a_clean_bill(tmp_path):
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(StoreError, match=r"torn\.parquet"):
        places_holding(tmp_path, [SECRET])
    with pytest.raises(StoreError, match="empty text"):
        places_holding(tmp_path, [""])
