"""Who leaves, and what each contact changes about it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.arms import with_arms
from training.crossfit import calibrate, cross_fit, fit_calibrated
from training.dataset import Dataset
from training.models import BINARY, Predictor
from training.snapshots import Snapshots
from training.splits import customer_folds

Floats = NDArray[np.float64]

_FOLDS = 3
_RECIPE = replace(BINARY, trees=150, leaves=7)
_LEAST_PROBABILITY = 0.01
_PRIOR_ERROR = 0.01  # how far a catalogue's prior_churn may be off; one standard error of the data that is as large counts half


@dataclass(frozen=True, slots=True)
class MeanEffects:
    """What each arm changes on average, in comparison with `none`.

    Attributes
    ----------
    means, errors : shape (k,), the change and its standard error; NaN where the decisions do not compare the two. That of
        `none` is 0.
    """

    means: Floats
    errors: Floats

    def shrunk(self, prior: Floats, *, prior_error: float) -> Floats:
        """Shape (k,): the changes, drawn towards `prior` as far as the data leave them open; the prior where they say nothing."""
        weight = prior_error**2 / (prior_error**2 + self.errors**2)
        return np.where(np.isnan(self.means), prior, prior + weight * (self.means - prior))


def fit_churn(feature_names: tuple[str, ...], snapshots: Snapshots, *, seed: int) -> Predictor:
    """P(the customer leaves), whatever is done."""
    folds = customer_folds(snapshots.customer_id, count=_FOLDS, seed=seed)
    return fit_calibrated(snapshots.features, snapshots.churned, folds, recipe=_RECIPE, names=feature_names, seed=seed)


def churn_changes(dataset: Dataset, *, prior: Floats, seed: int) -> Floats:
    """Each arm's mean change of P(the customer leaves), shape (k,); `prior`, where churn is not looked at.

    Churn is a large and noisy thing, of which a contact changes little, so the data must speak clearly to be heard.
    """
    if np.isnan(dataset.churned).any():
        return prior
    return churn_effects(dataset, seed=seed).shrunk(prior, prior_error=_PRIOR_ERROR)


def churn_effects(dataset: Dataset, *, seed: int) -> MeanEffects:
    """What the decisions alone say of each arm: doubly robust averages over those that could have been it as well as `none`.

    Standard errors count customers, not decisions.

    References
    ----------
    J. Robins, A. Rotnitzky and L. Zhao, "Estimation of regression coefficients when some regressors are not always observed",
    1994. V. Chernozhukov et al., "Double/debiased machine learning for treatment and structural parameters", 2018.
    """
    expected = _expected(dataset, seed=seed)
    means, errors = np.full(len(dataset.arms), np.nan), np.full(len(dataset.arms), np.nan)
    means[0] = errors[0] = 0.0
    for arm in range(1, len(dataset.arms)):
        rows = dataset.eligible[:, arm] & dataset.eligible[:, 0]
        if {0, arm} <= set(dataset.arm[rows]):
            pseudo = _potential(dataset, expected, arm)[rows] - _potential(dataset, expected, 0)[rows]
            means[arm] = pseudo.mean()
            _, customer = np.unique(dataset.customer_id[rows].astype(str), return_inverse=True)
            errors[arm] = np.sqrt((np.bincount(customer, weights=pseudo - pseudo.mean()) ** 2).sum()) / len(pseudo)
    return MeanEffects(means, errors)


def _potential(dataset: Dataset, expected: Floats, arm: int) -> Floats:
    """What would have been under an arm: as expected, and where it was chosen, mended by what was seen."""
    probability = np.maximum(dataset.probabilities[:, arm], _LEAST_PROBABILITY)
    surprise = (dataset.churned - expected[:, arm]) / probability
    return expected[:, arm] + np.where(dataset.arm == arm, surprise, 0.0)


def _expected(dataset: Dataset, *, seed: int) -> Floats:
    """P(the customer leaves | arm), shape (n, k), each row's by models that have not seen its customer."""
    folds = customer_folds(dataset.customer_id, count=_FOLDS, seed=seed)
    inputs = with_arms(dataset.features, dataset.arm, dataset.arms)
    crossed = cross_fit(inputs, dataset.churned, folds, recipe=_RECIPE, seed=seed)
    calibration = calibrate(_RECIPE.link, crossed.raw, dataset.churned)
    expected = np.empty(dataset.eligible.shape)
    for fold, model in enumerate(crossed.models):
        inside = folds == fold
        for arm in range(len(dataset.arms)):
            every = np.full(int(inside.sum()), arm)
            expected[inside, arm] = calibration.apply(model.raw(with_arms(dataset.features[inside], every, dataset.arms)))
    return expected
