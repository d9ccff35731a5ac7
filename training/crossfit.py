"""Fits models on some customers and scores them on the others, so that no row judges itself; of several kinds the best stays."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from training.calibration import Calibration, Link, fit_exponential, fit_logistic
from training.linear import Design, raw_of_each
from training.models import Booster, Model, Predictor, Recipe, fit_booster, with_trees
from training.penalized import PENALTIES, TWEEDIE_POWER, fit_linear, linear_path
from training.stored import Blend

Floats = NDArray[np.float64]
Done = TypeVar("Done")
Scored = tuple[Model, Floats]
"""A model of all folds but one, and its raw scores of that one."""

SIDE_BY_SIDE = 2  # LightGBM and BLAS work outside the interpreter's lock
_WORTH_TWO = 0.999  # two models are slower and harder to read than one, so they must lose less by this factor


@dataclass(frozen=True, slots=True)
class CrossFit:
    """One model per fold.

    Attributes
    ----------
    models : in order of the folds; each was fitted without its own fold's rows.
    folds : shape (n,), the fold of each row.
    raw : shape (n,), out-of-fold raw scores.
    """

    models: tuple[Model, ...]
    folds: NDArray[np.int64]
    raw: Floats

    @property
    def trees(self) -> int:
        """The number of trees that early stopping chose, on average."""
        return round(float(np.mean([model.trees for model in self.models if isinstance(model, Booster)])))


@dataclass(frozen=True, slots=True)
class Fitted:
    """A predictor fitted on all rows, and the same kind of model out of fold."""

    predictor: Predictor
    crossed: CrossFit


def cross_fit(
    features: Floats, label: Floats, folds: NDArray[np.int64], *, recipe: Recipe, seed: int, weight: Floats | None = None
) -> CrossFit:
    """Fit boosters on all folds but one, stop early on that one, score it; for every fold."""

    def fit(fold: int) -> Scored:
        return _stopped(features, label, folds, fold, recipe=recipe, seed=seed, weight=weight)

    return _crossed(side_by_side([partial(fit, fold) for fold in _numbers(folds)]), folds)


def side_by_side(works: Sequence[Callable[[], Done]]) -> list[Done]:
    """Do all of it, some at a time, and give what came out in order; as if one after the other, but in less time.

    One thread each: those of LightGBM and BLAS spin while they wait, and cost many times what they gain where others work, too.
    """
    with threadpool_limits(limits=1, user_api="blas"), ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return [each.result() for each in [pool.submit(work) for work in works]]


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
    """The predictor of `fit_best`."""
    return fit_best(features, label, folds, recipe=recipe, names=names, seed=seed, weight=weight).predictor


def fit_best(
    features: Floats,
    label: Floats,
    folds: NDArray[np.int64],
    *,
    recipe: Recipe,
    names: Sequence[str],
    seed: int,
    weight: Floats | None = None,
) -> Fitted:
    """Boosters, a linear model or the mean of both, whichever loses least on other customers' rows; then one on all rows.

    The number of trees, the penalty and the calibration come from the out-of-fold scores too. Because all of them come from
    other customers' rows and not from a later time, later rows stay untouched for judging.
    """
    boosted, *paths = _competing(features, label, folds, recipe=recipe, seed=seed, weight=weight)
    losses = [loss(recipe.link, path.raw, label, weight) for path in paths]
    penalty, straight = PENALTIES[int(np.argmin(losses))], paths[int(np.argmin(losses))]
    both = CrossFit(
        tuple(Blend(pair) for pair in zip(boosted.models, straight.models, strict=True)), folds, (boosted.raw + straight.raw) / 2
    )
    crossed = _least(recipe.link, label, weight, boosted, straight, both)
    works: list[Callable[[], Model]] = []
    if crossed is not straight:
        tall = with_trees(recipe, boosted.trees)
        works.append(partial(fit_booster, features, label, recipe=tall, seed=seed, names=names, weight=weight))
    if crossed is not boosted:
        works.append(partial(fit_linear, features, label, link=recipe.link, penalty=penalty, weight=weight))
    models = side_by_side(works)
    model = models[0] if len(models) == 1 else Blend(tuple(models))
    return Fitted(Predictor(model, calibrate(recipe.link, crossed.raw, label)), crossed)


def calibrate(link: Link, raw: Floats, label: Floats) -> Calibration:
    """The calibration that suits a link, from out-of-fold raw scores."""
    if link is Link.LOGISTIC:
        with threadpool_limits(limits=1, user_api="blas"):
            return fit_logistic(raw, label)
    return fit_exponential(raw, label) if link is Link.EXPONENTIAL else Calibration(link)


def loss(link: Link, raw: Floats, label: Floats, weight: Floats | None = None) -> float:
    """What calibrated predictions lose, on average: log loss, Tweedie deviance or squared error, as the link has it."""
    predicted = calibrate(link, raw, label).apply(raw)
    if link is Link.LOGISTIC:
        certain = np.clip(np.where(label > 0, predicted, 1.0 - predicted), 1e-12, 1.0)
        return float(np.average(-np.log(certain), weights=weight))
    if link is Link.EXPONENTIAL:
        power, positive = TWEEDIE_POWER, np.maximum(predicted, 1e-12)
        lost = positive ** (2 - power) / (2 - power) - label * positive ** (1 - power) / (1 - power)
        return float(np.average(lost, weights=weight))
    return float(np.average((predicted - label) ** 2, weights=weight))


def _stopped(
    features: Floats, label: Floats, folds: NDArray[np.int64], fold: int, *, recipe: Recipe, seed: int, weight: Floats | None
) -> Scored:
    """A booster of all folds but one, that stops by that one, and what it says there."""
    inside = folds == fold
    rows = features[inside]
    outside_weight, inside_weight = (None, None) if weight is None else (weight[~inside], weight[inside])
    model = fit_booster(
        features[~inside],
        label[~inside],
        recipe=recipe,
        seed=seed + fold,
        weight=outside_weight,
        validation=(rows, label[inside], inside_weight),
    )
    return model, model.raw(rows)


def _competing(
    features: Floats, label: Floats, folds: NDArray[np.int64], *, recipe: Recipe, seed: int, weight: Floats | None
) -> list[CrossFit]:
    """Boosters first, then linear models of every penalty."""

    def straight(fold: int) -> list[Scored]:
        rows = folds != fold
        chosen = None if weight is None else weight[rows]
        models = linear_path(Design.of(features[rows]), label[rows], link=recipe.link, penalties=PENALTIES, weight=chosen)
        return list(zip(models, raw_of_each(models, features[~rows]), strict=True))

    def boosted(fold: int) -> list[Scored]:
        return [_stopped(features, label, folds, fold, recipe=recipe, seed=seed, weight=weight)]

    numbers = _numbers(folds)
    found = side_by_side([partial(fit, fold) for fit in (boosted, straight) for fold in numbers])
    kinds = [*zip(*found[: len(numbers)], strict=True), *zip(*found[len(numbers) :], strict=True)]
    return [_crossed(scored, folds) for scored in kinds]


def _numbers(folds: NDArray[np.int64]) -> range:
    return range(int(folds.max()) + 1)


def _crossed(scored: Sequence[Scored], folds: NDArray[np.int64]) -> CrossFit:
    raw = np.zeros(len(folds))
    for fold, (_, found) in enumerate(scored):
        raw[folds == fold] = found
    return CrossFit(tuple(model for model, _ in scored), folds, raw)


def _least(link: Link, label: Floats, weight: Floats | None, boosted: CrossFit, straight: CrossFit, both: CrossFit) -> CrossFit:
    alone = min((boosted, straight), key=lambda crossed: loss(link, crossed.raw, label, weight))
    lost, lost_by_both = (loss(link, crossed.raw, label, weight) for crossed in (alone, both))
    return both if lost_by_both < lost - (1 - _WORTH_TWO) * abs(lost) else alone
