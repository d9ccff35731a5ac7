"""The log as other tools read it: every line and array against what was decided."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from features.errors import ConfigurationError, StoreError, TrainingError
from features.journal.ranks import Feedback, RecordedRank
from features.lake import SCHEMAS
from features.settings import load_settings
from features.workspace import Workspace
from serving.exporting import LogFormat, export_log
from training.personalizer import Action, RankQuestion

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)
NOW = NOON + timedelta(days=60)
CATALOGUE = """
[objective]
window_days = 14
margin = 0.5

[[touchpoints]]
name = "store.checkout"
stage = "purchase"

[[touchpoints]]
name = "mail.offer"
stage = "retention"
recommendable = true
cost = 0.5

[[touchpoints]]
name = "call.adviser"
stage = "consideration"
recommendable = true
cost = 8

[traits.tier]
type = "category"
categories = ["basic", "gold"]
"""
CHANCES = {"none": 0.25, "mail.offer": 0.75}


def decision(decision_id: str, chosen: str, *, at: datetime = NOON, **changes: Any) -> dict[str, Any]:
    record = {
        "policy": {"version": "7"},
        "candidates": [{"touchpoint": name, "eligible": True, "probability": chance} for name, chance in CHANCES.items()],
    }
    row = {
        "decision_id": decision_id,
        "customer_id": "ann",
        "touchpoint": chosen,
        "at": at,
        "received_at": at,
        "source": "service",
        "candidates": list(CHANCES),
        "probability": CHANCES.get(chosen),
        "record": json.dumps(record),
        "position": 1,
    }
    return row | changes


@dataclass
class Home:
    workspace: Workspace
    folder: Path

    def export(self, name: str = "log", format: LogFormat = LogFormat.DSJSON, **options: Any) -> Any:
        given = {"now": NOW, "on_progress": lambda line: None} | options
        return export_log(self.workspace, self.folder / name, format, **given)

    def lines(self, **options: Any) -> list[dict[str, Any]]:
        self.export(**options)
        return [json.loads(line) for line in (self.folder / "log").read_text().splitlines()]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    path = tmp_path_factory.mktemp("home")
    (path / "catalogue.toml").write_text(CATALOGUE)
    workspace = Workspace(load_settings(home=path))
    bought = {
        "message_id": "m1",
        "customer_id": "ann",
        "touchpoint": "store.checkout",
        "channel": "store",
        "kind": "purchase",
        "stage": "purchase",
        "at": NOON + timedelta(days=1),
        "received_at": NOON + timedelta(days=1),
        "value": 20.0,
        "source": "test",
    }
    known = bought | {"message_id": "m0", "at": NOON - timedelta(days=3), "received_at": NOON - timedelta(days=3), "value": 40.0}
    known |= {"traits": '{"tier":"gold"}'}
    # files that end later close the windows
    last = bought | {"message_id": "m2", "customer_id": "zoe", "at": NOW - timedelta(hours=1), "received_at": NOW}
    decisions = [
        decision("d1", "mail.offer"),
        decision("d2", "none", at=NOON + timedelta(days=20), position=2),
        decision("d3", "mail.offer", record=None, probability=None, source="file", at=NOON + timedelta(hours=1), position=None),
        decision("d4", "mail.offer", at=NOW - timedelta(days=1), position=3),
    ]
    for table, rows in (("interactions", [known, bought, last]), ("decisions", decisions)):
        workspace.lake.append(table, pa.Table.from_pylist(rows, schema=SCHEMAS[table]))
    workspace.store.materialize(workspace.lake, until=NOW, on_progress=lambda line: None)
    return Home(workspace, tmp_path_factory.mktemp("out"))


def test_a_line_has_what_vowpal_wabbit_reads(home: Home) -> None:
    first, second = home.lines()
    # 20 bought within the window at a margin of a half, less 0.50 for the letter
    assert (first["_label_cost"], first["_label_probability"], first["_label_Action"], first["_labelIndex"]) == (-9.5, 0.75, 2, 1)
    assert (first["a"], first["p"]) == ([2, 1], [0.75, 0.25])
    assert (first["Version"], first["EventId"], first["Timestamp"]) == ("1", "d1", "2026-01-10T12:00:00.000000Z")
    assert first["o"] == [{"v": 9.5, "EventId": "d1", "ActionTaken": False}]
    assert (first["VWState"], first["pdrop"]) == ({"m": "7"}, 0.0)
    assert (second["_label_cost"], second["_label_Action"], second["a"], second["p"]) == (0.0, 1, [1, 2], [0.25, 0.75])


def test_the_context_is_the_customer_and_the_actions_are_what_was_eligible(home: Home) -> None:
    context = home.lines()[0]["c"]
    assert context["_multi"] == [
        {"_tag": "none", "Touchpoint": {"name": "none", "cost": 0.0}},
        {"_tag": "mail.offer", "Touchpoint": {"name": "mail.offer", "channel": "mail", "stage": "retention", "cost": 0.5}},
    ]
    assert context["Customer"]["trait_tier_category"] == "gold"
    assert context["Customer"]["kind_purchase_lifetime_count"] == 1.0
    assert "kind_visit_recency_days" not in context["Customer"]


def test_what_is_open_or_has_no_logged_probability_is_not_in_it(home: Home) -> None:
    report = home.export()
    assert (report.written, report.left_out) == (2, 1)
    assert [line["EventId"] for line in home.lines(since=NOON + timedelta(days=1))] == ["d2"]
    assert [line["EventId"] for line in home.lines(until=NOON + timedelta(days=1))] == ["d1"]
    with pytest.raises(TrainingError, match="another time"):
        home.export(since=NOON + timedelta(days=30))


def test_the_open_bandit_feedback_has_its_arrays(home: Home) -> None:
    home.export("log.npz", LogFormat.OBP)
    with np.load(home.folder / "log.npz", allow_pickle=False) as arrays:
        found = dict(arrays)
    assert (found["n_rounds"], found["n_actions"]) == (2, 3)
    assert found["actions"].tolist() == ["none", "mail.offer", "call.adviser"]
    assert (found["action"].tolist(), found["position"].tolist()) == ([1, 0], [0, 0])
    assert found["reward"].tolist() == [9.5, 0.0] and found["pscore"].tolist() == [0.75, 0.25]
    assert found["pi_b"].shape == (2, 3, 1) and found["pi_b"][:, :, 0].tolist() == [[0.25, 0.75, 0.0]] * 2
    assert found["context"].shape == found["known"].shape and np.isfinite(found["context"]).all()
    assert found["eligible"].tolist() == [[True, True, False]] * 2
    names = found["action_context_names"].tolist()
    rows = [dict(zip(names, row, strict=True)) for row in found["action_context"].tolist()]
    assert rows[0] == {"cost": 0.0, "channel_call": 0.0, "channel_mail": 0.0}
    assert rows[2] == {"cost": 8.0, "channel_call": 1.0, "channel_mail": 0.0}


def asked(home: Home, event_id: str, *, chosen: str = "b", at: datetime = NOON, value: float | None = 0.5) -> None:
    actions = (Action("a", [{"x": 1}]), Action("gone", [{"x": 9}]), Action("b", [{"x": 2}]))
    question = RankQuestion([{"hour": 9}], actions, frozenset(["gone"]))
    chances = [("b", 0.8), ("gone", 0.0), ("a", 0.2)]
    rank = RecordedRank(
        event_id=event_id,
        at=at,
        request_hash="",
        request=question.as_json(),
        ranking=json.dumps([{"id": name, "probability": chance} for name, chance in chances]),
        chosen=chosen,
        policy="abc",
        deferred=False,
    )
    home.workspace.journal.ranks.append([rank])
    if value is not None:
        home.workspace.journal.ranks.tell([Feedback(event_id, at, value)])


def test_rank_events_are_lines_with_the_namespaces_of_their_service(home: Home) -> None:
    with pytest.raises(TrainingError, match="no rank event"):
        home.export(ranks=True)
    asked(home, "e1")
    asked(home, "e2", chosen="a", at=NOON + timedelta(days=1), value=None)
    asked(home, "open", at=NOW)
    first, second = home.lines(ranks=True)
    assert (first["_label_cost"], first["_label_probability"], first["_label_Action"], first["_labelIndex"]) == (-0.5, 0.8, 2, 1)
    assert (first["a"], first["p"], first["VWState"]) == ([2, 1], [0.8, 0.2], {"m": "abc"})
    assert first["c"]["FromUrl"] == [{"hour": 9}]
    assert first["c"]["_multi"] == [
        {"_tag": "a", "i": {"constant": 1, "id": "a"}, "j": [{"x": 1}]},
        {"_tag": "b", "i": {"constant": 1, "id": "b"}, "j": [{"x": 2}]},
    ]
    assert (second["_label_cost"], second["_label_Action"]) == (0.0, 1)
    assert [line["EventId"] for line in home.lines(ranks=True, since=NOON + timedelta(hours=1))] == ["e2"]


def test_rank_events_are_no_open_bandit_feedback(home: Home) -> None:
    with pytest.raises(ConfigurationError, match="dsjson"):
        home.export("log.npz", LogFormat.OBP, ranks=True)


def test_a_file_is_written_whole_or_not_at_all(home: Home) -> None:
    before = home.export()
    with pytest.raises(TrainingError):
        home.export(since=NOW)
    assert len((home.folder / "log").read_text().splitlines()) == before.written
    with pytest.raises(StoreError, match="another file"):
        home.export("no/such/folder")
    assert not list(home.folder.glob("*.unfinished"))


def test_the_command_writes_the_file_and_says_what_is_in_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    from serving.cli import app

    monkeypatch.setenv("TOUCHPOINT_HOME", str(home.workspace.settings.home))
    file = home.folder / "by command.json"
    result = CliRunner().invoke(app, ["log", str(file), "--format", "dsjson", "--until", "2026-01-20", "--json"])
    assert result.exit_code == 0, result.output
    report = SimpleNamespace(**json.loads(result.stdout))
    assert (report.file, report.format, report.written, report.left_out) == (str(file), "dsjson", 1, 1)
    assert [json.loads(line)["EventId"] for line in file.read_text().splitlines()] == ["d1"]
