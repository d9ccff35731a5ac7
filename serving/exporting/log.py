"""Writes the log into a file: all of it, or nothing."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

import numpy as np

from features.errors import ConfigurationError, StoreError, TrainingError
from features.workspace import Workspace
from serving.exporting.decisions import load_decisions
from serving.exporting.dsjson import decision_lines, rank_lines
from serving.exporting.obp import feedback
from training.personalizer import RewardRules, closed_events


class LogFormat(StrEnum):
    """How other tools read a log."""

    DSJSON = "dsjson"
    OBP = "obp"


@dataclass(frozen=True, slots=True)
class LogReport:
    """What was written.

    Attributes
    ----------
    written : how many decisions, or rank events.
    left_out : decisions of that time without a logged probability.
    """

    file: str
    format: LogFormat
    written: int
    left_out: int = 0


def export_log(
    workspace: Workspace,
    file: Path,
    format: LogFormat,
    *,
    now: datetime,
    since: datetime | None = None,
    until: datetime | None = None,
    ranks: bool = False,
    on_progress: Callable[[str], None],
) -> LogReport:
    """Write what was decided at or after `since` and before `until`, of what is closed by `now`.

    Parameters
    ----------
    ranks : the rank events instead of the decisions.

    Raises
    ------
    TrainingError
        When there is nothing to write.
    ConfigurationError
        When rank events are asked for as `obp`.
    StoreError
        When the file cannot be written.
    """
    if ranks:
        return _export_ranks(workspace, file, format, now=now, since=since, until=until)
    on_progress("reading decisions and what followed them")
    decisions = load_decisions(workspace, now=now, since=since, until=until)
    on_progress(f"writing {len(decisions.dataset):,} decisions")
    with _written(file) as target:
        if format is LogFormat.OBP:
            arrays: Mapping[str, Any] = feedback(decisions)
            np.savez_compressed(target, **arrays)
        else:
            _write_lines(target, decision_lines(decisions))
    return LogReport(str(file), format, len(decisions.dataset), decisions.left_out)


def _export_ranks(
    workspace: Workspace, file: Path, format: LogFormat, *, now: datetime, since: datetime | None, until: datetime | None
) -> LogReport:
    if format is LogFormat.OBP:
        raise ConfigurationError("--ranks: the Open Bandit Pipeline has one fixed set of actions, rank events do not; use dsjson")
    rules = RewardRules.of(workspace.settings)
    with _written(file) as target:
        written = _write_lines(
            target, rank_lines(closed_events(workspace.journal.ranks, rules, now=now, since=since, until=until))
        )
        if not written:
            raise TrainingError("no rank event of that time is closed and was shown; choose another time, or wait")
    return LogReport(str(file), format, written)


def _write_lines(target: IO[bytes], lines: Iterator[str]) -> int:
    count = 0
    for line in lines:
        target.write(line.encode() + b"\n")
        count += 1
    return count


@contextmanager
def _written(file: Path) -> Iterator[IO[bytes]]:
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        with unfinished.open("wb") as target:
            yield target
        os.replace(unfinished, file)
    except OSError as error:
        raise StoreError(f"{file}: cannot be written ({error}); give another file") from None
    finally:
        unfinished.unlink(missing_ok=True)
