"""Recommendations for everybody: how much slower than the models alone on the same rows, and does memory stay flat?

The limit is bare `Booster.predict`, on one thread like ours, of all boosters of the policy in force on rows that lie ready: each
customer once for models of the customer, and once for every touchpoint, doing nothing among them, for the one that tells these
apart. It reads nothing, knows no rules and writes nothing; ours reads features, contacts and consents, applies every rule,
scores, explores, draws and writes the file. Both take the same thousands of customers in turn, A B A B. Times are of the
processor, as other work on the machine troubles the one as much as the other.

Each size runs in a process of its own, whose peak memory is told. `BATCH=1000000 make bench ARGS=batch` adds that many.
"""

import json
import os
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.ratios import Figure, growth
from features.settings import load_settings
from features.workspace import Workspace
from serving.assembly import assemble
from serving.batch import Asked
from serving.batch.customers import everybody
from serving.batch.file import written
from serving.batch.recommend import Run, collect_seldom
from training.arms import with_arms
from training.models import Booster
from training.uplift import UpliftScorer

SIZES = (10_000, 100_000)
ROUND = 5  # batches


def measure() -> dict[str, object]:
    """Make a home of each size, run over it, and compare the sizes."""
    sizes = (*SIZES, int(os.environ["BATCH"])) if "BATCH" in os.environ else SIZES
    command = [sys.executable, "-m", "benchmarks.batch"]
    told = [json.loads(subprocess.run([*command, str(size)], stdout=subprocess.PIPE, check=True).stdout) for size in sizes]
    figures = [
        Figure.of(f"recommend --all, {size:,} customers x 30 touchpoints", "bare Booster.predict", each["pairs"], at_most=2.0)
        for size, each in zip(sizes, told, strict=True)
    ]
    memory = [
        Figure(name=f"recommend --all, {size:,} customers, peak memory", ours=each["peak_mib"], unit="MiB", at_most=2_000.0)
        for size, each in zip(sizes, told, strict=True)
    ]
    exponent = growth(sizes, [each["seconds"] for each in told])
    return {
        "figures": [*figures, *memory, Figure(name="recommend --all, growth exponent", ours=exponent, unit="", at_most=1.1)],
        "customers_per_second": {f"{size:,}": size / each["seconds"] for size, each in zip(sizes, told, strict=True)},
    }


def _run(customers: int) -> dict[str, Any]:
    """Both over a home of so many customers, some batches of the one, then the same ones of the other."""
    with TemporaryDirectory(prefix="touchpoint-batch-") as folder:
        home = Path(folder) / "home"
        _in_a_process_of_its_own(home, customers)
        assembly = assemble(Workspace(load_settings(home=home)))
        assembly.live.refresh()
        bare = _Bare(assembly.live.current.policy.scorer)
        run = Run(assembly, Asked(run="bench"), at=datetime.now(UTC), probabilities=False)
        rounds: list[list[float]] = [[0.0, 0.0]]
        started, peak = time.process_time(), 0
        with (
            everybody(assembly.workspace) as found,
            written(Path(folder) / "all.parquet", run.rows.schema, about={}) as groups,
            collect_seldom(),
        ):
            batches = _noting(run)
            for number, batch in enumerate(run.batches(found, _tell)):
                groups.write(batch)
                ours, peak = time.process_time() - started, max(peak, _resident())
                theirs = bare.predict(batches.pop())
                if number % ROUND == 0 and number:
                    rounds.append([0.0, 0.0])
                rounds[-1][0] += ours
                rounds[-1][1] += theirs
                started = time.process_time()
    return {"pairs": rounds, "seconds": sum(ours for ours, _ in rounds), "peak_mib": peak / 2**20}


class _Bare:
    """The boosters of a policy, on rows that lie ready."""

    def __init__(self, scorer: UpliftScorer) -> None:
        self._arms = scorer.arms
        self._of_customers = [predictor.model for predictor in scorer.sides.predictors.values()]
        self._conversion, self._effects = scorer.conversion.model, [term.model for term in scorer.effects.terms]

    def predict(self, rows: np.ndarray) -> float:
        """Seconds of the predictions alone, some customers at a time as is best for them."""
        seconds = 0.0
        for start in range(0, len(rows), 256):
            part, count = rows[start : start + 256], len(self._arms)
            every = with_arms(np.repeat(part, count, axis=0), np.tile(np.arange(count), len(part)), self._arms)
            alone = with_arms(part, np.zeros(len(part), dtype=np.int64), self._arms)
            began = time.process_time()
            for model in self._of_customers:
                _predict(model, part)
            _predict(self._conversion, alone)
            for model in self._effects:
                _predict(model, every)
            seconds += time.process_time() - began
        return seconds


def _predict(model: Any, rows: np.ndarray) -> None:
    if not isinstance(model, Booster):
        raise TypeError(f"{type(model).__name__} is no booster; this benchmark compares boosters")
    model.native.predict(rows, raw_score=True, num_threads=1)


def _noting(run: Run) -> list[np.ndarray]:
    """The rows of features that the run reads, batch by batch: the limit takes the same ones."""
    noted: list[np.ndarray] = []
    read = run.reader.known

    def known(*given: Any, **also: Any) -> Any:
        found = read(*given, **also)
        noted.append(found.rows)
        return found

    run.reader.known = known  # type: ignore[method-assign]
    return noted


def _in_a_process_of_its_own(home: Path, customers: int) -> None:
    """Make the home where it leaves no memory behind."""
    code = f"from pathlib import Path; from benchmarks.online_home import make_home; make_home(Path({str(home)!r}), {customers})"
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def _resident() -> int:
    """Bytes of memory that this process has now."""
    return int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1]) * resource.getpagesize()


def _tell(message: str) -> None:
    sys.stderr.write(f"\r{message}")


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_run(int(sys.argv[1]))))
