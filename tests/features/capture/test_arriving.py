import json
from datetime import UTC, datetime, timedelta

import pytest

NOW = datetime(2024, 6, 1, tzinfo=UTC)
VIEW = """
customer_id = "client"
touchpoint = {constant = "web.page"}
kind = {constant = "view"}
at = "at"
value = "amount"
message_id = "id"
"""
HEADER = "id,client,at,amount\n"


def arrivals(shop):
    return {(row["file"], row["target"]): row for row in shop.rows("arrivals")}


def test_a_file_that_arrived_is_counted_by_what_became_of_its_records(shop):
    shop.csv(HEADER + "1,a,2024-05-01,5\n1,a,2024-05-01,5\n2,b,2024-05-01,\n3,c,never,\n4,d\n", VIEW)
    rows = arrivals(shop)
    row = rows["export.csv", "interactions"]
    assert (row["source"], row["received_at"]) == ("shop", NOW)
    assert [row[name] for name in ("rows", "accepted", "duplicate", "quarantined", "erased")] == [4, 2, 1, 1, 0]
    missing = json.loads(row["missing"])
    assert (missing["value"], missing["metric"]) == (1, 2)
    assert "customer_id" not in missing
    assert rows["export.csv", "lines"]["quarantined"] == 1


def test_the_same_file_arrives_anew_at_another_time_and_only_then(shop):
    mapping = f'name = "shop"\n[[interactions]]\n{VIEW}'
    file = shop.write("a.csv", HEADER + "1,a,2024-05-01,5\n")
    for now in (NOW, NOW, NOW + timedelta(days=1)):
        shop.ingest(mapping, file, now=now)
    assert sorted((row["received_at"], row["accepted"], row["duplicate"]) for row in shop.rows("arrivals")) == [
        (NOW, 1, 0),
        (NOW + timedelta(days=1), 0, 1),
    ]


@pytest.mark.parametrize("table", ["decisions", "outcomes"])
def test_every_table_that_a_file_fills_has_its_own_count(shop, table):
    mapping = """
        name = "crm"
        [[decisions]]
        customer_id = "client"
        touchpoint = {constant = "mail.a"}
        at = "at"
        decision_id = "id"
        [[outcomes]]
        where = {column = "amount", not_null = true}
        decision_id = "id"
        kind = {constant = "click"}
        at = "at"
        """
    shop.ingest(mapping, shop.write("a.csv", HEADER + "1,a,2024-05-01,5\n2,a,2024-05-01,\n"))
    assert arrivals(shop)["a.csv", table]["rows"] == {"decisions": 2, "outcomes": 1}[table]
