"""One notation for times, money, directions and what customers wrote."""

import json
from datetime import UTC, datetime

import pytest

from features.capture.sentiments import LONGEST_TEXT, sentiments_of
from features.errors import ConfigurationError

VIEW = """
customer_id = "client"
touchpoint = {column = "where", default = "web.page"}
kind = {column = "what", default = "view"}
at = "at"
"""


def view(shop, rows, more="", *, head="", at='at = "at"'):
    return shop.csv(f"client,where,what,at,x,y\n{rows}", VIEW.replace('at = "at"', at) + more, head=head)


def times(shop):
    return [row["at"] for row in sorted(shop.rows(), key=lambda row: row["customer_id"])]


@pytest.mark.parametrize(
    ("local", "meant"),
    [
        ("2024-03-31 01:59", datetime(2024, 3, 31, 0, 59, tzinfo=UTC)),
        ("2024-03-31 02:30", datetime(2024, 3, 31, 1, 30, tzinfo=UTC)),  # skipped: counts as 03:30
        ("2024-03-31 03:30", datetime(2024, 3, 31, 1, 30, tzinfo=UTC)),
        ("2023-10-29 01:59", datetime(2023, 10, 28, 23, 59, tzinfo=UTC)),
        ("2023-10-29 02:30", datetime(2023, 10, 29, 1, 30, tzinfo=UTC)),  # shown twice: the second one
    ],
)
def test_local_times_that_clocks_skip_or_show_twice_have_one_meaning(shop, local, meant):
    view(shop, f"1,,,{local},,\n", head='timezone = "Europe/Berlin"')
    assert times(shop) == [meant]
    assert shop.column("original_at") == [local]


def test_years_of_two_digits_turn_at_1969(shop):
    at = 'at = {column = "at", format = "%d.%m.%y"}'
    report = view(shop, "1,,,31.12.99,,\n2,,,01.01.00,,\n3,,,01.02.24,,\n4,,,01.01.68,,\n5,,,01.01.69,,\n", at=at)
    assert times(shop) == [datetime(1999, 12, 31, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)]
    assert [reason.split("'")[2].split(";")[0] for reason in sorted(report.reasons)] == [" is in the future", " is before 1990"]


def test_a_foreign_currency_is_converted_and_the_original_kept(shop):
    more = 'value = "x"\ncurrency = "y"\nproperties = ["client"]\n'
    report = view(
        shop,
        "1,,,2024-05-01,10,eur\n2,,,2024-05-01,10,USD\n3,,,2024-05-01,10,\n4,,,2024-05-01,10,JPY\n5,,,2024-05-01,,EUR\n",
        more,
    )
    rows = {row["customer_id"]: (row["value"], json.loads(row["properties"])) for row in shop.rows()}
    assert rows == {
        "1": (15.0, {"client": "1", "currency": "EUR", "value_original": "10.0"}),
        "2": (10.0, {"client": "2"}),
        "3": (10.0, {"client": "3"}),
        "5": (None, {"client": "5"}),
    }
    assert list(report.reasons) == ["currency 'JPY' has no rate in the catalogue; add it to rates"]


def test_all_properties_keep_the_original_of_a_converted_value_too(shop):
    view(shop, "1,,,2024-05-01,10,GBP\n", 'value = "x"\ncurrency = "y"\nproperties = "*"\n')
    (row,) = shop.rows()
    assert (row["value"], json.loads(row["properties"])["value_original"]) == (20.0, "10.0")


def test_direction_and_form_are_told_or_follow_from_kind_and_touchpoint(shop):
    more = 'direction = "x"\ncontact_form = "y"\n'
    report = view(
        shop,
        "1,,contact,2024-05-01,,\n2,,view,2024-05-01,,\n3,,view,2024-05-01,outbound,indirect\n4,,,2024-05-01,up,\n",
        more,
    )
    told = {row["customer_id"]: (row["direction"], row["contact_form"]) for row in shop.rows()}
    assert told == {"1": ("outbound", "direct"), "2": ("inbound", "direct"), "3": ("outbound", "indirect")}
    assert list(report.reasons) == ["direction 'up' is not one of inbound, outbound; map it"]


def test_dark_traffic_is_kept_under_the_touchpoint_that_every_catalogue_has(shop):
    view(shop, "1,unknown.unknown,,2024-05-01,,\n")
    (row,) = shop.rows()
    assert (row["touchpoint"], row["channel"], row["stage"], row["contact_form"]) == (
        "unknown.unknown",
        "unknown",
        None,
        "direct",
    )


def test_the_sentiment_of_a_text_is_kept_and_the_text_is_not(shop):
    view(
        shop,
        "1,,,2024-05-01,I love it!,a\n2,,,2024-05-01,The worst service ever.,b\n3,,,2024-05-01,,c\n",
        'text = "x"\nproperties = "*"\n',
    )
    rows = sorted(shop.rows(), key=lambda row: row["customer_id"])
    assert [row["sentiment"] for row in rows] == [0.6696, -0.6249, None]  # as vaderSentiment 3.3.2 documents its compound score
    assert "x" not in json.loads(rows[0]["properties"]) and json.loads(rows[0]["properties"])["y"] == "a"


def test_a_text_that_is_listed_is_kept(shop):
    view(shop, "1,,,2024-05-01,I love it!,a\n", 'text = "x"\nproperties = ["x"]\n')
    assert json.loads(shop.rows()[0]["properties"]) == {"x": "I love it!"}


def test_a_given_sentiment_counts_before_that_of_the_text(shop):
    more = 'text = "x"\nsentiment = {column = "y", scale = 0.01}\n'
    report = view(shop, "1,,,2024-05-01,I love it!,-50\n2,,,2024-05-01,I love it!,\n3,,,2024-05-01,,101\n", more)
    assert sorted((row["customer_id"], row["sentiment"]) for row in shop.rows()) == [("1", -0.5), ("2", 0.6696)]
    assert list(report.reasons) == ["sentiment '101' is outside -1 to 1; scale it"]


def test_a_long_text_is_read_as_far_as_is_quick():
    (score,) = sentiments_of(["It is a box. " * LONGEST_TEXT + "I love it!"])
    assert score == 0.0


def test_a_currency_without_a_value_is_no_mapping(shop):
    with pytest.raises(ValueError, match="a currency belongs to a value"):
        view(shop, "", 'currency = "x"\n')


def test_a_preset_may_name_only_touchpoints_of_known_channels(shop):
    with pytest.raises(ValueError, match="must start with one of the channels"):
        shop.csv("", VIEW, head='touchpoints = {"fax.page" = "awareness"}')
    with pytest.raises(ConfigurationError, match=r"'web\.other' is not in the catalogue"):
        shop.csv("", VIEW.replace("web.page", "web.other"))
