import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.insights import Column, Table, Unit

COLUMNS = [Column("touchpoint", "Touchpoint", link="customer"), Column("rate", "Rate", Unit.SHARE, "answered, of all")]


def table(*rows):
    return Table(name="rates", title="Rates", columns=tuple(COLUMNS), rows=rows, note="small counts are shrunk")


def test_json_gives_the_same_table_back():
    told = table(("web.cart", 0.25), ("mail.offer", None))
    assert Table.from_json(json.loads(json.dumps(told.as_json()))) == told


def test_csv_holds_numbers_in_full_and_nothing_where_there_is_no_value():
    assert table(("web.cart", 1 / 3), ("mail.offer", None)).csv().splitlines() == [
        "touchpoint,rate",
        f"web.cart,{1 / 3!r}",
        "mail.offer,",
    ]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_spreadsheet_takes_no_text_for_a_formula(start):
    row = list(csv.reader(io.StringIO(table((f"{start}cmd()", -0.5)).csv(), newline="")))[1]
    assert row == [f"'{start}cmd()", "-0.5"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
@settings(max_examples=50)
def test_csv_keeps_whatever_text_there_is(texts):
    rows = list(csv.reader(io.StringIO(table(*((text, 1.0) for text in texts)).csv(), newline="")))[1:]
    assert [row[0].removeprefix("'") for row in rows] == [text.removeprefix("'") for text in texts]


def test_a_record_without_a_column_is_an_error():
    with pytest.raises(KeyError):
        Table.of("rates", "Rates", COLUMNS, [{"touchpoint": "web.cart"}])


def test_floats_of_a_table_are_written_as_people_would():
    values = [71.60000000000015, 2.2e-308, -1e-13, 1 / 3, 1234567.891, 3, True, None, float(2**60)]
    rates = Table.of("rates", "Rates", [Column("rate", "Rate")], [{"rate": value} for value in values])
    assert rates.column("rate") == [71.6, 0.0, 0.0, 0.333333333333, 1234567.891, 3, True, None, 1152921504610000000.0]
    assert [type(value) for value in rates.column("rate")][5:8] == [int, bool, type(None)]
    assert rates.csv().splitlines()[1:4] == ["71.6", "0.0", "0.0"]
