"""S-learner: one model of conversion over features and arm; effects are differences of its predictions."""

import numpy as np
from numpy.typing import NDArray

from training.arms import with_arms
from training.effects import Term
from training.learners.evidence import Evidence
from training.learners.regression import OUTCOMES, Base, Task, fit_stopped, ridge
from training.linear import Columns, Linear

Floats = NDArray[np.float64]

_CELLS = 30_000_000  # of rows x (columns and gaps) x arms, held at once


def fit_s(evidence: Evidence, task: Task) -> tuple[Term, ...]:
    """All arms share what customers are like anyway; on the linear base, each arm's own weights are what it changes.

    References
    ----------
    Sören R. Künzel, Jasjeet S. Sekhon, Peter J. Bickel and Bin Yu, "Metalearners for estimating heterogeneous treatment
    effects using machine learning", 2019.
    """
    if task.base is Base.LINEAR:
        return _linear(evidence, task)
    even = np.ones(len(evidence))
    inputs = with_arms(evidence.features, evidence.arm, evidence.arms)
    booster = fit_stopped(inputs, evidence.conversion, even, evidence.stopping, OUTCOMES, task)
    return (Term(booster, tuple(float(known and arm > 0) for arm, known in enumerate(evidence.known)), against_none=True),)


def _linear(evidence: Evidence, task: Task) -> tuple[Term, ...]:
    columns = Columns.of(evidence.features)
    evidence = evidence.sampled(_CELLS // (len(evidence.arms) * 2 * evidence.features.shape[1]), seed=task.seed)
    even = np.ones(len(evidence))
    shared = columns.design(evidence.features)
    width, terms = shared.shape[1], []
    taken = (evidence.arm[:, None] == evidence.tried).astype(np.float64)
    blocks = [shared, taken, *(shared * taken[:, [index]] for index in range(taken.shape[1]))]
    coefficients, _ = ridge(np.hstack(blocks), evidence.conversion, even, evidence.stopping, task)
    for index, arm in enumerate(evidence.tried):
        start = width + taken.shape[1] + index * width
        model = Linear.of(columns, coefficients[start : start + width], float(coefficients[width + index]))
        terms.append(Term(model, evidence.only(arm)))
    return tuple(terms)
