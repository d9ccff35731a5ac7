import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from features import refresh
from features.lake import SCHEMAS
from features.settings import Settings
from features.workspace import Workspace
from serving.cli import app
from training.artifact import POLICY_FILE
from training.experiment.champion import judge_champion
from training.registered import InForce
from training.registry import Registry
from training.retrain import guard, retrain

CATALOGUE = """
[objective]
window_days = 28

[[guardrails]]
metric = "value"

[[touchpoints]]
name = "mail.offer"
stage = "purchase"
recommendable = true
cost = 0.1
"""
NOW = datetime(2024, 6, 30, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A home where policy 2 replaced policy 1 twenty days ago, and customers have spent a third since."""
    return _guarded(tmp_path_factory.mktemp("guarded"), spends=10.0)


def _guarded(home, *, spends, told=500):
    (home / "catalogue.toml").write_text(CATALOGUE)
    workspace = Workspace(Settings(home=home))
    registry = Registry(workspace.settings)
    for version in (1, 2):
        folder = home / f"policy{version}"
        folder.mkdir()
        (folder / POLICY_FILE).write_text(f"policy {version}")
        with registry.run(f"policy {version}") as run:
            registered = registry.register_policy(run, folder, fingerprint=str(version))
        registry.promote(registered.version, at=NOW - timedelta(days=70 - 25 * version))
    rng = np.random.default_rng(1)
    _fill(workspace, rng, 1, days=(48, 28), spends=30.0, told=500)
    _fill(workspace, rng, 2, days=(19, 8), spends=spends, told=told)
    return workspace


def _fill(workspace, rng, version, *, days, spends, told):
    at = sorted(NOW - timedelta(days=float(rng.uniform(*sorted(days)))) for _ in range(500))
    made = [
        {"decision_id": f"{version}/{n}", "customer_id": f"c{n}", "touchpoint": "mail.offer", "at": at[n], "received_at": at[n],
         "source": "/online", "record": f'{{"arm": "treatment", "policy": {{"name": "p", "version": "{version}"}}}}'}
        for n in range(500)
    ]  # fmt: skip
    bought = [
        {"message_id": f"{version}/{n}", "customer_id": f"c{n}", "touchpoint": "mail.offer", "kind": "purchase", "source": "shop",
         "at": at[n] + timedelta(days=1), "received_at": at[n] + timedelta(days=1), "value": float(rng.exponential(spends))}
        for n in range(told)
    ]  # fmt: skip
    for table, rows in (("decisions", made), ("interactions", bought)):
        filled = [{**dict.fromkeys(SCHEMAS[table].names), **row} for row in rows]
        workspace.lake.append(table, pa.Table.from_pylist(filled, schema=SCHEMAS[table]))


def test_a_champion_that_broke_a_guardrail_is_taken_back_before_anything_is_learnt_and_only_once(workspace):
    said: list[str] = []
    registry = Registry(workspace.settings)
    assert [each.version for each in registry.in_force()] == [1, 2]
    report = retrain(workspace, now=NOW, on_progress=said.append)
    assert (report.status, report.champion, report.challenger) == ("rolled_back", 1, None)
    assert "value fell" in report.reasons[0] and any("is taken back" in line for line in said)
    assert registry.in_force() == (InForce(1, NOW),)
    assert registry.is_rolled_back(2) and "value fell" in registry._version(2).tags["rolled_back"]
    again = guard(workspace, now=NOW, on_progress=said.append)
    assert (again.champion, again.back_to, again.broken) == (1, None, ())


def test_a_champion_is_not_taken_back_for_purchases_that_the_newest_file_cannot_hold(tmp_path):
    workspace = _guarded(tmp_path, spends=30.0, told=200)  # those of its later 300 decisions come with the next file
    refresh.refresh(workspace, now=NOW, on_progress=lambda words: None)
    report = guard(workspace, now=NOW, on_progress=lambda words: None)
    assert (report.champion, report.back_to, report.broken) == (2, None, ())
    members = workspace.store.members().relation()
    by_the_clock = judge_champion(
        workspace.lake, workspace.catalogue, (InForce(1), InForce(2, report.since)), until=NOW, members=members
    )
    assert by_the_clock.broken


def test_the_commands_measure_and_watch_without_changing_anything(workspace, monkeypatch):
    monkeypatch.setenv("TOUCHPOINT_HOME", str(workspace.settings.home))
    before = Registry(workspace.settings).in_force()
    shown = [CliRunner().invoke(app, [command, "--json"]) for command in ("lift", "alarms")]
    lift, alarms = (json.loads(result.stdout) for result in shown)
    assert lift["customers"] == 500 and "there is no holdout" in lift["notes"][0]
    assert alarms["decisions"] == 0 and alarms["guardrails"]["champion"] == before[-1].version
    assert Registry(workspace.settings).in_force() == before
