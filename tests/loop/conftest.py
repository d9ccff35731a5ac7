"""A home filled from files through the commands themselves: real Feast, MLflow and BentoML, nothing of ours replaced."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.lake import Lake
from features.synthetic import World, make_world
from features.synthetic_records import records

CUSTOMERS, WAVES = 1500, 3
NOW = datetime.now(UTC).replace(microsecond=0)  # the edge of the system: commands run now

CATALOGUE = """
[objective]
window_days = 28
margin = 0.5
churn_days = 42

[exploration]
sharpness = 10.0
floor = 0.02

[[touchpoints]]
name = "web.product_page"
stage = "consideration"

[[touchpoints]]
name = "web.cart"
stage = "purchase"

[[touchpoints]]
name = "store.checkout"
stage = "purchase"

[[touchpoints]]
name = "ticket.complaint"
stage = "retention"
message_class = "service"

[[touchpoints]]
name = "email.abandoned_cart"
stage = "purchase"
recommendable = true
cost = 0.05
prior_uplift = 0.02

[[touchpoints]]
name = "social.retargeting"
stage = "consideration"
recommendable = true
cost = 0.3
prior_uplift = 0.02

[[touchpoints]]
name = "call.adviser"
stage = "consideration"
recommendable = true
cost = 8.0
prior_uplift = 0.1

[[touchpoints]]
name = "mail.offer"
stage = "retention"
recommendable = true
cost = 1.0
prior_uplift = 0.05
"""

EVENTS = """
name = "shop"

[[interactions]]
message_id = "message_id"
customer_id = "customer_id"
touchpoint = "touchpoint"
kind = "kind"
at = "at"
value = "value"
decision_id = "decision_id"
"""

SENDS = """
name = "crm"

[[decisions]]
decision_id = "decision_id"
customer_id = "customer_id"
touchpoint = "touchpoint"
at = "at"
wave = "wave"
probability = "probability"
candidates = ["none", "email.abandoned_cart", "social.retargeting", "call.adviser", "mail.offer"]
"""


class Home:
    """A home folder, and the commands on it."""

    def __init__(self, path: Path, files: Path) -> None:
        self.path = path
        self.files = files
        self.environment = os.environ | {"TOUCHPOINT_HOME": str(path), "PYTHONOPTIMIZE": "1", "COLUMNS": "200"}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "serving.cli", *arguments]

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        quiet = subprocess.DEVNULL
        return subprocess.Popen(self.command(*arguments), env=self.environment, stdout=quiet, stderr=quiet)

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(self.command(*arguments), env=self.environment, capture_output=True, text=True, timeout=240)
        assert result.returncode == code, f"{arguments} ended with {result.returncode}: {result.stderr[-3000:]}"
        return result

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)

    def ingest(self) -> list[Any]:
        return [self.json(*self.ingest_arguments(name)) for name in ("events", "sends")]

    def lake_rows(self, table: str, column: str) -> list[Any]:
        rows: list[Any] = Lake(self.path / "lake").read(table, [column])[column].to_pylist()
        return rows

    def ingest_arguments(self, name: str) -> tuple[str, ...]:
        return "ingest", str(self.files / f"{name}.csv"), "--source", str(self.files / f"{name}.toml")


def write_world(folder: Path, *, seed: int) -> World:
    """A synthetic world as the files that a shop and its mailing tool would export, and their mappings."""
    rng = np.random.default_rng(seed)
    world = make_world(CUSTOMERS, rng=rng)
    start = NOW - timedelta(days=35 * WAVES + 1)
    history = records(world, start=start, waves=WAVES, logging_probabilities=np.full(5, 0.2), rng=rng)
    happened = [interaction for interaction in history.interactions if interaction.at < NOW]
    _write(folder / "events.csv", ("message_id", "customer_id", "touchpoint", "kind", "at", "value", "decision_id"), happened)
    _write(folder / "sends.csv", ("decision_id", "customer_id", "touchpoint", "at", "wave", "probability"), history.decisions)
    (folder / "events.toml").write_text(EVENTS, encoding="utf-8")
    (folder / "sends.toml").write_text(SENDS, encoding="utf-8")
    return world


def _write(path: Path, columns: Sequence[str], rows: Sequence[object]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            values = [getattr(row, column) for column in columns]
            writer.writerow(["" if value is None else getattr(value, "isoformat", lambda v=value: v)() for value in values])


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("exports")
    write_world(folder, seed=7)
    return folder


@pytest.fixture(scope="session")
def make_home(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Home]:
    """Makes a new home with a catalogue; nothing is ingested yet."""

    def make() -> Home:
        path = tmp_path_factory.mktemp("loop") / "home"
        path.mkdir()
        (path / "catalogue.toml").write_text(CATALOGUE, encoding="utf-8")
        return Home(path, files)

    return make


@pytest.fixture(scope="session")
def trained(make_home: Callable[[], Home]) -> Home:
    """A home after ingest and the first retraining; its tests add to it and take nothing away."""
    home = make_home()
    home.ingest()
    report = home.json("retrain")
    assert report["status"] == "promoted", report
    return home
