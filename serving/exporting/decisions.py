"""The decisions whose outcome is known and whose probability was logged, as an export writes them."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.errors import TrainingError
from features.instants import microseconds
from features.lake import Lake, duckdb_session
from features.tables import Feature, feature_list
from features.workspace import Workspace
from training.dataset import Dataset, load_dataset


@dataclass(frozen=True, slots=True)
class LoggedDecisions:
    """Decisions to export.

    Attributes
    ----------
    dataset : with the probabilities of every arm; where only the chosen one's was logged, the others share the rest equally.
    policies : shape (n,), the version of the policy that decided; empty where nobody told.
    features : what the columns of the dataset's features mean.
    left_out : decisions of that time whose probability nobody logged.
    """

    dataset: Dataset
    policies: NDArray[np.object_]
    catalogue: Catalogue
    features: tuple[Feature, ...]
    left_out: int


def load_decisions(workspace: Workspace, *, now: datetime, since: datetime | None, until: datetime | None) -> LoggedDecisions:
    """The decisions taken at or after `since` and before `until`, of those whose outcome window is closed.

    Raises
    ------
    TrainingError
        When there is none.
    """
    catalogue = workspace.catalogue
    all_closed = load_dataset(workspace.lake, workspace.store, catalogue, until=workspace.store.watermark() or now)
    asked = all_closed.where(_between(all_closed.at, since, until))
    logged = asked.where(~asked.estimated & (asked.probability > 0.0))
    if not len(logged):
        raise TrainingError(
            f"of {len(all_closed):,} decisions with a closed outcome window, none of that time has a logged probability; "
            "choose another time, or wait until windows close"
        )
    return LoggedDecisions(
        logged.with_estimates(np.zeros_like(logged.probabilities)),
        _policies(workspace.lake, logged),
        catalogue,
        tuple(feature_list(catalogue)),
        len(asked) - len(logged),
    )


def _between(at: NDArray[np.int64], since: datetime | None, until: datetime | None) -> NDArray[np.bool_]:
    first = 0 if since is None else microseconds(since)
    return (at >= first) if until is None else (at >= first) & (at < microseconds(until))


def _policies(lake: Lake, dataset: Dataset) -> NDArray[np.object_]:
    version = "json_extract_string(record, '$.policy.version')"
    query = f"SELECT decision_id, {version} FROM {lake.relation('decisions')} WHERE record IS NOT NULL"
    with duckdb_session() as connection:
        known = dict(connection.execute(query).fetchall())
    return np.array([known.get(each) or "" for each in dataset.decision_id], dtype=object)
