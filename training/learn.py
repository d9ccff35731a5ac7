"""The recipe: from decisions and snapshots to the scorer of a policy."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue
from features.errors import TrainingError
from training.crossfit import calibrate, cross_fit, fit_calibrated
from training.dataset import Dataset
from training.effects import fit_effects
from training.models import AMOUNT, BINARY, Predictor, Recipe, fit_booster, with_trees
from training.snapshots import Snapshots
from training.splits import customer_folds
from training.uplift import UpliftScorer, arm_columns, with_arms

_FOLDS = 3
_LEAST_DECISIONS = 50
_LEAST_CUSTOMERS = 20
_SIDE = replace(BINARY, trees=120)


def learn(dataset: Dataset, snapshots: Snapshots, catalogue: Catalogue, *, seed: int) -> UpliftScorer:
    """Fit conversion, uplift, value and churn models.

    Raises
    ------
    TrainingError
        When the decisions cannot teach: too few, all of one answer, or conversions without any value.
    """
    refuse_what_cannot_teach(dataset)
    folds = customer_folds(dataset.customer_id, count=_FOLDS, seed=seed)
    columns = arm_columns(dataset.feature_names, dataset.arms)
    inputs = with_arms(dataset.features, dataset.arm, dataset.arms)
    crossed = cross_fit(inputs, dataset.conversion, folds, recipe=BINARY, seed=seed)
    calibration = calibrate(BINARY.link, crossed.raw, dataset.conversion)
    booster = fit_booster(inputs, dataset.conversion, recipe=with_trees(BINARY, crossed.trees), seed=seed, names=columns)
    prior = np.array([0.0, *(touchpoint.prior_uplift for touchpoint in catalogue.recommendable)])
    effects = fit_effects(dataset, crossed, calibration, prior=prior, seed=seed)
    return UpliftScorer(
        arms=dataset.arms,
        feature_names=dataset.feature_names,
        conversion=Predictor(booster, calibration),
        uplift=effects.predictor,
        offsets=effects.offsets,
        value=fit_value(dataset, snapshots, seed=seed),
        churn=fit_churn(dataset.feature_names, snapshots, seed=seed),
    )


def fit_value(dataset: Dataset, snapshots: Snapshots, *, seed: int) -> Predictor:
    """What a conversion brings, from every window with one, whether a decision opened it or a snapshot."""
    converted = dataset.conversion > 0
    features = np.vstack([dataset.features[converted], snapshots.features[snapshots.converted]])
    value = np.r_[dataset.value[converted], snapshots.value[snapshots.converted]]
    customers = np.r_[dataset.customer_id[converted], snapshots.customer_id[snapshots.converted]]
    if not value.sum() > 0:
        raise TrainingError("no conversion has a value, so no touchpoint can earn its cost; map a value, a constant if need be")
    return _fit(features, value, customers, names=dataset.feature_names, recipe=replace(AMOUNT, trees=120), seed=seed)


def fit_churn(feature_names: tuple[str, ...], snapshots: Snapshots, *, seed: int) -> Predictor:
    """P(the customer leaves)."""
    return _fit(snapshots.features, snapshots.churned, snapshots.customer_id, names=feature_names, recipe=_SIDE, seed=seed)


def refuse_what_cannot_teach(dataset: Dataset) -> None:
    """Raise a TrainingError that says what is missing; see `learn`."""
    customers = len(set(dataset.customer_id))
    if len(dataset) < _LEAST_DECISIONS or customers < _LEAST_CUSTOMERS:
        raise TrainingError(
            f"{len(dataset)} closed decisions of {customers} customers are too few to learn from; at least {_LEAST_DECISIONS} "
            f"of {_LEAST_CUSTOMERS} are needed: collect more"
        )
    if dataset.conversion.min() == dataset.conversion.max():
        outcome = "a" if dataset.conversion[0] else "no"
        raise TrainingError(
            f"all {len(dataset)} closed decisions were followed by {outcome} conversion, so nothing tells them apart; check "
            "objective.conversion and objective.window_days in the catalogue"
        )
    if not dataset.eligible[:, 1:].any():
        raise TrainingError("no decision had a touchpoint to choose besides none; map `candidates`, or a wave, of decisions")


def _fit(
    features: NDArray[np.float64],
    label: NDArray[np.float64],
    customers: NDArray[np.object_],
    *,
    names: tuple[str, ...],
    recipe: Recipe,
    seed: int,
) -> Predictor:
    folds = customer_folds(customers, count=_FOLDS, seed=seed)
    return fit_calibrated(features, label, folds, recipe=recipe, names=names, seed=seed)
