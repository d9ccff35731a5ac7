"""S-learner: one model of conversion over features and arm; effects are differences of its predictions."""

import numpy as np
from numpy.typing import NDArray

from training.arms import with_arms
from training.effects import Term
from training.learners.evidence import Evidence
from training.learners.regression import OUTCOMES, Base, Task, design_of, fit_stopped, ridge
from training.linear import Linear

Floats = NDArray[np.float64]

_CELLS = 30_000_000  # of rows x (columns and gaps) x arms, held at once
_OWN = 0.5  # how freely an arm's effect may differ from that of the other contacts; 1 is as freely as contacts from none


def fit_s(evidence: Evidence, task: Task) -> tuple[Term, ...]:
    """All arms share what customers are like anyway; on the linear base they share what any contact changes, too.

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
    """Effects are drawn to what any contact changes for a customer, so that arms with few decisions lean on the others."""
    columns = design_of(evidence).columns
    evidence = evidence.sampled(_CELLS // ((len(evidence.arms) + 1) * 2 * evidence.features.shape[1]), seed=task.seed)
    shared = columns.design(evidence.features)
    width, arms = shared.shape[1], len(evidence.tried)
    taken = (evidence.arm[:, None] == evidence.tried).astype(np.float64)
    contacted = taken.any(axis=1)[:, None]
    own = [shared * taken[:, [index]] * _OWN for index in range(arms)]
    design = np.hstack([shared, taken, shared * contacted, *own])
    found, _ = ridge(design, evidence.conversion, np.ones(len(evidence)), evidence.stopping, task)
    bases, common, apart = found[width : width + arms], found[width + arms : 2 * width + arms], found[2 * width + arms :]
    return tuple(
        Term(Linear.of(columns, common + _OWN * each, float(base)), evidence.only(arm))
        for arm, base, each in zip(evidence.tried.tolist(), bases, apart.reshape(arms, width), strict=True)
    )
