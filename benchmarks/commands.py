"""How long does `touchpoint --help` take, against the bare interpreter?"""

import subprocess
import sys

from benchmarks.ratios import Figure, in_turn

RUNS = 9


def measure() -> dict[str, object]:
    """Time both in turn, whole processes."""
    ours = [sys.executable, "-m", "serving.cli", "--help"]
    bare = [sys.executable, "-c", "pass"]
    pairs = in_turn(lambda: _run(ours), lambda: _run(bare), rounds=RUNS)
    return {"figure": Figure.of("touchpoint --help, whole process", "the bare interpreter", pairs)}


def _run(command: list[str]) -> None:
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
