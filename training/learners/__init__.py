"""Learners of what touchpoints change: S, T, X, DR and direct policy learning, each on boosted trees and on linear models.

1. `Evidence` gathers what decisions show, doubly robust, with the help of models that have not seen their customer.
2. Each learner fits models whose scores tell customers apart; `cross_fit_candidates` scores every customer by models of others.
3. `fit_line` says what these scores are worth in uplift.

Which learner is used is decided by `training.select`.
"""

from training.learners.calibration import Line, Shown, fit_line, shown_by_conversion, shown_by_money
from training.learners.candidates import AVERAGE, CANDIDATES, LEARNERS, MEAN, Candidate, cross_fit_candidates
from training.learners.evidence import Evidence
from training.learners.regression import Base

__all__ = [
    "AVERAGE",
    "CANDIDATES",
    "LEARNERS",
    "MEAN",
    "Base",
    "Candidate",
    "Evidence",
    "Line",
    "Shown",
    "cross_fit_candidates",
    "fit_line",
    "shown_by_conversion",
    "shown_by_money",
]
