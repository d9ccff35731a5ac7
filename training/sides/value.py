"""What a conversion brings."""

from dataclasses import replace

import numpy as np

from features.errors import TrainingError
from training.crossfit import fit_calibrated
from training.dataset import Dataset
from training.models import AMOUNT, Predictor
from training.snapshots import Snapshots
from training.splits import customer_folds

_FOLDS = 3
_RECIPE = replace(AMOUNT, trees=120)


def fit_value(dataset: Dataset, snapshots: Snapshots, *, seed: int) -> Predictor:
    """The money of a conversion, from every window with one, whether a decision opened it or a snapshot.

    Raises
    ------
    TrainingError
        When no conversion has a value.
    """
    converted = dataset.conversion > 0
    features = np.vstack([dataset.features[converted], snapshots.features[snapshots.converted]])
    value = np.r_[dataset.value[converted], snapshots.value[snapshots.converted]]
    customers = np.r_[dataset.customer_id[converted], snapshots.customer_id[snapshots.converted]]
    if not value.sum() > 0:
        raise TrainingError("no conversion has a value, so no touchpoint can earn its cost; map a value, a constant if need be")
    folds = customer_folds(customers, count=_FOLDS, seed=seed)
    return fit_calibrated(features, value, folds, recipe=_RECIPE, names=dataset.feature_names, seed=seed)
