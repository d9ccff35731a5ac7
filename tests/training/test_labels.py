import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from features.catalogue import parse_catalogue
from features.instants import microseconds
from features.lake import SCHEMAS, Lake
from training.labels import decision_rows, first_seen, snapshot_rows

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
WINDOW = timedelta(days=10)
LATER = NOON + timedelta(days=100)


def catalogue(**objective):
    mail = {"name": "mail.offer", "stage": "purchase", "recommendable": True, "cost": 1.0}
    call = {"name": "call.adviser", "stage": "purchase", "recommendable": True}
    values = {"window_days": 10, "churn_days": 20, "margin": 0.5} | objective
    return parse_catalogue({"objective": values, "touchpoints": [mail, call]})


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")


def add(lake, table, *rows):
    filled = [{**dict.fromkeys(SCHEMAS[table].names), "source": "test", **row} for row in rows]
    lake.append(table, pa.Table.from_pylist(filled, schema=SCHEMAS[table]))


def buy(customer, at, *, value=10.0, kind="purchase", received_at=None):
    name = f"{customer}{kind}{at.isoformat()}"
    return {
        "message_id": name,
        "customer_id": customer,
        "touchpoint": "store.checkout",
        "kind": kind,
        "at": at,
        "received_at": received_at or at,
        "value": value,
    }


def decision(name, *, customer="a", touchpoint="mail.offer", at=NOON, **given):
    return {"decision_id": name, "customer_id": customer, "touchpoint": touchpoint, "at": at, "received_at": at, **given}


def outcome(name, decision_id, at, *, value=None, kind="purchase"):
    return {"message_id": name, "decision_id": decision_id, "kind": kind, "at": at, "received_at": at, "value": value}


def by_id(table):
    return {row["decision_id"]: row for row in table.to_pylist()}


def test_only_conversions_after_the_decision_and_up_to_the_end_of_its_window_count(lake):
    add(lake, "decisions", decision("d"))
    add(
        lake,
        "interactions",
        buy("a", NOON, value=1.0),
        buy("a", NOON + MICROSECOND, value=2.0),
        buy("a", NOON + WINDOW, value=4.0),
        buy("a", NOON + WINDOW + MICROSECOND, value=8.0),
        buy("a", NOON + timedelta(days=1), value=16.0, kind="view"),
        buy("b", NOON + timedelta(days=1), value=32.0),
    )
    row = by_id(decision_rows(lake, catalogue(), until=LATER))["d"]
    assert (row["converted"], row["value"]) == (True, 6.0)


def test_a_decision_counts_from_the_moment_its_window_is_closed(lake):
    add(lake, "decisions", decision("d"))
    assert decision_rows(lake, catalogue(), until=NOON + WINDOW - MICROSECOND).num_rows == 0
    assert decision_rows(lake, catalogue(), until=NOON + WINDOW).num_rows == 1


def test_a_purchase_that_became_known_late_still_counts_as_the_outcome(lake):
    add(lake, "decisions", decision("d"))
    add(lake, "interactions", buy("a", NOON + timedelta(days=1), received_at=NOON + timedelta(days=50)))
    assert by_id(decision_rows(lake, catalogue(), until=LATER))["d"]["converted"]


def test_an_outcome_with_the_decisions_id_converts_and_what_came_both_ways_is_not_counted_twice(lake):
    add(lake, "decisions", decision("only_outcome"), decision("both", customer="b"), decision("other", customer="c"))
    add(lake, "interactions", buy("b", NOON + timedelta(days=1), value=10.0))
    add(
        lake,
        "outcomes",
        outcome("o1", "only_outcome", NOON + timedelta(days=2), value=7.0),
        outcome("o2", "both", NOON + timedelta(days=1), value=10.0),
        outcome("o3", "other", NOON + timedelta(days=11)),
        outcome("o4", "other", NOON + timedelta(days=1), kind="click"),
    )
    rows = by_id(decision_rows(lake, catalogue(), until=LATER))
    assert (rows["only_outcome"]["converted"], rows["only_outcome"]["value"]) == (True, 7.0)
    assert (rows["both"]["converted"], rows["both"]["value"]) == (True, 10.0)
    assert (rows["other"]["converted"], rows["other"]["value"]) == (False, 0.0)


def test_the_value_of_a_window_is_clipped(lake):
    add(lake, "decisions", decision("d"))
    add(lake, "interactions", buy("a", NOON + MICROSECOND, value=70.0), buy("a", NOON + 2 * MICROSECOND, value=70.0))
    assert by_id(decision_rows(lake, catalogue(value_cap=100), until=LATER))["d"]["value"] == 100.0


def test_customers_known_at_a_waves_time_and_not_in_it_got_none(lake):
    before = NOON - timedelta(days=5)
    add(lake, "interactions", buy("a", before), buy("b", before), buy("late", before, received_at=NOON), buy("new", LATER))
    add(lake, "decisions", decision("d", wave="w1"))
    rows = by_id(decision_rows(lake, catalogue(), until=LATER))
    assert set(rows) == {"d", "implied:test:w1:b"}
    implied = rows["implied:test:w1:b"]
    assert (implied["touchpoint"], implied["implied"], implied["probability"]) == ("none", True, None)
    assert implied["candidates"] == ["mail.offer", "none"]
    assert implied["moment"] == microseconds(NOON)


def test_a_wave_whose_window_is_open_implies_nothing(lake):
    add(lake, "interactions", buy("b", NOON - timedelta(days=5)))
    add(lake, "decisions", decision("d", wave="w1"))
    assert decision_rows(lake, catalogue(), until=NOON + WINDOW - MICROSECOND).num_rows == 0


def test_who_gets_a_later_part_of_a_wave_is_no_control_of_it(lake):
    before = NOON - timedelta(days=5)
    add(lake, "interactions", *(buy(customer, before) for customer in ("a", "b", "never")))
    add(lake, "decisions", decision("d", wave="w1"))
    add(lake, "decisions", decision("e", customer="b", touchpoint="call.adviser", at=NOON + timedelta(days=3), wave="w1"))
    rows = by_id(decision_rows(lake, catalogue(), until=NOON + WINDOW))
    assert set(rows) == {"d", "implied:test:w1:never"}
    assert {tuple(row["candidates"]) for row in rows.values()} == {("call.adviser", "mail.offer", "none")}


@pytest.mark.parametrize("missing", [None, []])
def test_all_of_a_wave_had_the_same_candidates_whatever_they_got(lake, missing):
    add(lake, "interactions", buy("c", NOON - timedelta(days=5)))
    add(lake, "decisions", decision("d", wave="w1", candidates=missing))
    add(lake, "decisions", decision("e", customer="b", touchpoint="call.adviser", wave="w1", candidates=missing))
    rows = decision_rows(lake, catalogue(), until=LATER).to_pylist()
    assert [row["touchpoint"] for row in rows] == ["mail.offer", "call.adviser", "none"]
    assert [row["candidates"] for row in rows] == [["call.adviser", "mail.offer", "none"]] * 3


@pytest.mark.parametrize("missing", [None, []])
def test_the_harm_of_a_randomized_test_without_candidates_is_found(lake, missing):
    # half get mail, which brings conversion down from 30 % to 10 %; the standard error of the difference is 0.012
    rng, n = np.random.default_rng(5), 4000
    mailed = rng.random(n) < 0.5
    converts = rng.random(n) < np.where(mailed, 0.1, 0.3)
    told = {"candidates": missing, "probability": 0.5}
    touchpoints = np.where(mailed, "mail.offer", "none")
    add(lake, "decisions", *(decision(f"d{i}", customer=f"c{i}", touchpoint=touchpoints[i], **told) for i in range(n)))
    add(lake, "decisions", decision("other", touchpoint="call.adviser", source="another"))
    add(lake, "interactions", *(buy(f"c{i}", NOON + timedelta(days=1)) for i in np.flatnonzero(converts)))
    rows = [row for row in decision_rows(lake, catalogue(), until=LATER).to_pylist() if row["decision_id"] != "other"]
    comparable = [row for row in rows if set(row["candidates"]) == {"none", "mail.offer"}]
    assert len(comparable) == n
    effect = np.mean([row["converted"] * (1 if row["touchpoint"] == "mail.offer" else -1) / 0.5 for row in comparable])
    assert effect == pytest.approx(-0.2, abs=0.05)


def test_what_the_service_recorded_of_its_candidates_is_read(lake):
    candidates = [
        {"touchpoint": "none", "eligible": True, "probability": 0.25, "net_value": 0.0},
        {"touchpoint": "mail.offer", "eligible": True, "probability": 0.75, "net_value": 1.0},
        {"touchpoint": "call.adviser", "eligible": False, "probability": 0.0, "rule": "cap"},
    ]
    record = json.dumps({"decision_id": "d", "candidates": candidates, "chosen": "mail.offer"})
    add(lake, "decisions", decision("d", candidates=["none", "mail.offer"], probability=0.75, record=record), decision("e"))
    rows = by_id(decision_rows(lake, catalogue(), until=LATER))
    assert rows["d"]["recorded"] and not rows["e"]["recorded"]
    assert rows["d"]["chances"] == [{key: each[key] for key in ("touchpoint", "probability", "eligible")} for each in candidates]
    assert rows["e"]["chances"] is None


def test_decisions_without_a_wave_imply_nothing(lake):
    add(lake, "interactions", buy("b", NOON - timedelta(days=5)))
    add(lake, "decisions", decision("d", candidates=["none", "mail.offer", "call.adviser"], probability=0.25))
    rows = by_id(decision_rows(lake, catalogue(), until=LATER))
    assert set(rows) == {"d"}
    assert rows["d"]["probability"] == 0.25
    assert set(rows["d"]["candidates"]) == {"none", "mail.offer", "call.adviser"}


def test_a_snapshot_says_who_left_and_what_the_others_spent(lake):
    before = NOON - timedelta(days=5)
    add(lake, "interactions", *(buy(customer, before) for customer in ("stays", "returns", "leaves")))
    add(lake, "interactions", buy("stays", NOON + timedelta(days=3), value=5.0), buy("stays", NOON + timedelta(days=12)))
    add(lake, "interactions", buy("returns", NOON + timedelta(days=15)), buy("leaves", NOON + timedelta(days=21)))
    add(lake, "interactions", buy("unknown", NOON + timedelta(days=1)))
    rows = {row["customer_id"]: row for row in snapshot_rows(lake, catalogue(), times=[microseconds(NOON)]).to_pylist()}
    assert {name: (row["churned"], row["converted"], row["value"], row["later_value"]) for name, row in rows.items()} == {
        "stays": (False, True, 5.0, 15.0),
        "returns": (False, False, 0.0, 10.0),
        "leaves": (True, False, 0.0, 0.0),
    }


def test_the_later_value_of_a_snapshot_is_clipped_as_that_of_as_many_windows(lake):
    add(lake, "interactions", buy("a", NOON - timedelta(days=5)), buy("a", NOON + timedelta(days=1), value=900.0))
    row = snapshot_rows(lake, catalogue(value_cap=100), times=[microseconds(NOON)]).to_pylist()[0]
    assert (row["value"], row["later_value"]) == (100.0, 200.0)  # 20 days of churn are two windows of 10


MEMBERS = "(select * from (values ('ann', 'ann'), ('cookie', 'ann'), ('phone', 'ann')) as members(identifier, customer_id))"


def test_what_a_customer_did_under_any_name_is_the_outcome_once_identities_are_known(lake):
    add(
        lake, "decisions", decision("web", customer="cookie"), decision("mail", customer="ann"), decision("other", customer="bob")
    )
    add(lake, "interactions", buy("phone", NOON + timedelta(days=1), value=7.0), buy("ann", NOON + timedelta(days=2), value=3.0))
    rows = by_id(decision_rows(lake, catalogue(), until=LATER, members=MEMBERS))
    assert {name: (row["customer_id"], row["identifier"], row["value"]) for name, row in rows.items()} == {
        "web": ("ann", "cookie", 10.0),
        "mail": ("ann", "ann", 10.0),
        "other": ("bob", "bob", 0.0),
    }


def test_whoever_a_wave_reached_under_another_name_is_no_control_of_it_and_a_customer_is_one_control(lake):
    before = NOON - timedelta(days=5)
    add(
        lake, "interactions", *(buy(name, before + timedelta(hours=hour)) for hour, name in enumerate(("cookie", "phone", "bob")))
    )
    add(lake, "interactions", buy("ann", NOON + timedelta(days=1)))
    add(lake, "decisions", decision("d", customer="bob", wave="w1"))
    rows = by_id(decision_rows(lake, catalogue(), until=LATER, members=MEMBERS))
    assert set(rows) == {"d", "implied:test:w1:ann"}
    implied = rows["implied:test:w1:ann"]
    assert (implied["identifier"], implied["converted"]) == ("cookie", True)  # as ann she was not known yet, as a cookie first
    add(lake, "decisions", decision("e", customer="phone", at=NOON + timedelta(days=1), wave="w1"))
    assert set(by_id(decision_rows(lake, catalogue(), until=LATER, members=MEMBERS))) == {"d", "e"}


def test_a_snapshot_has_a_customer_of_many_names_once_under_the_name_known_then(lake):
    add(lake, "interactions", buy("cookie", NOON - timedelta(days=9)), buy("phone", NOON - timedelta(days=8)))
    add(lake, "interactions", buy("ann", NOON + timedelta(days=2), value=4.0), buy("phone", NOON + timedelta(days=3), value=5.0))
    times = [microseconds(NOON - timedelta(days=9)), microseconds(NOON), microseconds(NOON + timedelta(days=5))]
    rows = snapshot_rows(lake, catalogue(), times=times, members=MEMBERS).to_pylist()
    assert [(row["customer_id"], row["identifier"], row["moment"], row["value"]) for row in rows] == [
        ("ann", "cookie", times[1], 9.0),
        ("ann", "ann", times[2], 0.0),
    ]


def test_an_empty_lake_has_no_first_interaction(lake):
    assert first_seen(lake) is None
    assert decision_rows(lake, catalogue(), until=LATER).num_rows == 0


def consent(customer, status, at):
    return {"message_id": f"{customer}{status}{at}", "customer_id": customer, "status": status, "at": at, "received_at": at}


def unsubscribers(lake, **given):
    rows = decision_rows(lake, catalogue(), until=LATER, **given).to_pylist()
    return {row["decision_id"] for row in rows if row["unsubscribed"]}


def test_who_unsubscribes_within_the_window_is_told_whichever_way_it_was_said(lake):
    ways = ("clicked", "denied", "withdrew", "reported", "granted", "sooner", "later", "never")
    add(lake, "decisions", *(decision(way, customer=way) for way in ways))
    add(
        lake,
        "interactions",
        buy("clicked", NOON + timedelta(days=1), kind="unsubscribe"),
        buy("sooner", NOON, kind="unsubscribe"),
        buy("later", NOON + WINDOW + MICROSECOND, kind="unsubscribe"),
    )
    add(
        lake,
        "consents",
        consent("denied", "denied", NOON + MICROSECOND),
        consent("withdrew", "withdrawn", NOON + WINDOW),
        consent("granted", "granted", NOON + timedelta(days=1)),
        consent("sooner", "withdrawn", NOON - timedelta(days=1)),
        consent("later", "denied", NOON + WINDOW + MICROSECOND),
    )
    add(lake, "outcomes", outcome("o", "reported", NOON + timedelta(days=2), kind="unsubscribe"))
    assert unsubscribers(lake) == {"clicked", "denied", "withdrew", "reported"}


def test_a_consent_withdrawn_under_another_name_of_the_customer_counts(lake):
    add(lake, "decisions", decision("mail", customer="ann"), decision("other", customer="bob"))
    add(lake, "consents", consent("cookie", "withdrawn", NOON + timedelta(days=1)))
    assert unsubscribers(lake, members=MEMBERS) == {"mail"}
    assert unsubscribers(lake) == set()


def test_who_unsubscribes_has_not_converted(lake):
    add(lake, "decisions", decision("d"))
    add(lake, "interactions", buy("a", NOON + timedelta(days=1), kind="unsubscribe", value=5.0))
    row = by_id(decision_rows(lake, catalogue(lifetime_days=100), until=LATER))["d"]
    assert (row["converted"], row["value"], row["churned"], row["unsubscribed"]) == (False, 0.0, True, True)


def test_who_converts_in_time_has_not_left_be_it_after_the_window(lake):
    names = ("soon", "just", "late", "never", "told")
    add(lake, "decisions", *(decision(name, customer=name) for name in names))
    add(
        lake,
        "interactions",
        buy("soon", NOON + timedelta(days=1)),
        buy("just", NOON + timedelta(days=20)),
        buy("late", NOON + timedelta(days=20) + MICROSECOND),
        buy("never", NOON),
    )
    add(lake, "outcomes", outcome("o", "told", NOON + timedelta(days=15)))
    rows = by_id(decision_rows(lake, catalogue(lifetime_days=100), until=LATER))
    assert {name: (rows[name]["converted"], rows[name]["churned"]) for name in names} == {
        "soon": (True, False),
        "just": (False, False),
        "late": (False, True),
        "never": (False, True),
        "told": (False, False),
    }


def test_nobody_looks_at_churn_where_a_customer_who_leaves_costs_nothing(lake):
    add(lake, "decisions", decision("d"))
    assert by_id(decision_rows(lake, catalogue(), until=LATER))["d"]["churned"] is None


def test_a_decision_whose_customer_may_still_stay_is_not_closed_though_its_window_is(lake):
    add(lake, "decisions", decision("d"))
    add(lake, "interactions", buy("a", NOON + timedelta(days=1)))
    until = NOON + timedelta(days=20)
    for rules, closed in (({}, 1), ({"lifetime_days": 100}, 0), ({"lifetime_days": 100, "churn_days": 5}, 1)):
        assert decision_rows(lake, catalogue(**rules), until=until - MICROSECOND).num_rows == closed
    assert decision_rows(lake, catalogue(lifetime_days=100), until=until).num_rows == 1


@pytest.mark.parametrize("happened", ["nothing", "a purchase", "an outcome", "a contact", "an unsubscribe"])
def test_a_decision_whose_window_is_open_is_not_learnt_from_whatever_came_of_it(lake, happened):
    soon = NOON + timedelta(days=1)
    add(lake, "decisions", decision("open"), decision("closed", customer="b", at=NOON - MICROSECOND))
    if happened == "an outcome":
        add(lake, "outcomes", outcome("o", "open", soon, value=100.0))
    elif happened != "nothing":
        kind = happened.split()[-1]
        add(lake, "interactions", buy("a", soon, kind=kind) | {"decision_id": "open"})
    rows = decision_rows(lake, catalogue(), until=NOON + WINDOW - MICROSECOND).to_pylist()
    assert [row["decision_id"] for row in rows] == ["closed"]


def deferred(name, *, value=True, **given):
    return decision(name, customer=name, record=json.dumps({"deferred": value, "arm": "random"}), **given)


def test_a_deferred_decision_counts_once_a_contact_has_carried_it_out(lake):
    add(lake, "decisions", decision("export"), decision("at_once", record=json.dumps({"arm": "treatment"})))
    add(lake, "decisions", deferred("undeferred", value=False), *map(deferred, ("reported", "sent", "late", "clicked", "never")))
    late = NOON + WINDOW + MICROSECOND
    add(
        lake,
        "outcomes",
        outcome("o1", "reported", NOON + WINDOW, kind="contact"),
        outcome("o2", "late", late, kind="contact"),
        outcome("o3", "clicked", NOON + MICROSECOND, kind="click"),
    )
    add(
        lake,
        "interactions",
        buy("another name", NOON, kind="contact") | {"decision_id": "sent"},
        buy("never", NOON, kind="contact"),
    )
    rows = by_id(decision_rows(lake, catalogue(), until=LATER))
    assert {name for name, row in rows.items() if row["activated"]} == {"export", "at_once", "undeferred", "reported", "sent"}
    assert len(rows) == 8


def test_a_deferred_decision_to_do_nothing_counts_since_nothing_is_left_to_carry_out(lake):
    add(lake, "decisions", deferred("nothing", touchpoint="none"), deferred("waits"))
    rows = by_id(decision_rows(lake, catalogue(), until=LATER))
    assert {name: row["activated"] for name, row in rows.items()} == {"nothing": True, "waits": False}


def test_the_arm_of_the_experiment_is_the_records(lake):
    add(lake, "decisions", decision("export"), deferred("random"), decision("old", record=json.dumps({"chosen": "none"})))
    rows = by_id(decision_rows(lake, catalogue(), until=LATER))
    assert {name: row["arm"] for name, row in rows.items()} == {"export": "treatment", "random": "random", "old": "treatment"}


def test_what_happens_after_its_windows_changes_nothing_about_a_decision(lake):
    objective = {"lifetime_days": 100}
    add(lake, "interactions", buy("a", NOON - timedelta(days=1)), buy("b", NOON + timedelta(days=1)))
    add(lake, "decisions", decision("d"), decision("e", customer="b", touchpoint="none"), deferred("f"))
    before = decision_rows(lake, catalogue(**objective), until=LATER)
    snapshots = snapshot_rows(lake, catalogue(), times=[microseconds(NOON)])
    after = NOON + timedelta(days=20) + MICROSECOND
    add(lake, "interactions", *(buy(name, after, kind=kind) for name in ("a", "b", "f") for kind in ("purchase", "unsubscribe")))
    add(lake, "interactions", buy("f", after, kind="contact") | {"decision_id": "f"}, buy("new", after))
    add(lake, "outcomes", *(outcome(f"late {name}", name, after, value=9.0) for name in ("d", "e", "f")))
    add(lake, "consents", *(consent(name, "withdrawn", after) for name in ("a", "b", "f")))
    assert decision_rows(lake, catalogue(**objective), until=LATER) == before
    assert snapshot_rows(lake, catalogue(), times=[microseconds(NOON)]) == snapshots
