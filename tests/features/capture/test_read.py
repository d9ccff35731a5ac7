import gzip
import json
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from features.errors import CaptureError

PURCHASE = """
customer_id = "client"
touchpoint = {constant = "store.checkout"}
kind = {constant = "purchase"}
at = "at"
value = "amount"
"""
JSON = f'name = "shop"\n[[interactions]]\n{PURCHASE}'


def taken(shop):
    return sorted((row["customer_id"], row["value"]) for row in shop.rows())


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_in_the_first_line(shop, delimiter):
    shop.csv(delimiter.join(["client", "at", "amount"]) + "\n" + delimiter.join(["1", "2024-05-01", "2.5"]) + "\n")
    assert shop.column("customer_id") == ["1"]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_line_ends_blank_lines_and_quotes_are_understood(shop, newline):
    lines = ["client,at,amount", '"1","2024-05-01","2"', "", '"Müller, ""Bob""",2024-05-01,3', ""]
    shop.csv(newline.join(lines).encode("utf-8-sig"), PURCHASE)
    assert taken(shop) == [("1", 2.0), ('Müller, "Bob"', 3.0)]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "latin-1", "utf-8-sig"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_other_encodings_and_compressed_files_are_read(shop, encoding, pack):
    content = pack("client,at,amount\nMüller,2024-05-01,2\n".encode(encoding))
    shop.csv(content, PURCHASE, head=f'encoding = "{encoding}"', name="a.csv.gz" if pack is gzip.compress else "a.csv")
    assert taken(shop) == [("Müller", 2.0)]


def test_a_decimal_comma_is_read_when_the_mapping_says_so(shop):
    export = "client;at;amount\n1;2024-05-01;1.234,56\n2;2024-05-01;0,5\n3;2024-05-01;1.5\n"
    report = shop.csv(export, PURCHASE, head='decimal = ","')
    assert taken(shop) == [("1", 1234.56), ("2", 0.5)]
    assert list(report.reasons) == ["value '1.5' is not a finite number; check decimal"]


def test_broken_lines_go_to_the_quarantine_and_the_others_are_taken(shop):
    export = b'client,at,amount\n1,2024-05-01,1\n2,2024-05-01\n3,2024-05-01,3,4\n\xff\xfe,2024-05-01,4\n5,2024-05-01,5\n6,"x\n'
    report = shop.csv(export, PURCHASE)
    assert taken(shop) == [("1", 1.0), ("5", 5.0)]
    assert report.quarantined == {"interactions": 0, "lines": 4}
    assert all(reason.startswith("unreadable line: ") for reason in report.reasons)
    assert [row["row"] for row in sorted(shop.rows("quarantine"), key=lambda row: row["row"])] == [3, 4, 5, 7]


def test_columns_of_a_file_without_a_header_are_named_by_the_mapping(shop):
    shop.csv("1,2024-05-01,7\n", PURCHASE, head='header = ["client", "at", "amount"]')
    assert taken(shop) == [("1", 7.0)]


def test_texts_that_mean_no_value_are_listed(shop):
    shop.csv("client,at,amount\n1,2024-05-01,NA\n2,2024-05-01,\n", PURCHASE, head='missing = ["NA"]')
    assert taken(shop) == [("1", None), ("2", None)]


def test_json_lines_reach_into_objects_and_broken_lines_cost_only_themselves(shop):
    lines = [
        json.dumps({"user": {"id": 7}, "at": "2024-05-01T10:00:00Z", "amount": 2.5, "a/b~c": "x", "flag": True}),
        '{"user": {"id": 8}',
        "[1, 2]",
        "",
        json.dumps({"user.id": "9", "at": "2024-05-01", "amount": None}),
        '{"user": {"id": "\\ud800"}, "at": "2024-05-01"}',
        '{"user": {"id": "n\\u0000l"}, "at": "2024-05-01"}',
    ]
    mapping = JSON.replace('"client"', '"user.id"') + 'properties = ["a/b~c", "flag"]\n'
    report = shop.ingest(mapping, shop.write("a.jsonl", "\ufeff" + "\n".join(lines)))
    rows = {row["customer_id"]: row for row in shop.rows()}
    assert (rows["7"]["value"], rows["7"]["properties"]) == (2.5, '{"a/b~c":"x","flag":"true"}')
    assert rows["9"]["value"] is None
    assert report.quarantined["lines"] >= 2
    assert sum(report.accepted.values()) + sum(report.quarantined.values()) == 6


def test_a_name_that_no_json_line_has_is_told_of(shop):
    shop.ingest(JSON, shop.write("a.jsonl", '{"client": "1", "at": "2024-05-01", "amuont": 3}'))
    assert shop.messages[1] == "a.jsonl: no line has a value for 'amount'; if that is not so, correct the name in the mapping"


def test_all_properties_of_a_row_can_be_kept(shop):
    shop.csv('client,at,amount,"odd ""name"""\n1,2024-05-01,2,x\n', PURCHASE + 'properties = "*"\n')
    assert json.loads(shop.rows()[0]["properties"]) == {"client": "1", "at": "2024-05-01", "amount": "2", 'odd "name"': "x"}


def write_parquet(shop, **columns):
    path = shop.folder / "a.parquet"
    parquet.write_table(pa.table(columns), path)
    return path


def test_parquet_columns_of_every_type_are_read_as_their_text(shop):
    path = write_parquet(
        shop,
        client=pa.array([7.0, None, 9.5]),
        at=pa.array([datetime(2024, 5, 1, 10), datetime(2024, 5, 1, 11), datetime(2024, 5, 1, 12)], pa.timestamp("ns")),
        amount=pa.array([0.1, 0.2, float("nan")]),
        day=pa.array([date(2024, 5, 1)] * 3),
        tags=pa.array([["a", "b"], [], None]),
        file_row_number=pa.array([1, 2, 3]),
    )
    report = shop.ingest(JSON + 'properties = ["day", "tags", "file_row_number"]\n', path)
    assert taken(shop) == [("7", 0.1)]
    assert set(report.reasons) == {"no customer_id", "value 'nan' is not a finite number; check decimal"}
    assert json.loads(shop.rows()[0]["properties"]) == {"day": "2024-05-01", "tags": '["a","b"]', "file_row_number": "1"}


def test_parquet_times_with_a_zone_keep_their_moment(shop):
    at = pa.array([datetime(2024, 5, 1, 10, tzinfo=UTC)], pa.timestamp("ms", tz="Asia/Tokyo"))
    shop.ingest('timezone = "America/New_York"\n' + JSON, write_parquet(shop, client=["1"], at=at, amount=[1.0]))
    assert shop.column("at") == [datetime(2024, 5, 1, 10, tzinfo=UTC)]


def test_rows_are_numbered_in_the_order_of_a_large_file(shop):
    size = 300_000
    clients = [str(nth) if nth % 100_000 else "" for nth in range(size)]
    path = write_parquet(shop, client=clients, at=["2024-05-01"] * size, amount=["1"] * size)
    report = shop.ingest(JSON, path)
    assert report.accepted == {"interactions": size - 3}
    assert sorted(row["row"] for row in shop.rows("quarantine")) == [1]  # three equal rows are one refused record


def test_names_that_look_like_patterns_are_names(shop):
    shop.write("a1.csv", "client,at,amount\nwrong,2024-05-01,1\n")
    shop.csv("client,at,amount\nright,2024-05-01,1\n", PURCHASE, name="a[1]*.csv")
    assert shop.column("customer_id") == ["right"]


def test_a_header_alone_is_an_export_without_records(shop):
    assert shop.csv("client,at,amount\n", PURCHASE).accepted == {"interactions": 0}
    assert not shop.lake.exists("interactions")


def truncated(content):
    return content[: len(content) // 2]


def a_parquet(shop):
    return write_parquet(shop, client=["1"] * 1000, at=["2024-05-01"] * 1000, amount=["1"] * 1000).read_bytes()


def a_gzip(shop):
    return gzip.compress(b"client,at,amount\n" + b"".join(b"%d,2024-05-01,1\n" % (nth * 7919) for nth in range(9999)))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", lambda shop: b"", "the file is empty"),
        ("a.csv.gz", lambda shop: gzip.compress(b""), "line 1 names no columns"),
        ("a.csv.gz", lambda shop: truncated(a_gzip(shop)), "cannot be read"),
        ("a.csv.gz", lambda shop: b"client,at,amount\n", "cannot be read"),
        ("b.parquet", lambda shop: truncated(a_parquet(shop)), "cannot be read"),
        ("b.parquet", lambda shop: b"client,at,amount\n1,2024-05-01,1\n", "cannot be read"),
        ("a.json", lambda shop: b'[{"client": 1}, {"client": 2', "not a JSON document"),
        ("a.xlsx", lambda shop: b"x", "the name does not tell the format"),
        (
            "a.csv",
            lambda shop: b"clients,at,amount\n1,2024-05-01,1\n",
            "no column 'client', which interactions.0.customer_id needs",
        ),
        ("a.csv", lambda shop: b"clients,at,amount\n1,2024-05-01,1\n", "did you mean 'clients'"),
        ("a.csv", lambda shop: b"Client,CLIENT,at,amount\n1,2,2024-05-01,1\n", "no column 'client'"),
        ("a.csv", lambda shop: b"client,at,amount,at\n1,2024-05-01,1,2\n", "two columns have the same name"),
    ],
)
def test_an_unusable_file_is_refused_clearly_and_leaves_no_trace(shop, name, content, message):
    with pytest.raises(CaptureError, match=message):
        shop.ingest(JSON, shop.write(name, content(shop)))
    assert not shop.lake.exists("interactions") and not shop.lake.exists("quarantine")


def test_a_damaged_page_in_the_middle_is_refused_and_leaves_no_trace(shop):
    content = bytearray(a_parquet(shop))
    content[4:60] = b"\xff" * 56
    with pytest.raises(CaptureError, match="nothing of it was taken"):
        shop.ingest(JSON, shop.write("b.parquet", bytes(content)))
    assert not shop.lake.exists("interactions") and not shop.lake.exists("quarantine")


def test_a_wrong_encoding_names_the_key_to_set(shop):
    with pytest.raises(CaptureError, match="set `encoding` in the mapping"):
        shop.csv(b"client,at,amount\nM\xfcller,2024-05-01,1\n", PURCHASE, head='encoding = "ascii"')


def test_a_first_line_without_end_is_refused_before_it_fills_the_memory(shop):
    with pytest.raises(CaptureError, match="line 1 has more than"):
        shop.csv(gzip.compress(b"a" * (1 << 21)), PURCHASE, name="a.csv.gz")
