"""A packed row is exactly what was packed, however it was packed."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.store.definitions import entity_key
from features.store.packing import Layout

LAYOUT = Layout({"sum": "float", "mean": "float", "count": "int", "last_at": "int", "stage": "text", "trait": "text"})
ARROW = {"float": pa.float64(), "int": pa.int64(), "text": pa.string()}
SCHEMA = pa.schema([(name, ARROW[dtype]) for name, dtype in LAYOUT.columns])
FLOATS = st.none() | st.floats(allow_nan=False)
INTS = st.none() | st.integers(-(2**63), 2**63 - 1)
TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
OF = {"float": FLOATS, "int": INTS, "text": TEXTS}
ROWS = st.fixed_dictionaries({name: OF[dtype] for name, dtype in LAYOUT.columns})
TIMES = st.integers(-(2**53), 2**53)


@given(values=ROWS, at=TIMES)
def test_what_is_unpacked_is_what_was_packed_to_the_bit(values: dict[str, Any], at: int) -> None:
    packed = LAYOUT.pack(at, values)
    assert LAYOUT.unpack(packed) == values and LAYOUT.at(packed) == at
    assert {name: type(value) for name, value in LAYOUT.unpack(packed).items()} == {n: type(v) for n, v in values.items()}
    assert packed.startswith(LAYOUT.name)


@given(rows=st.lists(st.tuples(TIMES, ROWS), max_size=5))
def test_rows_of_a_batch_are_packed_as_each_would_be(rows: list[tuple[int, dict[str, Any]]]) -> None:
    batch = pa.RecordBatch.from_pylist([values for _, values in rows], schema=SCHEMA)
    at = pa.array([at for at, _ in rows], pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    assert LAYOUT.pack_rows(batch, at) == [LAYOUT.pack(at, values) for at, values in rows]


def test_nan_is_null_as_none_is_and_infinity_is_not() -> None:
    values = {"sum": float("nan"), "mean": float("inf"), "count": None, "stage": ""}
    packed = LAYOUT.pack(0, values)
    assert LAYOUT.unpack(packed) == {
        **dict.fromkeys(["sum", "count", "last_at", "trait"]),
        "mean": float("inf"),
        "stage": "",
    }
    batch = pa.RecordBatch.from_pylist([{**values, "last_at": None, "trait": None}], schema=SCHEMA)
    assert LAYOUT.pack_rows(batch, pa.array([datetime(1970, 1, 1, tzinfo=UTC)])) == [packed]


def test_numbers_of_other_arrow_types_are_packed_when_they_fit_exactly() -> None:
    layout = Layout({"count": "int"})
    at, big = pa.array([0], pa.timestamp("us", tz="UTC")), 2**53 + 1
    for dtype in (pa.int32(), pa.decimal128(38, 0)):
        rows = pa.RecordBatch.from_pylist([{"count": 7}], schema=pa.schema([("count", dtype)]))
        assert layout.unpack(layout.pack_rows(rows, at)[0]) == {"count": 7}
    rows = pa.RecordBatch.from_pylist([{"count": big}], schema=pa.schema([("count", pa.int64())]))
    assert layout.unpack(layout.pack_rows(rows, at)[0]) == {"count": big}
    with pytest.raises(pa.ArrowInvalid):
        layout.pack_rows(pa.RecordBatch.from_pylist([{"count": 7.5}]), at)


def test_a_layout_has_one_name_whatever_the_order_of_its_columns_and_another_for_others() -> None:
    first, second = Layout({"a": "int", "b": "text"}), Layout({"b": "text", "a": "int"})
    assert first.name == second.name == Layout.of_json(first.to_json()).name
    assert first.pack(1, {"a": 2, "b": "x"}) == second.pack(1, {"b": "x", "a": 2})
    others = [Layout({"a": "float", "b": "text"}), Layout({"a": "int", "c": "text"}), Layout({"a": "int"})]
    assert len({first.name, *(other.name for other in others)}) == 4


def test_texts_stand_in_a_row_as_they_are_so_that_the_erased_can_be_looked_for() -> None:
    assert "straße 7".encode() in LAYOUT.pack(0, {"trait": "straße 7"})


@pytest.mark.parametrize("identifier", ["ann", "", "email:" + "e" * 64, "käthe\x00b"])
def test_a_key_is_the_one_that_feast_makes(identifier: str) -> None:
    from feast.infra.key_encoding_utils import serialize_entity_key
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    key = EntityKey(join_keys=["customer_id"], entity_values=[Value(string_val=identifier)])
    assert entity_key(identifier) == serialize_entity_key(key, entity_key_serialization_version=3)
