"""The policy page: numbers worked by hand, or those that the commands tell."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from features.insights import Page, Period
from features.insights.look import Look
from features.lake import SCHEMAS
from features.settings import Settings
from features.workspace import Workspace
from training.experiment.report import measure_lift
from training.insights.policy import policy_page
from training.insights.policy_versions import Registered, versions_section
from training.registered import RegisteredPolicy

END = datetime(2026, 3, 2, 12, tzinfo=UTC)
CATALOGUE = """
[objective]
window_days = 10
[holdout]
share = 0.5
[[touchpoints]]
name = "mail.offer"
stage = "purchase"
recommendable = true
"""


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "catalogue.toml").write_text(CATALOGUE)
    return Workspace(Settings(home=tmp_path))


def page_of(workspace, *, until=END):
    look = Look(lake=workspace.lake, catalogue=workspace.catalogue, period=Period.last(60, until=until), now=END, known_until=END)
    page = policy_page(look, workspace)
    assert Page.from_json(json.loads(json.dumps(page.as_json(), allow_nan=False))) == page
    return page


def section(page, name):
    return next(each for each in page.sections if each.name == name)


def add(workspace, table, rows):
    names = SCHEMAS[table].names
    filled = [{**dict.fromkeys(names), "source": "/online", "received_at": row["at"], **row} for row in rows]
    workspace.lake.append(table, pa.Table.from_pylist(filled, schema=SCHEMAS[table]))


def decision(number, chosen, *, customer=None, ago=20.0, arm="treatment", mail=(True, 0.8, 1.0), propensity=0.5, **told):
    eligible, probability, priority = mail
    offered = [("none", True, 1.0 - probability * eligible, 0.0), ("mail.offer", eligible, probability, priority)]
    candidates = [
        {"touchpoint": name, "eligible": ok, "probability": p, "priority": worth, "net_value": worth, "propensity": propensity}
        for name, ok, p, worth in offered
    ]
    record = {"arm": arm, "policy": {"name": "p", "version": "1"}, "candidates": candidates, "fallback": None, **told}
    return {
        "decision_id": f"d{number}",
        "customer_id": customer or f"c{number}",
        "touchpoint": chosen,
        "at": END - timedelta(days=ago),
        "record": json.dumps(record),
    }


def test_a_home_without_anything_says_what_to_do_and_stays_without_anything(workspace):
    before = sorted(path.name for path in workspace.settings.home.iterdir())
    page = page_of(workspace)
    told = {each.name: each.empty for each in page.sections if not any(table.rows for table in each.tables)}
    assert set(told) == {each.name for each in page.sections}
    assert all(told.values())
    lift, champion = page.cards[:2]
    assert (lift.title, lift.value, lift.alarm) == ("Lift against holdout", None, False)
    assert champion.alarm and "touchpoint retrain" in champion.note
    assert sorted(path.name for path in workspace.settings.home.iterdir()) == before


def test_exploration_counts_what_was_chosen_among_what_could_be(workspace):
    """Two decisions with a choice, at 0.2 and 0.8: exp of the entropy 0.5004 is 1.6494. One decision had no choice, one was the
    holdout's, one a fallback, and one is older than the period.
    """
    decided = [
        decision(1, "mail.offer"),
        decision(2, "none"),
        decision(3, "none", mail=(False, 0.0, 0.0)),
        decision(4, "none", arm="holdout"),
        decision(5, "none", fallback="no_policy"),
        decision(6, "none", ago=90.0),
    ]
    add(workspace, "decisions", decided)
    page = page_of(workspace)
    rows = {row["touchpoint"]: row for row in page.table("choices").records}
    assert {name: (row["eligible"], row["chosen"], row["best"]) for name, row in rows.items()} == {
        "mail.offer": (2, 1, 1.0),
        "none": (2, 1, 0.0),
    }
    assert rows["mail.offer"]["probability"] == pytest.approx(0.8)
    assert 0.0 < rows["none"]["low"] < 0.5 < rows["none"]["high"] < 1.0
    (card,) = [card for card in page.cards if card.title == "Effective choices"]
    assert card.value == pytest.approx(1.6494, abs=1e-4)
    probabilities = {row["probability"]: row["decisions"] for row in page.table("probabilities").records}
    assert probabilities["20 to 30 %"] + probabilities["10 to 20 %"] == 1 and probabilities["80 to 90 %"] == 1


def test_decisions_after_the_last_file_belong_to_a_period_that_reaches_up_to_it(workspace):
    add(workspace, "decisions", [decision(1, "mail.offer", ago=0.5)])
    assert page_of(workspace).table("choices") is not None
    assert page_of(workspace, until=END - timedelta(days=1)).table("choices") is None


def test_calibration_takes_the_first_closed_decision_of_each_customer(workspace):
    """40 customers expected at 0.5, of whom 30 buy within the window; a second decision and one whose window is open change
    nothing.
    """
    first = [decision(number, "mail.offer", ago=20.0) for number in range(40)]
    again = [decision(100 + number, "mail.offer", customer=f"c{number}", ago=18.0, propensity=0.9) for number in range(40)]
    late = [decision(200 + number, "mail.offer", ago=5.0) for number in range(40)]
    add(workspace, "decisions", [*first, *again, *late])
    bought = {"touchpoint": "mail.offer", "kind": "purchase", "value": 5.0, "at": END - timedelta(days=19)}
    add(workspace, "interactions", [bought | {"message_id": f"m{number}", "customer_id": f"c{number}"} for number in range(30)])
    (row,) = page_of(workspace).table("calibration").records
    assert (row["customers"], row["expected"], row["converted"]) == (40, 0.5, 0.75)
    assert row["low"] > 0.5  # 30 of 40 is surely more than half


def test_the_lift_is_that_of_the_command(workspace):
    rng = np.random.default_rng(1)
    add(workspace, "decisions", [decision(number, "mail.offer", ago=30.0) for number in range(600)])
    buyers = np.flatnonzero(rng.random(600) < 0.3)
    bought = {"touchpoint": "mail.offer", "kind": "purchase", "value": 40.0, "at": END - timedelta(days=25)}
    add(workspace, "interactions", [bought | {"message_id": f"m{row}", "customer_id": f"c{row}"} for row in buyers])
    page, report = page_of(workspace), measure_lift(workspace.lake, workspace.catalogue, since=None, until=END)
    (row,) = page.table("lift").records
    effect = next(each for each in report.effects if each.measure == "value")
    ends = effect.difference, effect.always_low, effect.always_high
    assert row["reference"] == "holdout" and (row["difference"], row["low"], row["high"]) == pytest.approx(ends)
    assert row["said"] == "not distinguishable"
    assert (page.cards[0].title, page.cards[0].value) == ("Lift against holdout", pytest.approx(effect.difference))
    assert sum(row["customers"] for row in page.table("arms").records) == 600


EVALUATION = {
    "values": [
        {
            "name": name,
            "dr": {"value": value, "low": value - 1.0, "high": value + 1.0},
            "snips": snips,
            "ips": {"value": value},
            "dm": {"value": float("nan")},
            "support": {"effective_sample_size": 250.0, "reasons": reasons},
        }
        for name, value, snips, reasons in (("challenger", 3.0, {"value": 2.9}, []), ("always none", 2.0, None, ["thin", "rare"]))
    ],
    "decisions": 1000,
    "trimmed": 20,
    "notes": ["mind the gap"],
}


@pytest.fixture(scope="module")
def trained(registry, tmp_path_factory):
    """A home with two more registered policies: the first is champion, the second was evaluated and refused."""
    (registry.settings.home / "catalogue.toml").write_text(CATALOGUE)
    policies = []
    for name in ("always none", "learnt"):
        folder = tmp_path_factory.mktemp("policy")
        (folder / "policy.json").write_text(json.dumps({"name": name}))
        with registry.run(f"retraining {name}") as parent, registry.run("policy", parent=parent) as run:
            registry.log_values(parent, {"decisions": 1200})
            registry.log_text(run, "evaluation.json", json.dumps(EVALUATION))
            policies.append(registry.register_policy(run, folder, fingerprint=name))
    champion, challenger = (policy.version for policy in policies)
    registry.promote(champion, at=END - timedelta(days=3))
    registry.challenge(challenger)
    registry.record_verdict(challenger, passed=False, champion=champion, reasons=["refused: not distinguishable"])
    return Workspace(registry.settings), policies


def test_versions_values_and_runs_are_those_of_the_registry(trained):
    workspace, (champion, challenger) = trained
    page = page_of(workspace)
    second, first = page.table("versions").records[:2]
    assert (first["role"], first["name"], first["since"]) == ("champion", "always none", (END - timedelta(days=3)).isoformat())
    told = (second["role"], second["name"], second["verdict"], second["against"])
    assert told == ("challenger", "learnt", "refused", champion.version)
    assert second["run"] == f"mlflow:{challenger.run_id}" and "url" not in second
    assert list(second)[-1] == "reasons"  # they are long
    assert section(page, "versions").words == ("Refused: not distinguishable.",)
    values = page.table("values").records
    assert [(row["policy"], row["value"], row["low"], row["high"]) for row in values] == [
        ("challenger", 3.0, 2.0, 4.0),
        ("always none", 2.0, 1.0, 3.0),
    ]
    assert (values[0]["dm"], values[1]["snips"], values[1]["support"]) == (None, None, "thin; rare")
    assert "mind the gap" in section(page, "values").words
    runs = page.table("runs").records[:2]
    assert [(row["name"], row["decisions"]) for row in runs] == [("retraining learnt", 1200), ("retraining always none", 1200)]


def test_a_tracking_server_gets_links_to_its_runs():
    known = Registered(
        versions=(RegisteredPolicy(1, "a", "b", "r1"),), verdicts={1: None}, names={}, address="https://mlflow.example"
    )
    (row,) = versions_section(known).tables[0].records
    assert (row["url"], row["verdict"]) == ("https://mlflow.example/#/runs/r1", "not judged")
