"""X-learner: what the contacted did beyond what they were expected to do alone, and what the others would have done beyond."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from training.effects import Term
from training.learners.evidence import Evidence
from training.learners.regression import Task, fit_pooled


def fit_x(evidence: Evidence, task: Task) -> tuple[Term, ...]:
    """Two regressions of imputed effects, over the contacted and over those left alone, each trusted as far as the other is rare.

    The share of a touchpoint among those who got it or nothing stands for the probability, so that it is one number per arm.

    References
    ----------
    Sören R. Künzel, Jasjeet S. Sekhon, Peter J. Bickel and Bin Yu, "Metalearners for estimating heterogeneous treatment
    effects using machine learning", 2019.
    """
    row, option = evidence.pairs
    contacted, left_alone = evidence.arm[row] == option, evidence.arm[row] == 0
    imputed = np.where(
        contacted, evidence.conversion[row] - evidence.expected[row, 0], evidence.expected[row, option] - evidence.conversion[row]
    )
    share = _shares(evidence)
    terms: list[Term] = []
    for mask, weight in ((contacted, 1.0 - share), (left_alone, share)):
        if mask.any():
            pairs = row[mask], option[mask]
            found = fit_pooled(evidence, pairs, imputed[mask], np.ones(int(mask.sum())), task)
            terms += [replace(term, weights=tuple((np.array(term.weights) * weight).tolist())) for term in found]
    return tuple(terms)


def _shares(evidence: Evidence) -> NDArray[np.float64]:
    counts = np.bincount(evidence.arm, minlength=len(evidence.arms)).astype(np.float64)
    return np.asarray(counts / np.maximum(counts + counts[0], 1.0))
