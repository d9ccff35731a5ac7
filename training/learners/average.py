"""Average effects only: every customer is moved alike by a touchpoint, and only what a conversion is worth differs."""

from training.effects import Term
from training.learners.evidence import Evidence
from training.learners.regression import Task


def fit_average(evidence: Evidence, task: Task) -> tuple[Term, ...]:
    """No model."""
    return ()
