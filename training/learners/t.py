"""T-learner: one model of conversion per arm; effects are differences of their predictions."""

import numpy as np

from training.effects import Term
from training.learners.evidence import Evidence
from training.learners.regression import Task, fit_outcome


def fit_t(evidence: Evidence, task: Task) -> tuple[Term, ...]:
    """Each arm's model knows its own decisions only.

    References
    ----------
    Sören R. Künzel, Jasjeet S. Sekhon, Peter J. Bickel and Bin Yu, "Metalearners for estimating heterogeneous treatment
    effects using machine learning", 2019.
    """
    taken = np.bincount(evidence.arm, minlength=len(evidence.arms)) > 0
    spoken = [int(arm) for arm in evidence.tried if taken[arm]]
    if not spoken or not taken[0]:
        return ()
    others = tuple(-float(arm in spoken) for arm in range(len(evidence.arms)))
    terms = [Term(fit_outcome(evidence, evidence.arm == 0, task), others)]
    for arm in spoken:
        terms.append(Term(fit_outcome(evidence, evidence.arm == arm, task), evidence.only(arm)))
    return tuple(terms)
