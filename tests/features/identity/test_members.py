"""Who was whose at a time, worked by hand."""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.identity import Members

ROWS = [  # identifier, customer_id, valid_from, valid_to: a cookie that becomes Ann's at 20, and Bob's at 40
    ("cookie", "cookie", 10, 20),
    ("cookie", "ann", 20, 40),
    ("cookie", "bob", 40, None),
    ("email", "ann", 30, None),
    ("ann", "ann", 20, None),
    ("bob", "bob", 40, None),
]


@pytest.fixture
def members(tmp_path: Path) -> Members:
    names = ("identifier", "customer_id", "valid_from", "valid_to")
    table = pa.Table.from_pylist([dict(zip(names, row, strict=True)) | {"since": 0} for row in ROWS])
    folder = tmp_path / "it's [here]"
    folder.mkdir()
    pq.write_table(table, folder / "members.parquet")
    return Members.load(folder)


def expanded(members: Members, *asked: tuple[str, int]) -> list[tuple[int, str]]:
    names, at = zip(*asked, strict=True)
    rows, identifiers = members.expand(np.array(names, object), np.array(at, np.int64))
    assert (rows.dtype, identifiers.dtype) == (np.dtype(np.int64), np.dtype(object))
    return list(zip(rows.tolist(), identifiers.tolist(), strict=True))


def test_a_customer_has_the_identifiers_that_were_theirs_at_that_time(members: Members) -> None:
    assert expanded(members, ("ann", 40), ("ann", 39), ("ann", 25)) == [
        (0, "ann"),
        (0, "email"),
        (1, "ann"),
        (1, "cookie"),
        (1, "email"),
        (2, "ann"),
        (2, "cookie"),
    ]


def test_who_is_not_named_by_then_is_alone(members: Members) -> None:
    assert expanded(members, ("ann", 19), ("zoe", 99), ("cookie", 5)) == [(0, "ann"), (1, "zoe"), (2, "cookie")]


def test_an_identifier_asks_for_the_customer_whose_it_was(members: Members) -> None:
    assert expanded(members, ("cookie", 15), ("cookie", 35)) == [(0, "cookie"), (1, "ann"), (1, "cookie"), (1, "email")]


def test_the_same_question_twice_has_two_answers(members: Members) -> None:
    assert expanded(members, ("bob", 50), ("bob", 50)) == [(0, "bob"), (0, "cookie"), (1, "bob"), (1, "cookie")]


def test_nothing_is_asked_and_nothing_known(members: Members, tmp_path: Path) -> None:
    rows, identifiers = members.expand(np.array([], object), np.array([], np.int64))
    assert len(rows) == len(identifiers) == 0
    assert expanded(Members.load(tmp_path / "none"), ("ann", 50), ("cookie", 50)) == [(0, "ann"), (1, "cookie")]


def test_as_of_today_it_is_a_relation(members: Members, tmp_path: Path) -> None:
    found = duckdb.sql(f"FROM {members.relation()} ORDER BY ALL").fetchall()
    assert found == [("ann", "ann"), ("bob", "bob"), ("cookie", "bob"), ("email", "ann")]
    assert duckdb.sql(f"FROM {Members.load(tmp_path).relation()}").fetchall() == []
