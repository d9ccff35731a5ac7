"""The demo: a public data set through every step of the loop, ending in a recommendation from the running service."""

import json
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from features.capture import Mapping, ingest
from features.catalogue import parse_toml
from features.errors import ConfigurationError
from features.settings import Settings
from features.workspace import Workspace
from serving.demo.complete_journey import write_tables
from serving.running import launch
from serving.running.terminal import Terminal
from training.insights import look_at
from training.retrain import retrain

HERE = Path(__file__).parent
SOURCES = ("transactions", "demographics", "campaigns", "coupon_redemptions")
HOUSEHOLDS_ASKED = 200


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo ends with.

    Attributes
    ----------
    decision : the service's reply for one household.
    probabilities : of every eligible touchpoint in that decision, `none` included; they sum to 1.
    service, mlflow : addresses; None when they have ended already.
    seconds : time spent on each step.
    """

    decision: dict[str, Any]
    probabilities: dict[str, float]
    gate: tuple[str, ...]
    service: str | None
    mlflow: str | None
    seconds: dict[str, float]


def run_demo(settings: Settings, *, now: datetime, once: bool, port: int, ui_port: int, terminal: Terminal) -> None:
    """Ingest, retrain, look, serve, recommend; then serve on until interrupted, unless `once`."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that the servers are ended as well
    seconds: dict[str, float] = {}
    workspace = prepare_home(settings)
    with _timed("write the data set out as files", seconds, terminal):
        folder = settings.home / "complete_journey"
        write_tables(folder, last_day=now.date() - timedelta(days=1))
    with _timed("ingest", seconds, terminal):
        ingest_tables(workspace, folder, now=now, terminal=terminal)
    with _timed("retrain", seconds, terminal):
        report = retrain(workspace, now=now, on_progress=terminal.say)
    with _timed("look at the touchpoints", seconds, terminal):
        look_at(workspace, now=now, on_progress=terminal.say)
    with ExitStack() as servers:
        with _timed("start the service", seconds, terminal):
            address = _serve(servers, settings, port)
        with _timed("recommend", seconds, terminal):
            decision, probabilities = ask_for_one(address, _households(workspace))
        mlflow = None if once else _show_mlflow(servers, settings, ui_port, terminal)
        service = None if once else address
        terminal.result(DemoResult(decision, probabilities, report.reasons, service, mlflow, seconds))
        if not once:
            _serve_on(address, mlflow, terminal)


def prepare_home(settings: Settings) -> Workspace:
    """Put the demo's catalogue into the home unless there is one already."""
    settings.home.mkdir(parents=True, exist_ok=True)
    if not settings.catalogue_path.exists():
        shutil.copy(HERE / "catalogue.toml", settings.catalogue_path)
    return Workspace(settings)


def ingest_tables(workspace: Workspace, folder: Path, *, now: datetime, terminal: Terminal) -> None:
    """Ingest each table through its mapping."""
    for source in SOURCES:
        ingest(
            [folder / f"{source}.parquet"],
            parse_toml(Mapping, HERE / "sources" / f"{source}.toml"),
            catalogue=workspace.catalogue,
            lake=workspace.lake,
            now=now,
            clock_skew_seconds=workspace.settings.clock_skew_seconds,
            on_progress=terminal.say,
        )


def ask_for_one(address: str, households: list[str]) -> tuple[dict[str, Any], dict[str, float]]:
    """Ask, without effect, for many households; then decide for the one where acting seems worth most."""
    previews = _call(f"{address}/v1/recommend", {"customers": households, "dry_run": True, "limit": 50})
    best = max(previews, key=lambda reply: max(item["expected_value"] for item in reply["recommendations"]))
    decision = _call(f"{address}/v1/recommend", {"customer_id": best["customer_id"], "limit": 10})
    record = _call(f"{address}/v1/decisions/{decision['decision_id']}")
    return decision, {item["touchpoint"]: item["probability"] for item in record["candidates"] if item["eligible"]}


def _households(workspace: Workspace) -> list[str]:
    customers = workspace.lake.read("interactions", ["customer_id"])["customer_id"].unique().to_pylist()
    return sorted(customers)[:HOUSEHOLDS_ASKED]


def _serve(servers: ExitStack, settings: Settings, port: int) -> str:
    port = _port_or_any(port)
    log = str(settings.home / "service.log")
    servers.enter_context(launch.running(launch.service(settings, port=port), log=log))
    return f"http://127.0.0.1:{port}"


def _show_mlflow(servers: ExitStack, settings: Settings, port: int, terminal: Terminal) -> str:
    terminal.say("start the MLflow UI")
    port = _port_or_any(port)
    servers.enter_context(launch.running(launch.ui(settings, port=port), log=str(settings.home / "mlflow.log")))
    return f"http://127.0.0.1:{port}"


def _port_or_any(port: int) -> int:
    try:
        return launch.free_port(port)
    except ConfigurationError:
        return launch.free_port(0)


def _serve_on(service: str, mlflow: str | None, terminal: Terminal) -> None:
    terminal.say(f"console {service}/console, API {service}/openapi.json, MLflow UI {mlflow}; end with Ctrl-C")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        terminal.say("ending the servers")


@contextmanager
def _timed(step: str, seconds: dict[str, float], terminal: Terminal) -> Iterator[None]:
    terminal.say(step)
    start = time.monotonic()
    yield
    seconds[step] = round(time.monotonic() - start, 1)


def _call(url: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(url, data=data, headers={"Content-Type": "application/json"}), timeout=60) as answer:
        return json.load(answer)
