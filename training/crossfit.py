"""Fits each model on some customers and scores it on the others, so that no row judges itself."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.calibration import Calibration, Link, fit_exponential, fit_logistic
from training.models import Booster, Predictor, Recipe, fit_booster, with_trees

Floats = NDArray[np.float64]

_SIDE_BY_SIDE = 2  # LightGBM works outside the interpreter's lock


@dataclass(frozen=True, slots=True)
class CrossFit:
    """One booster per fold.

    Attributes
    ----------
    boosters : in order of the folds; each was fitted without its own fold's rows.
    folds : shape (n,), the fold of each row.
    raw : shape (n,), out-of-fold raw scores.
    """

    boosters: tuple[Booster, ...]
    folds: NDArray[np.int64]
    raw: Floats

    @property
    def trees(self) -> int:
        """The number of trees that early stopping chose, on average."""
        return round(float(np.mean([booster.trees for booster in self.boosters])))


def cross_fit(
    features: Floats, label: Floats, folds: NDArray[np.int64], *, recipe: Recipe, seed: int, weight: Floats | None = None
) -> CrossFit:
    """Fit on all folds but one, stop early on that one, score it; for every fold."""

    def fit(fold: int) -> tuple[Booster, Floats]:
        inside = folds == fold
        outside_weight, inside_weight = (None, None) if weight is None else (weight[~inside], weight[inside])
        booster = fit_booster(
            features[~inside],
            label[~inside],
            recipe=recipe,
            seed=seed + fold,
            weight=outside_weight,
            validation=(features[inside], label[inside], inside_weight),
        )
        return booster, booster.raw(features[inside])

    raw = np.zeros(len(label))
    with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        fitted = list(pool.map(fit, range(int(folds.max()) + 1)))
    for fold, (_, scores) in enumerate(fitted):
        raw[folds == fold] = scores
    return CrossFit(tuple(booster for booster, _ in fitted), folds, raw)


def fit_calibrated(
    features: Floats,
    label: Floats,
    folds: NDArray[np.int64],
    *,
    recipe: Recipe,
    names: Sequence[str],
    seed: int,
    weight: Floats | None = None,
) -> Predictor:
    """Number of trees and calibration from out-of-fold scores, then one booster on all rows.

    Because both come from other customers' rows and not from a later time, later rows stay untouched for judging.
    """
    crossed = cross_fit(features, label, folds, recipe=recipe, seed=seed, weight=weight)
    booster = fit_booster(features, label, recipe=with_trees(recipe, crossed.trees), seed=seed, names=names, weight=weight)
    return Predictor(booster, calibrate(recipe.link, crossed.raw, label))


def calibrate(link: Link, raw: Floats, label: Floats) -> Calibration:
    """The calibration that suits a link, from out-of-fold raw scores."""
    if link is Link.LOGISTIC:
        return fit_logistic(raw, label)
    return fit_exponential(raw, label) if link is Link.EXPONENTIAL else Calibration(link)
