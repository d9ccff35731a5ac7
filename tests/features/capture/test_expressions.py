from datetime import UTC, datetime

import pytest

from features.errors import CaptureError

BASE = """
customer_id = "client"
touchpoint = {constant = "web.page"}
kind = {constant = "view"}
"""


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("2024-05-01", '"t"', datetime(2024, 5, 1)),
        ("2024-05-01 10:20", '"t"', datetime(2024, 5, 1, 10, 20)),
        ("2024-05-01T10:20:30.123456", '"t"', datetime(2024, 5, 1, 10, 20, 30, 123456)),
        ("2024-05-01T10:20:30.123456789Z", '"t"', datetime(2024, 5, 1, 10, 20, 30, 123456)),
        ("2024-05-01T10:20:30z", '"t"', datetime(2024, 5, 1, 10, 20, 30)),
        ("2024-05-01 10:20:30 UTC", '"t"', datetime(2024, 5, 1, 10, 20, 30)),
        ("2024-05-01T10:20:30+05:30", '"t"', datetime(2024, 5, 1, 4, 50, 30)),
        ("2024-05-01T10:20:30-0400", '"t"', datetime(2024, 5, 1, 14, 20, 30)),
        ("2024-05-01", '{column = "t", timezone = "Europe/Berlin"}', datetime(2024, 4, 30, 22)),
        ("2024-05-01T10:20:30Z", '{column = "t", timezone = "Europe/Berlin"}', datetime(2024, 5, 1, 10, 20, 30)),
        ("24/12/23 18:05", '{column = "t", format = "%d/%m/%y %H:%M"}', datetime(2023, 12, 24, 18, 5)),
        ("20231224", '{column = "t", format = "%Y%m%d", timezone = "America/New_York"}', datetime(2023, 12, 24, 5)),
        ("24/12/23 18:05 +0100", '{column = "t", format = "%d/%m/%y %H:%M %z"}', datetime(2023, 12, 24, 17, 5)),
        ("1700000000", '{column = "t", unit = "s"}', datetime(2023, 11, 14, 22, 13, 20)),
        ("1700000000.25", '{column = "t", unit = "s"}', datetime(2023, 11, 14, 22, 13, 20, 250000)),
        ("1700000000123", '{column = "t", unit = "ms"}', datetime(2023, 11, 14, 22, 13, 20, 123000)),
        ("1700000000123456", '{column = "t", unit = "us"}', datetime(2023, 11, 14, 22, 13, 20, 123456)),
        (
            "36",
            '{column = "t", unit = "h", origin = 2024-01-01T00:00:00, timezone = "America/New_York"}',
            datetime(2024, 1, 2, 17),
        ),
    ],
)
def test_times_are_read_as_the_mapping_says(shop, text, field, expected):
    shop.csv(f"client;t\n1;{text}\n", BASE + f"at = {field}", head='delimiter = ";"')
    assert shop.column("at") == [expected.replace(tzinfo=UTC)]


@pytest.mark.parametrize(
    "text",
    [
        "1e300",
        "-1e300",
        "99999999999999999999",
        "soon",
        "2024-05-01 25:00",
        "2024-05-01T10:00+99:00",
        "294247-01-10",
        "12024-05-01",
    ],
)
@pytest.mark.parametrize(
    "field", ['"t"', '{column = "t", unit = "s"}', '{column = "t", unit = "us"}', '{column = "t", format = "%Y"}']
)
def test_no_text_however_odd_stops_an_ingest(shop, text, field):
    report = shop.csv(f"client,t\n1,{text}\n", BASE + f"at = {field}")
    assert sum(report.quarantined.values()) == 1


def test_a_format_that_nobody_knows_is_an_error_and_not_a_quarantine_of_everything(shop):
    with pytest.raises(CaptureError, match="%Q"):
        shop.csv("client,t\n1,x\n", BASE + 'at = {column = "t", format = "%Q"}')


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("1999", '{column = "v", scale = 0.01}', 19.99),
        ("5", '{column = "v", scale = -1}', -5.0),
        ("5", '{column = "v", scale = 1.5}', 7.5),
        ('"1,234,567.5"', '"v"', 1234567.5),
        ("-.5", '"v"', -0.5),
        ("1e-3", '"v"', 0.001),
        ("", '{column = "v", default = 2}', 2.0),
        ("free", '{column = "v", map = {free = 0}, default = 1}', 0.0),
    ],
)
def test_numbers_are_read_as_the_mapping_says(shop, text, field, expected):
    shop.csv(f"client,at,v\n1,2024-05-01,{text}\n", BASE + f'at = "at"\nvalue = {field}')
    assert shop.column("value") == [expected]


@pytest.mark.parametrize("text", ['"12,34"', "1_000", "0x10", "1 000", "--1", "1.2.3", "e5", "five", "Infinity"])
def test_what_only_looks_like_a_number_is_refused(shop, text):
    assert shop.csv(f"client,at,v\n1,2024-05-01,{text}\n", BASE + 'at = "at"\nvalue = "v"').quarantined == {"interactions": 1}


def test_a_template_without_one_of_its_parts_gives_no_value(shop):
    mapping = BASE + 'at = "at"\nmessage_id = {template = "{a}/{b c}"}'
    report = shop.csv("client,at,a,b c\n1,2024-05-01,x,y\n2,2024-05-01,x,\n", mapping)
    assert shop.column("message_id") == ["shop:x/y"]
    assert report.reasons == {"no message_id": 1}


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ('{column = "s", in = ["a", "b"]}', ["1", "2"]),
        ('{column = "s", not_in = ["a"]}', ["2", "3"]),
        ('{column = "s", not_null = true}', ["1", "2"]),
        ('{column = "s", not_null = false}', ["3"]),
        ('{column = "n", above = 1.5}', ["2", "3"]),
        ('{column = "n", below = 2}', ["1"]),
        ('[{column = "n", above = 1}, {column = "s", in = ["b"]}]', ["2"]),
        ('{column = "n", in = [1, 3]}', ["1", "3"]),
        ('{column = "n", in = []}', []),
    ],
)
@pytest.mark.parametrize("place", ["section", "top"])
def test_filters_choose_rows(shop, where, kept, place):
    section = f"\nwhere = {where}" if place == "section" else ""
    head = f"where = {where}" if place == "top" else ""
    shop.csv("client,at,s,n\n1,2024-05-01,a,1\n2,2024-05-01,b,2\n3,2024-05-01,,3\n", BASE + 'at = "at"' + section, head=head)
    assert shop.column("customer_id") == kept


def test_blanks_around_a_text_do_not_make_another_customer(shop):
    shop.csv("client,at\n 1 ,2024-05-01\n1\t,2024-05-02\n\u00a01,2024-05-03\n", BASE + 'at = "at"', head='delimiter = ","')
    assert shop.column("customer_id") == ["1", "1", "1"]
