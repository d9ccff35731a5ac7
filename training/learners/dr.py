"""DR-learner: regress what is doubly robustly shown of each effect, directly."""

from training.effects import Term
from training.learners.evidence import Evidence
from training.learners.regression import Task, fit_pooled


def fit_dr(evidence: Evidence, task: Task) -> tuple[Term, ...]:
    """One row per decision and arm that it could have been; its target is right in the mean if probabilities or models are.

    References
    ----------
    Edward H. Kennedy, "Towards optimal doubly robust estimation of heterogeneous causal effects", 2020.
    """
    pairs = evidence.pairs
    return fit_pooled(evidence, pairs, evidence.effects[pairs], evidence.weights[pairs], task)
