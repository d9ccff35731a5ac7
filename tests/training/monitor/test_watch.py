import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from features.catalogue import parse_catalogue
from features.experiment import Arm, arm_of
from features.lake import SCHEMAS, Lake
from training.monitor.alarm import Level
from training.monitor.recorded import candidates, fallbacks, seen
from training.monitor.watch import watch
from training.registered import InForce

START = datetime(2024, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MAIL = {"name": "mail.offer", "stage": "purchase", "recommendable": True}
CATALOGUE = parse_catalogue({"touchpoints": [MAIL], "objective": {"window_days": 5}, "holdout": {"share": 0.2}})


def day(number):
    return START + number * DAY


def record(rng, arm, *, shift, net, version="3", fallback=None, sure=False):
    chances = (0.5, 0.5) if arm is Arm.TREATMENT else (1.0, 0.0)
    chances = (0.001, 0.999) if sure and arm is Arm.TREATMENT else chances
    scored = [
        {"touchpoint": name, "eligible": p > 0, "probability": p, "propensity": 0.2, "net_value": value * float(rng.normal())}
        for name, p, value in zip(("none", "mail.offer"), chances, (0.0, net), strict=True)
    ]
    values = {"age": float(rng.normal(shift)), "visits": float(rng.poisson(2)), "city": str(rng.choice(["a", "b"]))}
    told = {"arm": arm, "fallback": fallback, "policy": {"name": "p", "version": version}, "candidates": scored}
    return json.dumps(told | {"catalogue_version": CATALOGUE.version, "features": {"values": values}})


def add(lake, table, rows):
    filled = [{**dict.fromkeys(SCHEMAS[table].names), "source": "test", **row} for row in rows]
    lake.append(table, pa.Table.from_pylist(filled, schema=SCHEMAS[table]))


def fill(lake, *, days, shift=0.0, net=1.0, conversion=0.2, seed=0, customers=800, **given):
    """A decision for everybody in these days, and what followed within a day."""
    rng, first = np.random.default_rng(seed), len(lake.read("decisions")) if lake.exists("decisions") else 0
    names = [f"c{number}" for number in range(customers)]
    at = [day(float(when)) for when in rng.uniform(*days, customers)]
    arms = [arm_of([name], CATALOGUE) for name in names]
    chosen = ["none" if arm is Arm.HOLDOUT or rng.random() < 0.5 else "mail.offer" for arm in arms]
    made = [{"decision_id": f"d{first + n}", "touchpoint": chosen[n], "at": at[n]} for n in range(customers)]
    told = [{"record": record(rng, arm, shift=shift, net=net, **given)} for arm in arms]
    add(lake, "decisions", (who(names[n], at[n]) | made[n] | told[n] for n in range(customers)))
    buyers = np.flatnonzero(rng.random(customers) < conversion)
    bought = {"touchpoint": "web.cart", "kind": "purchase", "value": 10.0}
    add(lake, "interactions", (who(names[n], at[n] + DAY) | bought | {"message_id": f"m{first + n}"} for n in buyers))


def who(customer, at):
    return {"customer_id": customer, "at": at, "received_at": at}


@pytest.fixture
def lake(tmp_path):
    return Lake(tmp_path / "lake")


def names_of(report):
    return [alarm.name for alarm in report.alarms]


IN_FORCE = (InForce(3, day(-10)),)


def test_a_steady_world_raises_no_alarm(lake):
    for number, days in enumerate([(-26, -19), (-19, -12), (-17, -10), (-7, 0), (0, 7)]):
        fill(lake, days=days, seed=number)
    report = watch(lake, CATALOGUE, IN_FORCE, until=day(7))
    assert report.alarms == () and report.decisions == 800
    assert "no alarm" in report.in_words() and "champion: policy 3" in report.in_words()


def test_what_changed_is_named(lake):
    for number, days in enumerate([(-19, -12), (-17, -10), (-12, -5), (-7, 0)]):
        fill(lake, days=days, seed=number)
    fill(lake, days=(-5, 2), seed=8, conversion=0.6)
    fill(lake, days=(2, 7), seed=9, shift=2.0, net=3.0, sure=True)
    report = watch(lake, CATALOGUE, IN_FORCE, until=day(7), days=5)
    assert set(names_of(report)) >= {
        "exploration_collapse",
        "least_probability",
        "feature_drift: age",
        "score_drift: net_value of mail.offer",
        "calibration",
    }
    levels = [alarm.level for alarm in report.alarms]
    assert levels == sorted(levels, key=lambda level: level is not Level.CRITICAL)
    assert not {"feature_drift: visits", "feature_drift: city", "sample_ratio"} & set(names_of(report))


def test_purchases_that_are_still_to_come_by_file_are_not_missed(lake):
    for number, days in enumerate([(-19, -12), (-12, -5)]):
        fill(lake, days=days, seed=number)
    fill(lake, days=(-5, 2), seed=2, conversion=0.0)
    drifted = names_of(watch(lake, CATALOGUE, IN_FORCE, until=day(7)))
    assert {"conversion_drift", "calibration"} <= set(drifted)
    late = watch(lake, CATALOGUE, IN_FORCE, until=day(7), known_until=day(0))
    assert not {"conversion_drift", "calibration"} & set(names_of(late))


def test_customers_of_the_holdout_who_got_lost_are_noticed(lake):
    fill(lake, days=(0, 7))
    kept = [row for row in lake.read("decisions").to_pylist() if arm_of([row["customer_id"]], CATALOGUE) is not Arm.HOLDOUT]
    other = Lake(lake.path.parent / "other")
    add(other, "decisions", kept)
    assert "sample_ratio" in names_of(watch(other, CATALOGUE, (), until=day(7)))


def test_without_decisions_there_is_no_alarm(lake):
    report = watch(lake, CATALOGUE, (), until=day(7))
    assert (report.decisions, report.alarms) == (0, ())
    assert report.in_words().endswith("no champion to guard")


def test_only_what_the_champion_decided_under_todays_rules_is_looked_at(lake):
    fill(lake, days=(0, 7), customers=100)
    window = {"since": day(0), "until": day(7)}
    treated = sum(arm_of([f"c{number}"], CATALOGUE) is Arm.TREATMENT for number in range(100))
    assert len(set(candidates(lake, **window, catalogue_version=CATALOGUE.version).decision)) == treated
    assert not len(candidates(lake, **window, catalogue_version="other").decision)
    assert fallbacks(lake, **window) == {None: 100}


def test_the_first_champion_is_compared_with_the_customers_of_before_there_was_one(lake):
    fill(lake, days=(-7, 0), fallback="no_policy", version="priors")
    fill(lake, days=(0, 7), seed=1, shift=2.0)
    assert "feature_drift: age" in names_of(watch(lake, CATALOGUE, (InForce(3, day(0)),), until=day(7)))


def test_a_customer_is_seen_once_and_last(lake):
    fill(lake, days=(0, 1), customers=60, seed=1)
    fill(lake, days=(1, 2), customers=60, seed=2, shift=50.0)
    fill(lake, days=(2, 3), customers=60, seed=3, fallback="stale_features")
    found = seen(lake, since=day(0), until=day(3))
    assert len(found.features["age"]) == 60 and min(found.features["age"]) > 40
    assert not seen(lake, since=day(0), until=day(3), policy="4").features
