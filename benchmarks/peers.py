"""Peers to compare with: each works in a virtual environment of its own, because their pins would not stand beside ours.

A peer is a script of `benchmarks/peers/`, run as `python SCRIPT given.npz answer.json`. What it writes to `answer.json`, and the
arrays of an `answer.npz` beside it, are the answer. Environments are kept in the home, and made again when requirements change.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.errors import ConfigurationError
from features.settings import load_settings

SCRIPTS = Path(__file__).parent / "peers"


def ask_peer(
    script: str, *, requirements: Sequence[str], arrays: Mapping[str, NDArray[Any]], environment: str | None = None
) -> dict[str, Any]:
    """Hand arrays to a peer and read its answer.

    Parameters
    ----------
    script : its name in `benchmarks/peers/`, without the ending.
    requirements : what pip installs, options such as `--no-deps` included.
    arrays : by name, as the script finds them in its NPZ file.
    environment : a name that scripts with the same requirements share; None takes the script's.

    Raises
    ------
    ConfigurationError
        When the environment cannot be made, or the peer fails; the message ends with what it said.
    """
    python = _environment(load_settings().home / "peers" / (environment or script), tuple(requirements))
    with TemporaryDirectory(prefix="peer-") as folder:
        given, answer = Path(folder) / "given.npz", Path(folder) / "answer.json"
        np.savez(given, **arrays)
        _run([python, SCRIPTS / f"{script}.py", given, answer], f"peer {script} failed")
        found: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        more = answer.with_suffix(".npz")
        return found | (dict(np.load(more)) if more.exists() else {})


def _environment(folder: Path, requirements: tuple[str, ...]) -> Path:
    """The environment's interpreter; made where it is missing or half made, or has other requirements."""
    done, wanted = folder / "requirements.txt", "\n".join(requirements) + "\n"
    python = folder / "bin" / "python"
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        return python
    if folder.exists():
        shutil.rmtree(folder)
    print(f"making the environment {folder} …", file=sys.stderr, flush=True)
    _run([sys.executable, "-m", "venv", folder], f"no environment could be made in {folder}")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
    _run(install, f"{', '.join(requirements)} could not be installed")
    done.write_text(wanted, encoding="utf-8")
    return python


def _run(command: Sequence[str | Path], complaint: str) -> None:
    environment = os.environ | {"OMP_NUM_THREADS": "1"}  # scikit-learn's threads wait for each other where the machine is busy
    finished = subprocess.run([str(part) for part in command], capture_output=True, text=True, env=environment)
    if finished.returncode:
        said = (finished.stderr or finished.stdout).strip()[-2000:]
        raise ConfigurationError(f"{complaint}: {said}")
