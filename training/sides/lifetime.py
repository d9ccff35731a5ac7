"""What a customer who stays brings later on: what is lost with one who leaves."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Objective
from training.crossfit import fit_calibrated
from training.dataset import Dataset
from training.models import AMOUNT, Predictor
from training.snapshots import Snapshots
from training.splits import customer_folds

Floats = NDArray[np.float64]

_FOLDS = 3
_LEAST_CUSTOMERS = 20
_RECIPE = replace(AMOUNT, trees=120)


def lifetime_factor(objective: Objective) -> float:
    """What turns the money of a customer who stays, within churn_days, into profit until lifetime_days from a decision on.

    The outcome window is left out, since its money is in the value of a conversion already. Without lifetime_days it is 0.

    >>> lifetime_factor(Objective(window_days=28, churn_days=56, lifetime_days=364, margin=0.5))
    3.0
    >>> lifetime_factor(Objective())
    0.0
    """
    later = (objective.lifetime_days or 0.0) - objective.window_days
    return objective.margin * max(later, 0.0) / objective.churn_days


def fit_lifetime(feature_names: tuple[str, ...], snapshots: Snapshots, *, seed: int) -> Predictor | None:
    """The money of a customer who stays, within objective.churn_days; None where hardly anybody stayed, or nobody spent."""
    stayed = snapshots.where(snapshots.churned == 0)
    if len(set(stayed.customer_id)) < _LEAST_CUSTOMERS or not stayed.later_value.sum() > 0:
        return None
    folds = customer_folds(stayed.customer_id, count=_FOLDS, seed=seed)
    return fit_calibrated(stayed.features, stayed.later_value, folds, recipe=_RECIPE, names=feature_names, seed=seed)


def expected_lifetime(dataset: Dataset, snapshots: Snapshots, objective: Objective, *, seed: int) -> Floats:
    """Profit that the customer of each decision would bring later on by staying, predicted from other customers; shape (n,)."""
    customers = np.r_[dataset.customer_id, snapshots.customer_id]
    folds = customer_folds(customers, count=_FOLDS, seed=seed)
    of_decisions, of_snapshots = folds[: len(dataset)], folds[len(dataset) :]
    expected = np.zeros(len(dataset))
    for fold in range(_FOLDS):
        inside = of_decisions == fold
        predictor = fit_lifetime(dataset.feature_names, snapshots.where(of_snapshots != fold), seed=seed + fold)
        if predictor is not None and inside.any():
            expected[inside] = predictor.predict(dataset.features[inside])
    return np.maximum(expected * lifetime_factor(objective), 0.0)
