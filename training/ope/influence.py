"""Influence values: how hard each decision pulls at an estimate, summed over each customer's decisions."""

from dataclasses import dataclass

import numpy as np

from features.errors import TrainingError
from training.ope.log import FloatArray, Log


@dataclass(frozen=True, slots=True, kw_only=True)
class Influence:
    """The pulls of m independent customers, or of decisions where no customers are known, at one estimate.

    Attributes
    ----------
    pulls : shape (m,), sums of mass x (term - value); they add up to 0.
    masses : shape (m,), how much of the log's n decisions a customer is; they add up to n.
    n : decisions in the log.
    span : how far apart the terms of two decisions are at most.
    """

    pulls: FloatArray
    masses: FloatArray
    n: int
    span: float

    @classmethod
    def of(cls, terms: FloatArray, log: Log, *, masses: FloatArray | None = None) -> tuple[float, "Influence"]:
        """The weighted mean of the terms, and what pulls at it.

        Parameters
        ----------
        terms : shape (n,), what each decision adds.
        masses : shape (n,), how much each decision counts, not negative; None: all the same.

        Raises
        ------
        TrainingError
            When there are fewer than two customers.
        """
        n = len(terms)
        mass = np.ones(n) if masses is None else masses / masses.mean()
        value = float((mass * terms).mean())
        pulls = mass * (terms - value)
        counted = terms[mass > 0.0]
        if log.customers is not None:
            pulls, mass = (np.bincount(log.customers, weights=each) for each in (pulls, mass))
        if len(pulls) < 2:
            raise TrainingError("all decisions are of one customer; an interval needs at least 2 customers")
        return value, cls(pulls=pulls, masses=mass, n=n, span=float(np.ptp(counted)))

    @property
    def standard_error(self) -> float:
        """Of the estimate.

        References
        ----------
        Kung-Yee Liang and Scott L. Zeger, "Longitudinal data analysis using generalized linear models", 1986.
        """
        count = len(self.pulls)
        return float(np.sqrt(count / (count - 1) * (self.pulls @ self.pulls)) / self.n)
