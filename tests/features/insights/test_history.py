from datetime import UTC, datetime

import pyarrow as pa

from features.catalogue import parse_catalogue
from features.insights.history import open_history
from features.lake import SCHEMAS, Lake

AT = datetime(2026, 3, 1, tzinfo=UTC)
MEMBERS = "(select * from (values ('cookie:1', 'ann')) as members(identifier, customer_id))"
CATALOGUE = parse_catalogue(
    {
        "objective": {"conversion": ["purchase", "subscribe"]},
        "touchpoints": [{"name": "mail.offer", "stage": "retention", "recommendable": True, "cost": 0.5}],
    }
)


def test_rows_stand_under_todays_customer_with_stage_and_cost_of_their_touchpoint(tmp_path):
    rows = [
        {"message_id": "1", "customer_id": "cookie:1", "touchpoint": "mail.offer", "kind": "contact"},
        {"message_id": "2", "customer_id": "ann", "touchpoint": "mail.offer", "kind": "open", "stage": "purchase"},
        {"message_id": "3", "customer_id": "bob", "touchpoint": "web.cart", "kind": "subscribe"},
    ]
    empty = dict.fromkeys(SCHEMAS["interactions"].names) | {"at": AT, "received_at": AT, "source": "test"}
    lake = Lake(tmp_path)
    lake.append("interactions", pa.Table.from_pylist([empty | row for row in rows], schema=SCHEMAS["interactions"]))
    with open_history(lake, CATALOGUE, members=MEMBERS) as connection:
        found = connection.execute(
            "select customer_id, stage, converts, cost, moment from history order by message_id"
        ).fetchall()
    moment = int(AT.timestamp() * 1e6)
    assert found == [
        ("ann", "retention", False, 0.5, moment),
        ("ann", "purchase", False, 0.0, moment),
        ("bob", None, True, 0.0, moment),
    ]


def test_an_empty_lake_has_a_history_without_rows(tmp_path):
    with open_history(Lake(tmp_path), CATALOGUE) as connection:
        assert connection.execute("select count(*) from history").fetchall() == [(0,)]
