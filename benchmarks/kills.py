"""What does `kill -9`, a hundred times at random points of posting, compaction and materialization, lose, double or tear?

Posters append to the journal from four threads and write down what was acknowledged; beside them compaction and materialization
run in processes of their own. All of them are killed at random moments. At the end everything is brought to the lake and into the
feature store once more, and compared with what was acknowledged.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks.ratios import Figure
from features.journal import Journal
from features.lake import Lake
from features.settings import load_settings

KILLS = {"post": 50, "compact": 30, "materialize": 20}
STARTED_SECONDS = {"post": 2.0, "compact": 2.5, "materialize": 4.0}  # imports; before, there is nothing to interrupt
WITHIN_SECONDS = {"post": 2.5, "compact": 3.0, "materialize": 8.0}
SEED = 11

CATALOGUE = """
[[touchpoints]]
name = "web.page"
stage = "consideration"
"""

JOB = """
import sys, threading
from datetime import UTC, datetime
from pathlib import Path
from features.domain import Interaction, Kind
from features.settings import load_settings
from features.workspace import Workspace

what, home, run = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
workspace = Workspace(load_settings(home=home))

def post(thread):
    acknowledged = (home / f"acknowledged-{run}-{thread}").open("a", buffering=1)
    for number in range(1_000_000):
        name, now = f"{run}-{thread}-{number}", datetime.now(UTC)
        seen = Interaction(message_id=name, customer_id=f"c{number % 50}", touchpoint="web.page", kind=Kind.VIEW, at=now,
                           received_at=now, source="kills")
        workspace.journal.append_interactions([seen])
        acknowledged.write(name + "\\n")

if what == "post":
    for thread in range(4):
        threading.Thread(target=post, args=(thread,)).start()
elif what == "compact":
    from features.compaction import compact
    while True:
        compact(workspace.journal, workspace.lake, batch=200)
else:
    from training.retrain import materialize
    while True:
        materialize(workspace, now=datetime.now(UTC), on_progress=lambda line: None)
"""


def measure() -> dict[str, object]:
    """Kill, then count."""
    with tempfile.TemporaryDirectory(prefix="touchpoint-kills-") as folder:
        home = Path(folder)
        (home / "catalogue.toml").write_text(CATALOGUE, encoding="utf-8")
        _kill_all(home)
        _run_to_its_end(home)
        return _counted(home)


def _kill_all(home: Path) -> None:
    rng = np.random.default_rng(SEED)
    running: dict[str, tuple[subprocess.Popen[bytes], float]] = {}
    waiting = {what: list(range(times)) for what, times in KILLS.items()}
    while any(waiting.values()) or running:
        for what in KILLS:
            if what not in running and waiting[what]:
                run = waiting[what].pop()
                running[what] = (
                    _start(home, what, run),
                    time.monotonic() + STARTED_SECONDS[what] + float(rng.uniform(0, WITHIN_SECONDS[what])),
                )
        for what, (process, due) in list(running.items()):
            if time.monotonic() >= due:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
                del running[what]
        time.sleep(0.01)


def _start(home: Path, what: str, run: int) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONOPTIMIZE": "1"}
    with (home / "jobs.log").open("ab") as log:
        return subprocess.Popen([sys.executable, "-c", JOB, what, str(home), str(run)], env=environment, stdout=log, stderr=log)


def _run_to_its_end(home: Path) -> None:
    environment = os.environ | {"PYTHONOPTIMIZE": "1", "TOUCHPOINT_HOME": str(home)}
    subprocess.run([sys.executable, "-m", "serving.cli", "materialize"], env=environment, check=True, capture_output=True)


def _counted(home: Path) -> dict[str, object]:
    acknowledged = {name for path in home.glob("acknowledged-*") for name in path.read_text().split("\n")[:-1]}
    journal = Journal(load_settings(home=home).effective_journal_url)
    posted = Counter(each.message_id for n in range(50) for _, each in journal.interactions_after(f"c{n}", 0))
    lake = Counter(Lake(home / "lake").read("interactions", ["message_id"])["message_id"].to_pylist())
    states = _online_counts(home)
    if not acknowledged:
        raise SystemExit(f"nothing was acknowledged before it was killed: {(home / 'jobs.log').read_text()[-2000:]}")
    found = {
        "acknowledged and lost": len(acknowledged - posted.keys()) + len(acknowledged - lake.keys()),
        "doubled": sum(n - 1 for n in posted.values()) + sum(n - 1 for n in lake.values()),
        "in the journal but not in the lake": len(posted.keys() ^ lake.keys()),
        "torn features": sum(abs(states[f"c{n}"] - _of_customer(lake, n)) for n in range(50)),
    }
    kills = f"kill -9, {sum(KILLS.values())} times"
    return {
        "question": f"{kills} at random points of posting, compaction and materialization",
        "kills": KILLS,
        "acknowledged": len(acknowledged),
        "figures": [Figure(name=f"{kills}: {name}", ours=n, unit="records", at_most=0) for name, n in found.items()],
    }


def _online_counts(home: Path) -> dict[str, int]:
    from features.tables import TOTAL
    from features.workspace import Workspace

    store = Workspace(load_settings(home=home)).store
    names = [f"c{n}" for n in range(50)]
    found = store.online_states(names)
    return {name: 0 if state is None else int(state[TOTAL] or 0) for name, state in zip(names, found, strict=True)}


def _of_customer(messages: Counter[str], customer: int) -> int:
    return sum(int(name.rpartition("-")[2]) % 50 == customer for name in messages)
