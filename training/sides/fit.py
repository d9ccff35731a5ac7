"""Fits all side models of a scorer."""

import numpy as np

from features.catalogue import Catalogue
from training.dataset import Dataset
from training.models import Predictor
from training.reward import contact_columns
from training.sides.churn import churn_changes, fit_churn
from training.sides.lifetime import fit_lifetime, lifetime_factor
from training.sides.sides import Sides
from training.sides.unsubscribe import fit_unsubscribe, unsubscribe_rates
from training.sides.value import fit_value
from training.snapshots import Snapshots


def fit_sides(dataset: Dataset, snapshots: Snapshots, catalogue: Catalogue, *, seed: int) -> Sides:
    """Fit what is expected of customers beside conversion.

    Parameters
    ----------
    dataset : with all probabilities; what contacts change comes from it.
    snapshots : what customers do whatever is done comes from them.

    Raises
    ------
    TrainingError
        When no conversion has a value.
    """
    names, arms = dataset.feature_names, catalogue.recommendable
    churn_prior = np.array([0.0, *(arm.prior_churn for arm in arms)])
    unsubscribe_prior = np.array([0.0, *(arm.prior_unsubscribe for arm in arms)])
    predictors = {"value": fit_value(dataset, snapshots, seed=seed), "churn": fit_churn(names, snapshots, seed=seed)}
    numbers = {
        "churn_change": tuple(churn_changes(dataset, prior=churn_prior, seed=seed).tolist()),
        "unsubscribe": tuple(unsubscribe_rates(dataset, prior=unsubscribe_prior).tolist()),
        "contact_columns": tuple(float(column) for column in contact_columns(names)),
    }
    factor = lifetime_factor(catalogue.objective)
    lifetime = fit_lifetime(names, snapshots, seed=seed) if factor else None
    if lifetime is not None:
        predictors["lifetime"], numbers["lifetime"] = lifetime, (factor,)
    unsubscribe = fit_unsubscribe(dataset, seed=seed) if catalogue.objective.unsubscribe_cost else None
    if unsubscribe is not None:
        predictors["unsubscribe"], numbers["unsubscribe_mean"] = unsubscribe, (_mean(unsubscribe, dataset),)
    return Sides(predictors, numbers)


def _mean(predictor: Predictor, dataset: Dataset) -> float:
    """Of all decisions that could have been a contact, like the rates that it refines."""
    return float(predictor.predict(dataset.features[dataset.eligible[:, 1:].any(axis=1)]).mean())
