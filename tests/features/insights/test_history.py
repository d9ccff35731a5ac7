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


def filled(lake, table, *rows):
    empty = dict.fromkeys(SCHEMAS[table].names) | {"at": AT, "received_at": AT, "source": "test"}
    lake.append(table, pa.Table.from_pylist([empty | row for row in rows], schema=SCHEMAS[table]))


def ways(lake, **given):
    with open_history(lake, CATALOGUE, **given) as connection:
        return connection.execute("select way, customer_id, touchpoint, kind, value, cost from history order by all").fetchall()


def decision(name, touchpoint="mail.offer", *, record="{}"):
    return {"decision_id": name, "customer_id": "ann", "touchpoint": touchpoint, "record": record}


def test_what_the_service_decided_is_a_contact_unless_it_was_deferred_or_imported_or_is_told_as_one(tmp_path):
    lake = Lake(tmp_path)
    filled(
        lake,
        "decisions",
        decision("1"),
        decision("2", "none"),
        decision("3", record='{"deferred": true}'),
        decision("4", record=None),
        decision("5"),
    )
    sent = {"message_id": "s", "customer_id": "ann", "touchpoint": "mail.offer", "kind": "contact", "decision_id": "5"}
    filled(lake, "interactions", sent)
    assert ways(lake) == [
        ("decided", "ann", "mail.offer", "contact", None, 0.5),
        ("seen", "ann", "mail.offer", "contact", None, 0.5),
    ]


def test_an_outcome_counts_once_however_it_is_known(tmp_path):
    lake = Lake(tmp_path)
    filled(lake, "decisions", decision("1", record=None), decision("2", "none", record=None), decision("3", record=None))
    told = {"kind": "purchase", "value": 10.0}
    filled(
        lake,
        "outcomes",
        told | {"message_id": "a", "decision_id": "1"},  # told twice under one name
        told | {"message_id": "b", "decision_id": "2", "at": AT.replace(hour=5)},  # known by the outcome alone
        told | {"message_id": "c", "decision_id": "3", "at": AT.replace(hour=7)},  # told twice, as an answer to one decision
        told | {"message_id": "d", "decision_id": "2", "at": AT.replace(hour=9)},  # told twice, of one moment
    )
    bought = {"customer_id": "ann", "touchpoint": "web.cart", "kind": "purchase", "value": 10.0}
    filled(
        lake,
        "interactions",
        bought | {"message_id": "a"},
        bought | {"message_id": "x", "decision_id": "3", "at": AT.replace(hour=8)},
        bought | {"message_id": "y", "at": AT.replace(hour=9)},
    )
    assert [row for row in ways(lake) if row[0] != "seen"] == [("told", "ann", "unknown.unknown", "purchase", 10.0, 0.0)]
