"""What runs logged, read back from MLflow; the client comes from the registry, which is the only door to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from features.instants import moment

_PARENT = "mlflow.parentRunId"
_READ = 500  # runs looked through; a retraining makes about six


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """A run that belongs to no other one.

    Attributes
    ----------
    status : as MLflow calls it, such as `FINISHED`.
    figures : what was logged, by name.
    """

    run_id: str
    name: str
    status: str
    started: datetime
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs of one experiment.

    Attributes
    ----------
    client : MLflow's.
    experiment : its name.
    """

    client: Any
    experiment: str

    def text(self, run_id: str, file: str) -> str | None:
        """A text file that a run logged, or None where it logged none."""
        folder = str(Path(file).parent)
        found = self.client.list_artifacts(run_id, None if folder == "." else folder)
        if file not in [each.path for each in found]:
            return None
        with TemporaryDirectory(prefix="touchpoint-") as temporary:
            return Path(self.client.download_artifacts(run_id, file, temporary)).read_text(encoding="utf-8")

    def latest(self, count: int) -> tuple[LoggedRun, ...]:
        """The last runs that have no parent, newest first."""
        known = self.client.get_experiment_by_name(self.experiment)
        if known is None:
            return ()
        found = self.client.search_runs([known.experiment_id], max_results=_READ, order_by=["attributes.start_time DESC"])
        alone = [run for run in found if _PARENT not in run.data.tags]
        return tuple(
            LoggedRun(
                run.info.run_id, run.info.run_name, run.info.status, moment(run.info.start_time * 1000), dict(run.data.metrics)
            )
            for run in alone[:count]
        )
