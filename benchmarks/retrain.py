"""`touchpoint retrain` on ten million interactions and a million decisions: within ten minutes and 8 GB on two cores?

A home is made whose lake holds a year of interactions, a tenth as many decisions of the service with their whole records and
honest probabilities, and what followed by the true propensities of the synthetic world. The command itself runs there, twice:
with everything still to be done, and the night after, when one more day has come and a champion is in force.

Told are seconds, processor seconds and the highest memory of each step, as the command names its steps. There is no peer: the
target is the time itself, and that it grows no faster than the data. `RETRAIN_INTERACTIONS` sets other sizes, by commas.
"""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.ratios import Figure, growth
from benchmarks.retrain_world import make_home, one_more_day

SIZES = (100_000, 1_000_000, 10_000_000)
MOST_SECONDS, MOST_GIGABYTES, MOST_GROWTH = 600.0, 8.0, 1.1
START = datetime(2024, 1, 1, tzinfo=UTC)
_BULLET = "· "
_TICK = 0.2  # seconds between two looks at the processes
_PAGE, _TICKS = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Step:
    """What the command did from one line of its progress to the next; processor seconds are of all its processes."""

    name: str
    seconds: float
    cpu_seconds: float
    peak_gb: float


def measure() -> dict[str, object]:
    """Every size, then the figures of the largest."""
    sizes = tuple(int(size) for size in os.environ.get("RETRAIN_INTERACTIONS", ",".join(map(str, SIZES))).split(","))
    runs = [_measured(size) for size in sizes]
    first, night = ([run[which] for run in runs] for which in ("first", "night_after"))
    name, last = f"{sizes[-1]:,} interactions", first[-1]
    figures = [
        Figure(name=f"touchpoint retrain, {name}", ours=_seconds(last), unit="s", at_most=MOST_SECONDS),
        Figure(name=f"the night after, {name}", ours=_seconds(night[-1]), unit="s", at_most=MOST_SECONDS),
        Figure(name=f"memory of touchpoint retrain, {name}", ours=_peak(last), unit="GB", at_most=MOST_GIGABYTES),
    ]
    if len(sizes) > 1:
        exponent = growth(sizes, [_seconds(steps) for steps in first])
        figures.append(Figure(name="growth of touchpoint retrain", ours=exponent, unit="exponent", at_most=MOST_GROWTH))
    return {
        "question": "the whole nightly job, as a command, from a lake with decisions and outcomes to a judged policy",
        "figures": figures,
        "steps": {f"{size:,} interactions": run for size, run in zip(sizes, runs, strict=True)},
    }


def _measured(size: int) -> dict[str, list[Step]]:
    """Both runs in a home of so many interactions; `RETRAIN_HOME` keeps it there, and takes it from there."""
    with TemporaryDirectory(prefix="touchpoint-") as folder:
        home = Path(os.environ["RETRAIN_HOME"]) / str(size) if "RETRAIN_HOME" in os.environ else Path(folder)
        if not (home / "lake").exists():
            make_home(home, interactions=size, start=START)
        first = _merged(_run(home))
        one_more_day(home, interactions=size, start=START)
        return {"first": first, "night_after": _merged(_run(home))}


def _merged(steps: Iterable[Step]) -> list[Step]:
    """One step of lines that differ only in how far it has come."""
    found: list[Step] = []
    for _, alike in groupby(steps, key=lambda step: re.sub(r"[\d,]+", "", step.name)):
        *_, last = lines = list(alike)
        found.append(Step(last.name, _seconds(lines), sum(each.cpu_seconds for each in lines), _peak(lines)))
    return found


def _run(home: Path) -> Iterator[Step]:
    """The steps of one run."""
    environment = os.environ | {"TOUCHPOINT_HOME": str(home), "PYTHONUNBUFFERED": "1", "COLUMNS": "1000"}
    command = [str(Path(sys.executable).with_name("touchpoint")), "retrain", "--json"]
    with (home / "told.json").open("w+") as told:
        process = subprocess.Popen(command, env=environment, stdout=told, stderr=subprocess.PIPE, text=True)
        watch, name, before = _Watch(process.pid), "start", (time.perf_counter(), 0.0)
        watch.start()
        for line in process.stderr or ():
            now = time.perf_counter(), watch.cpu_seconds
            if line.startswith(_BULLET):
                yield Step(name, now[0] - before[0], now[1] - before[1], watch.peak_gb_since())
                name, before = line.removeprefix(_BULLET).strip(), now
        process.wait()
        yield Step(name, time.perf_counter() - before[0], watch.cpu_seconds - before[1], watch.peak_gb_since())
        told.seek(0)
        words = told.read()
    if process.returncode or json.loads(words)["status"] not in ("promoted", "kept"):
        raise SystemExit(f"touchpoint retrain failed: {words}")


class _Watch(threading.Thread):
    """Looks at a process several times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.cpu_seconds, self._peak, self._folder = 0.0, 0.0, Path(f"/proc/{pid}")

    def run(self) -> None:
        """Until it has ended."""
        while True:
            try:
                fields = (self._folder / "stat").read_text().rsplit(")", 1)[1].split()
                resident = int((self._folder / "statm").read_text().split()[1])
            except (OSError, IndexError):
                return
            self.cpu_seconds = sum(map(int, fields[11:15])) / _TICKS  # user and system, its own and of children that ended
            self._peak = max(self._peak, resident * _PAGE / 1e9)
            time.sleep(_TICK)

    def peak_gb_since(self) -> float:
        """The most memory since the last question."""
        peak, self._peak = self._peak, 0.0
        return peak


def _seconds(steps: Sequence[Step]) -> float:
    return sum(step.seconds for step in steps)


def _peak(steps: Sequence[Step]) -> float:
    return max(step.peak_gb for step in steps)
