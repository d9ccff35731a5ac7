"""How records lie in files: archives, JSON documents, nested arrays, headers that drift."""

import io
import json
import zipfile
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from features.capture.archive import unpacked
from features.capture.documents import is_document, write_lines
from features.errors import CaptureError

VIEW = """
name = "web"
FORM
[[interactions]]
customer_id = "client"
touchpoint = {constant = "web.page"}
kind = {constant = "view"}
at = "at"
"""


def mapping(form="", more=""):
    return VIEW.replace("FORM", form) + more


def zipped(path, members, **options):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_every_file_in_a_zip_is_taken(shop):
    members = {
        "a/one.csv": "client,at\n1,2024-05-01\n",
        "two.jsonl": '{"client": "2", "at": "2024-05-01"}\n{"client": "3"}',
        "__MACOSX/._one.csv": "x",
        "a/.DS_Store": "x",
    }
    report = shop.ingest(mapping(), zipped(shop.folder / "export.zip", members))
    assert (report.accepted, report.quarantined) == ({"interactions": 2}, {"interactions": 1})
    assert [row["file"] for row in shop.rows("quarantine")] == ["export.zip/two.jsonl"]
    assert shop.messages[0] == "export.zip/a/one.csv: reading"


def test_a_lookup_is_found_beside_the_zip(shop):
    shop.write("names.csv", "number,client\n7,ada\n")
    form = '[lookups.names]\nfile = "names.csv"\nkey = "number"'
    shop.ingest(mapping(form), zipped(shop.folder / "export.zip", {"a.csv": "number,at\n7,2024-05-01\n"}))
    assert shop.column("customer_id") == ["ada"]


def test_an_archive_that_would_grow_beyond_measure_is_refused_unopened(shop):
    path = zipped(shop.folder / "bomb.zip", {"a.csv": b"0" * (70 << 20)})
    with pytest.raises(CaptureError, match=r"a.csv would grow to more than 200 times its packed size"):
        list(unpacked(path, shop.folder))
    assert not (shop.folder / "0").exists()


def test_an_archive_that_lies_about_its_sizes_is_damaged(shop):
    content = bytearray(zipped(shop.folder / "a.zip", {"a.csv": b"0123456789" * 1000}).read_bytes())
    place = content.rindex(b"PK\x01\x02") + 24  # the uncompressed size in the central directory
    content[place : place + 4] = (100).to_bytes(4, "little")
    with pytest.raises(CaptureError, match="cannot be unpacked"):
        list(unpacked(shop.write("lie.zip", bytes(content)), shop.folder))


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"PK\x03\x04 broken", "cannot be unpacked"), (None, "there is no file in the archive")],
)
def test_an_unusable_archive_is_refused_clearly(shop, content, message):
    path = zipped(shop.folder / "a.zip", {}) if content is None else shop.write("a.zip", content)
    with pytest.raises(CaptureError, match=message):
        shop.ingest(mapping(), path)


RECORDS = [{"client": str(nth), "at": "2024-05-01", "tags": ["é", {"x": None}]} for nth in range(3)]


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (json.dumps(RECORDS), ""),
        (json.dumps(RECORDS, indent=2), ""),
        ("\ufeff " + json.dumps(RECORDS), ""),
        (json.dumps({"total": 3, "data": {"more": [1], "events": RECORDS}}), 'records = "data.events"'),
        (json.dumps({"data": {"events": RECORDS}, "total": 3}, indent=1), 'records = "data.events"'),
        ("\n".join(json.dumps({"data": {"events": part}}) for part in (RECORDS[:1], RECORDS[1:])), 'records = "data.events"'),
        ("\n".join(json.dumps(each, indent=1) for each in RECORDS), ""),
        ("\n".join(map(json.dumps, RECORDS)), 'records = "data.events"'),
    ],
)
def test_records_lie_in_lines_in_an_array_or_in_an_object(shop, content, form):
    report = shop.ingest(mapping(form, 'properties = ["tags"]\n'), shop.write("a.json", content))
    assert (report.accepted, report.quarantined) == ({"interactions": 3}, {"interactions": 0})
    assert shop.column("customer_id") == ["0", "1", "2"]
    assert json.loads(json.loads(shop.rows()[0]["properties"])["tags"]) == ["é", {"x": None}]


def test_a_document_is_read_piece_by_piece(monkeypatch):
    monkeypatch.setattr("features.capture.documents._PIECE", 7)
    source = json.dumps({"skip": {"events": 1}, "events": RECORDS, "after": "x" * 50})
    target = io.StringIO()
    write_lines(io.StringIO(source), target, records="events", path="a.json")
    assert [json.loads(line) for line in target.getvalue().splitlines()] == RECORDS


@pytest.mark.parametrize("text", ['[{"a": 1}', '[{"a": 1} {"a": 2}]', '{"events": [1, }', "[1, 2", '{"a": [1]} ]'])
def test_a_broken_document_is_refused_whole(text):
    with pytest.raises(CaptureError, match="not a JSON document"):
        write_lines(io.StringIO(text), io.StringIO(), records="events", path="a.json")


def test_a_broken_first_line_is_a_broken_line_and_no_document():
    assert not is_document(io.StringIO('{"a": 1\n{"a": 2}\n'), records=None)
    assert is_document(io.StringIO('{\n"a": 1}'), records=None)


def test_each_element_of_a_nested_array_makes_a_row_with_the_element_in_its_place(shop):
    order = {"client": "1", "at": "2024-05-01", "cart": {"items": [{"sku": "a"}, {"sku": "b"}, {"sku": "b"}]}}
    records = [order, {"client": "2", "at": "2024-05-01", "cart": {"items": []}}, {"client": "3", "at": "2024-05-01"}]
    content = "\n".join(map(json.dumps, records))
    shop.ingest(mapping('each = "cart.items"', 'properties = {sku = "cart.items.sku"}\n'), shop.write("a.jsonl", content))
    skus = sorted((row["customer_id"], row["properties"]) for row in shop.rows() if row["properties"])
    assert skus == [("1", '{"sku":"a"}'), ("1", '{"sku":"b"}'), ("1", '{"sku":"b"}')]  # twice in one basket is two items
    assert sorted(row["customer_id"] for row in shop.rows() if not row["properties"]) == ["2", "3"]


GA4 = """
name = "web"
pairs = ["event_params"]
[[interactions]]
customer_id = "user.id"
touchpoint = {column = "event_params.page", map = {"/" = "web.page"}}
kind = {constant = "view"}
at = {column = "micros", unit = "us"}
value = "event_params.value"
properties = ["event_params.missing", "tags"]
"""
PARAMETERS = [
    {"key": "page", "value": {"string_value": "/", "int_value": None}},
    {"key": "value", "value": {"string_value": None, "int_value": 7}},
]


def test_pairs_of_key_and_value_are_read_like_an_object_in_json(shop):
    record = {"user": {"id": "1"}, "micros": 1714557600000000, "event_params": PARAMETERS, "tags": [{"name": "x", "value": 1}]}
    named = {**record, "user": {"id": "2"}, "event_params": [{"name": "page", "value": "/"}]}
    shop.ingest(GA4, shop.write("a.jsonl", json.dumps(record) + "\n" + json.dumps(named)))
    rows = {(row["customer_id"], row["touchpoint"], row["value"]) for row in shop.rows()}
    assert rows == {("1", "web.page", 7.0), ("2", "web.page", None)}
    assert shop.column("at")[0].isoformat() == "2024-05-01T10:00:00+00:00"


def test_nested_parquet_is_reached_into_like_json(shop):
    table = pa.table(
        {
            "user": [{"id": 7, "age": 5}],
            "micros": [1714557600000000],
            "event_params": [PARAMETERS],
            "tags": [["a"]],
        }
    )
    parquet.write_table(table, shop.folder / "a.parquet")
    shop.ingest(GA4, shop.folder / "a.parquet")
    (row,) = shop.rows()
    assert (row["customer_id"], row["value"], row["properties"]) == ("7", 7.0, '{"tags":"[\\"a\\"]"}')


def test_headers_may_drift_between_the_files_of_a_source(shop):
    text = mapping("", 'value = {column = ["amount", "total"], optional = true}\nproperties = "*"\n')
    files = [
        shop.write("a.csv", "client,at,amount\n1,2024-05-01,5\n"),
        shop.write("b.csv", "Client ,AT,Total\n2,2024-05-01,6\n"),
        shop.write("c.csv", "client,at,amount,total,new\n3,2024-05-01,,7,x\n4,2024-05-01,8,9,x\n"),
        shop.write("d.csv", "at,client\n2024-05-01,5\n"),
    ]
    assert shop.ingest(text, *files).accepted == {"interactions": 5}
    assert sorted((row["customer_id"], row["value"]) for row in shop.rows()) == [
        ("1", 5.0),
        ("2", 6.0),
        ("3", 7.0),
        ("4", 8.0),
        ("5", None),
    ]


def test_alternatives_of_which_no_file_has_one_are_named(shop):
    text = mapping("", 'value = ["amount", "total"]\n')
    with pytest.raises(CaptureError, match="no column 'amount' or 'total', which"):
        shop.ingest(text, shop.write("a.csv", "client,at\n1,2024-05-01\n"))


def test_parquet_times_and_numbers_mean_the_same_typed_and_as_text(shop):
    at = [datetime(2024, 5, 1, 10, 0, 0, 123456), datetime(2024, 3, 31, 2, 30), None]  # the second one, clocks skip
    typed = pa.table({"client": ["1", "2", "3"], "at": pa.array(at, pa.timestamp("us")), "amount": [0.1, float("nan"), 1.0]})
    texts = pa.table({"client": ["1", "2", "3"], "at": [str(each or "") for each in at], "amount": ["0.1", "nan", "1.0"]})
    rows = []
    for nth, table in enumerate((typed, texts)):
        path = shop.folder / f"{nth}.parquet"
        parquet.write_table(table, path)
        head = 'timezone = "Europe/Berlin"\n' + mapping("", 'value = "amount"').replace('"web"', f'"web{nth}"', 1)
        report = shop.ingest(head, path)
        rows.append(([(row["at"], row["value"]) for row in shop.rows() if row["source"] == f"web{nth}"], report.reasons))
    assert rows[0] == rows[1]
    assert len(rows[0][0]) == 1
