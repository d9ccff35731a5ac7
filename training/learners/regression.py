"""The two bases of every learner: boosted trees, and linear models; how far each goes is decided on customers set aside."""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from training.arms import with_arms
from training.effects import Term
from training.learners.evidence import Evidence
from training.linear import Design, Linear
from training.models import MEAN, Booster, Recipe, fit_booster, with_trees
from training.penalized import ridge_path

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.intp]


class Base(StrEnum):
    """What a learner's models are made of."""

    LIGHTGBM = "lightgbm"
    LINEAR = "linear"


OUTCOMES = replace(MEAN, trees=200, leaves=8, rows_in_leaf=100)
EFFECTS = replace(MEAN, trees=150, leaves=4, rows_in_leaf=200)
_PENALTIES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_LEAST_STOPPING = 20


@dataclass(frozen=True, slots=True)
class Task:
    """How a learner is to fit.

    Attributes
    ----------
    refit : whether to fit once more on all rows, with what the customers set aside advised; else these are never learnt from,
        which is good enough where the models only compete.
    """

    base: Base
    seed: int
    refit: bool = False


def fit_pooled(evidence: Evidence, pairs: tuple[Ints, Ints], target: Floats, weight: Floats, task: Task) -> tuple[Term, ...]:
    """Regress what each pair of decision and arm shows of the arm's effect; pairs of rare arms lean on the others' trees.

    Parameters
    ----------
    pairs : row and arm, shape (m,) each.
    target, weight : shape (m,).
    """
    row, option = pairs
    spoken = evidence.known & (np.bincount(option, weights=weight, minlength=len(evidence.arms)) > 0)
    if task.base is Base.LINEAR:
        return tuple(
            Term(_own_ridge(evidence, row[option == arm], target[option == arm], weight[option == arm], task), evidence.only(arm))
            for arm in np.flatnonzero(spoken).tolist()
        )
    inputs = with_arms(evidence.features[row], option, evidence.arms)
    booster = fit_stopped(inputs, target, weight, evidence.stopping[row], EFFECTS, task)
    return (Term(booster, tuple(spoken.astype(float).tolist())),)


def fit_outcome(evidence: Evidence, rows: Bools, task: Task) -> Booster | Linear:
    """Regress conversion on the features over some rows; on the scale of probabilities, where effects are differences."""
    features, label, stopping = evidence.features[rows], evidence.conversion[rows], evidence.stopping[rows]
    even = np.ones(len(label))
    if task.base is Base.LINEAR:
        return _own_ridge(evidence, np.flatnonzero(rows), label, even, task)
    return fit_stopped(features, label, even, stopping, OUTCOMES, task)


def fit_stopped(inputs: Floats, target: Floats, weight: Floats, stopping: Bools, recipe: Recipe, task: Task) -> Booster:
    """A booster that stops where it predicts the customers set aside best."""
    if not _enough(stopping):
        return fit_booster(inputs, target, recipe=with_trees(recipe, recipe.patience), seed=task.seed, weight=weight)
    aside = inputs[stopping], target[stopping], weight[stopping]
    rest = ~stopping
    booster = fit_booster(inputs[rest], target[rest], recipe=recipe, seed=task.seed, weight=weight[rest], validation=aside)
    if not task.refit:
        return booster
    return fit_booster(inputs, target, recipe=with_trees(recipe, booster.trees), seed=task.seed, weight=weight)


def ridge(design: Floats, target: Floats, weight: Floats, stopping: Bools, task: Task) -> tuple[Floats, float]:
    """Coefficients and base with the penalty that predicts the customers set aside best."""
    if not _enough(stopping):
        return ridge_path(design, target, weight, [_PENALTIES[-1]])[0]
    rest = ~stopping
    path = ridge_path(design[rest], target[rest], weight[rest], _PENALTIES)
    losses = [weight[stopping] @ (target[stopping] - base - design[stopping] @ found) ** 2 for found, base in path]
    best = int(np.argmin(losses))
    return ridge_path(design, target, weight, [_PENALTIES[best]])[0] if task.refit else path[best]


def design_of(evidence: Evidence) -> Design:
    """Its rows made comparable: those that were made so once for all learners, where they were."""
    return evidence.design or Design.of(evidence.features)


def _own_ridge(evidence: Evidence, row: Ints, target: Floats, weight: Floats, task: Task) -> Linear:
    """One arm's model; columns are made comparable by all decisions, so that arms with few have them too."""
    design = design_of(evidence)
    return Linear.of(design.columns, *ridge(design.table[row], target, weight, evidence.stopping[row], task))


def _enough(stopping: Bools) -> bool:
    return min(int(stopping.sum()), int((~stopping).sum())) >= _LEAST_STOPPING
