"""How long does `touchpoint --help` take, against the bare interpreter?"""

import subprocess
import sys
import time

import numpy as np

RUNS = 9


def measure() -> dict[str, object]:
    """Time both in turn, whole processes."""
    ours = [sys.executable, "-m", "serving.cli", "--help"]
    bare = [sys.executable, "-c", "pass"]
    pairs = [(_seconds(ours), _seconds(bare)) for _ in range(RUNS)]
    mine, limit = np.median(pairs, axis=0)
    return {
        "question": "touchpoint --help, whole process",
        "ours_seconds": round(float(mine), 3),
        "bare_seconds": round(float(limit), 3),
        "ratio": round(float(mine / limit), 1),
    }


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start
