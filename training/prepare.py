"""Everything to learn from, ready: decisions and snapshots with features, and the probabilities that nobody logged."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import numpy as np

from features.catalogue import Catalogue
from features.lake import Lake
from training.assignment import Overlap, estimate_assignment, overlap
from training.dataset import Dataset, load_dataset
from training.join import States
from training.sides.lifetime import expected_lifetime
from training.snapshots import Snapshots, load_snapshots

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What a retraining starts from.

    Attributes
    ----------
    overlap : of the dataset's rows.
    clipped_share : share of estimated probabilities that were moved to their bounds.
    fingerprint : of data, catalogue and seed; equal ones give equal policies.
    """

    dataset: Dataset
    snapshots: Snapshots
    overlap: Overlap
    clipped_share: float
    fingerprint: str


def prepare(*, catalogue: Catalogue, lake: Lake, store: States, until: datetime, seed: int, on_progress: Say) -> Prepared:
    """Load what closed by `until`, estimate the missing probabilities, and what is lost with customers who leave.

    Raises
    ------
    TrainingError
        When no decision's window has closed, or history is shorter than the windows.
    """
    on_progress("loading decisions, with features as known then")
    dataset = load_dataset(lake, store, catalogue, until=until)
    on_progress(f"{len(dataset):,} closed decisions; loading snapshots of all customers")
    snapshots = load_snapshots(lake, store, catalogue, until=until)
    on_progress(f"estimating with which probability {int(dataset.estimated.sum()):,} decisions were made")
    complete, clipped_share = with_probabilities(dataset, seed=seed)
    if catalogue.objective.lifetime_days is not None:
        on_progress("estimating what is lost with a customer who leaves")
        complete = complete.with_lifetime(expected_lifetime(complete, snapshots, catalogue.objective, seed=seed))
    return Prepared(
        dataset=complete,
        snapshots=snapshots,
        overlap=overlap(complete.probabilities, arm=dataset.arm, eligible=dataset.eligible, estimated=dataset.estimated),
        clipped_share=clipped_share,
        fingerprint=sha256(f"{dataset.fingerprint}/{snapshots.fingerprint}/{catalogue.version}/{seed}".encode()).hexdigest(),
    )


def with_probabilities(dataset: Dataset, *, seed: int) -> tuple[Dataset, float]:
    """The decisions with every probability, estimated where nobody logged it, and the share of estimates that were bounded.

    Where only those contacted have a logged probability, they still are in what the estimate learns from: a wave without its
    contacts would look as if hardly anybody had been contacted.
    """
    if not dataset.estimated.any():
        return dataset.with_estimates(dataset.probabilities), 0.0
    waves = {wave for wave in dataset.wave[dataset.estimated] if wave is not None}
    learnt = dataset.estimated | np.array([wave in waves for wave in dataset.wave])
    rows = dataset.where(learnt)
    assignment = estimate_assignment(
        rows.features,
        arm=rows.arm,
        eligible=rows.eligible,
        wave=rows.wave,
        customers=rows.customer_id,
        arms=rows.arms,
        seed=seed,
    )
    estimates = dataset.probabilities.copy()
    estimates[learnt] = assignment.probabilities
    return dataset.with_estimates(estimates), assignment.clipped_share
