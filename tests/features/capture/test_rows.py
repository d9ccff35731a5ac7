import json

import pytest

from features.errors import CaptureError

BASKET = """
name = "shop"
[group]
by = ["basket", "client", "at"]
sum = ["amount"]
min = ["low"]
max = ["high"]
first = ["clerk"]
count = "lines"
[[interactions]]
customer_id = "client"
touchpoint = {constant = "store.checkout"}
kind = {constant = "purchase"}
at = "at"
value = "amount"
properties = ["low", "high", "clerk", "lines"]
"""
LOOKUP = """
name = "crm"
[lookups.campaign]
file = "campaigns.csv"
key = KEY
[[decisions]]
customer_id = "client"
touchpoint = {column = "COLUMN", map = {A = "mail.a", B = "mail.b"}}
at = "start"
"""


def test_lines_become_baskets(shop):
    rows = (
        "basket,client,at,amount,low,high,clerk\n1,7,2024-05-01,0.1,9,9,z\n2,7,2024-05-01,5,1,1,y\n1,7,2024-05-01,0.2,10,10,a\n"
    )
    assert shop.ingest(BASKET, shop.write("a.csv", rows)).accepted == {"interactions": 2}
    values = {row["value"]: json.loads(row["properties"]) for row in shop.rows()}
    assert values == {  # 0.1 + 0.2 is 0.3 as money is added, and 9 is less than 10 as numbers are compared
        0.3: {"low": "9", "high": "10", "clerk": "z", "lines": "2"},
        5.0: {"low": "1", "high": "1", "clerk": "y", "lines": "1"},
    }


def test_a_basket_is_known_by_what_it_is_grouped_by_and_a_grown_one_is_a_conflict(shop):
    header, line = "basket,client,at,amount,low,high,clerk\n", "1,7,2024-05-01,{},1,1,a\n"
    shop.ingest(BASKET, shop.write("a.csv", header + line.format(1)))
    assert shop.ingest(BASKET, shop.write("b.csv", header + line.format(1))).duplicate == {"interactions": 1}
    assert shop.ingest(BASKET, shop.write("c.csv", header + line.format(1) + line.format(2))).quarantined == {"interactions": 1}


@pytest.mark.parametrize("amount", ["x", "nan", "inf", "1e300"])
def test_a_basket_with_one_bad_amount_is_refused_whole(shop, amount):
    header = "basket,client,at,amount,low,high,clerk\n"
    report = shop.ingest(BASKET, shop.write("a.csv", f"{header}1,7,2024-05-01,1,1,1,a\n1,7,2024-05-01,{amount},1,1,a\n"))
    assert report.quarantined == {"interactions": 1}


def test_sums_know_the_decimal_comma(shop):
    header = "basket;client;at;amount;low;high;clerk\n"
    lines = "1;7;2024-05-01;0,1;1;1;a\n1;7;2024-05-01;1.000,2;1;1;a\n"
    shop.ingest('decimal = ","\n' + BASKET, shop.write("a.csv", header + lines))
    assert shop.column("value") == [1000.3]


@pytest.mark.parametrize("key", ['"campaign"', '{left = "campaign", right = "campaign"}'])
@pytest.mark.parametrize("column", ["type", "campaign.type"])
@pytest.mark.parametrize("name", ["sent.csv", "sent.jsonl"])
def test_a_lookup_joins_columns_of_a_side_file(shop, key, column, name):
    shop.write("campaigns.csv", "campaign,type,start\n1,A,2024-01-01\n2,B,2024-02-01\n")
    rows = [("1", "x"), ("2", "y"), ("3", "z")]
    csv = "campaign,client\n" + "".join(f"{campaign},{client}\n" for campaign, client in rows)
    jsonl = "\n".join(json.dumps({"campaign": int(campaign), "client": client}) for campaign, client in rows)
    sent = shop.write(name, csv if name.endswith("csv") else jsonl)
    report = shop.ingest(LOOKUP.replace("KEY", key).replace("COLUMN", column), sent)
    assert sorted((row["customer_id"], row["touchpoint"]) for row in shop.rows("decisions")) == [("x", "mail.a"), ("y", "mail.b")]
    assert report.reasons == {"no touchpoint": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("campaign,type,start\n1,A,2024-01-01\n1,B,2024-01-01\n", "campaign '1' occurs twice, and would double rows"),
        ("campaign,type,start\n1,A,2024-01-01,9\n", "line 2: unreadable line"),
        ("number,type,start\n1,A,2024-01-01\n", "no column 'campaign', which lookups.campaign.key needs"),
        (None, "campaigns.csv: no such file"),
    ],
)
def test_a_lookup_that_would_spoil_rows_is_refused(shop, content, message):
    if content is not None:
        shop.write("campaigns.csv", content)
    with pytest.raises(CaptureError, match=message):
        shop.ingest(LOOKUP.replace("KEY", '"campaign"').replace("COLUMN", "type"), shop.write("a.csv", "campaign,client\n1,x\n"))
