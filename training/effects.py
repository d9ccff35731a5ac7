"""Learns what a contact changes: regression on doubly robust pseudo-outcomes, whose mean is the effect."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.calibration import Calibration, Link
from training.crossfit import CrossFit, cross_fit
from training.dataset import Dataset
from training.models import MEAN, Predictor, fit_booster, with_trees
from training.uplift import arm_columns, with_arms

Floats = NDArray[np.float64]

_RECIPE = replace(MEAN, trees=150, leaves=4, learning_rate=0.03, rows_in_leaf=200)
_LEAST_PROBABILITY = 0.01
_PRIOR_ERROR = 0.05  # how far a catalogue's prior uplift may be off; one standard error of the data that is as large counts half


@dataclass(frozen=True, slots=True)
class Effects:
    """The uplift model and the mean uplift per arm; see `UpliftScorer`."""

    predictor: Predictor
    offsets: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Pairs:
    """One row per decision and contact that it could have made.

    Attributes
    ----------
    row, option : the decision and the arm's index.
    pseudo : doubly robust estimate of what that contact would have changed; right in the mean, noisy in each row.
    weight : large where contact and no contact were both likely, so that rare choices do not drown the rest.
    """

    row: NDArray[np.int64]
    option: NDArray[np.int64]
    pseudo: Floats
    weight: Floats


def fit_effects(dataset: Dataset, nuisance: CrossFit, calibration: Calibration, *, prior: Floats, seed: int) -> Effects:
    """Fit the uplift model on all decisions; `nuisance` predicted their conversion out of fold.

    Parameters
    ----------
    nuisance, calibration : conversion models over features and arms, one per fold of customers, and their link.
    prior : shape (k,), expected uplift of each arm before anything is learnt.

    References
    ----------
    E. Kennedy, "Towards optimal doubly robust estimation of heterogeneous causal effects", 2020.
    V. Chernozhukov, M. Demirer, E. Duflo and I. Fernández-Val, "Generic machine learning inference on heterogeneous treatment
    effects in randomized experiments", 2018 (the calibration: best linear predictor on out-of-fold scores).
    """
    pairs = _pairs(dataset, nuisance, calibration)
    offsets = _offsets(dataset, pairs, prior)
    particular = pairs.pseudo - offsets[pairs.option]
    inputs = with_arms(dataset.features[pairs.row], pairs.option, dataset.arms)
    crossed = cross_fit(inputs, particular, nuisance.folds[pairs.row], recipe=_RECIPE, seed=seed, weight=pairs.weight)
    booster = fit_booster(
        inputs,
        particular,
        recipe=with_trees(_RECIPE, crossed.trees),
        seed=seed,
        names=arm_columns(dataset.feature_names, dataset.arms),
        weight=pairs.weight,
    )
    return Effects(Predictor(booster, _line(crossed.raw, particular, pairs.weight)), tuple(offsets.tolist()))


def _pairs(dataset: Dataset, nuisance: CrossFit, calibration: Calibration) -> _Pairs:
    row, option = np.nonzero(dataset.eligible[:, 1:])
    option = option + 1
    expected = _expected(dataset, nuisance, calibration)
    treated, untreated = expected[row, option], expected[row, 0]
    probabilities = np.maximum(dataset.probabilities, _LEAST_PROBABILITY)
    p, p_none = probabilities[row, option], probabilities[row, 0]
    taken, conversion = dataset.arm[row], dataset.conversion[row]
    pseudo = treated - untreated
    pseudo = pseudo + np.where(taken == option, (conversion - treated) / p, 0.0)
    pseudo = pseudo - np.where(taken == 0, (conversion - untreated) / p_none, 0.0)
    # a weight must not depend on what was chosen, as it would where the chosen arm's probability is all that is known
    equal = 0.5 / dataset.eligible.sum(axis=1)[row]
    weight = np.where(dataset.shared[row], equal, p * p_none / (p + p_none))
    return _Pairs(row, option, pseudo, weight / weight.mean())


def _expected(dataset: Dataset, nuisance: CrossFit, calibration: Calibration) -> Floats:
    expected = np.empty(dataset.eligible.shape)
    for fold, booster in enumerate(nuisance.boosters):
        inside = np.flatnonzero(nuisance.folds == fold)
        for arm in range(len(dataset.arms)):
            inputs = with_arms(dataset.features[inside], np.full(len(inside), arm), dataset.arms)
            expected[inside, arm] = calibration.apply(booster.raw(inputs))
    return expected


def _offsets(dataset: Dataset, pairs: _Pairs, prior: Floats) -> Floats:
    """Each arm's mean effect, drawn towards its prior as far as the data leave it open; the prior itself where none was sent."""
    offsets = prior.copy()
    for arm in range(1, len(dataset.arms)):
        here = pairs.option == arm
        sent = dataset.arm[pairs.row[here]] == arm
        if sent.any() and not sent.all():
            weight, pseudo = pairs.weight[here], pairs.pseudo[here]
            mean = np.average(pseudo, weights=weight)
            error = (weight**2 @ (pseudo - mean) ** 2) / weight.sum() ** 2
            offsets[arm] += (mean - prior[arm]) * _PRIOR_ERROR**2 / (_PRIOR_ERROR**2 + error)
    return offsets


def _line(raw: Floats, target: Floats, weight: Floats) -> Calibration:
    """The best line from out-of-fold scores to pseudo-outcomes, never sloping down; flat where scores say nothing new."""
    centred = raw - np.average(raw, weights=weight)
    spread = float(weight @ centred**2)
    slope = float(weight @ (centred * target)) / spread if spread > 0 else 0.0
    slope = min(max(slope, 0.0), 3.0)
    return Calibration(Link.IDENTITY, slope, float(-slope * np.average(raw, weights=weight)))
