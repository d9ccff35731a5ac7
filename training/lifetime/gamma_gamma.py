"""How much customers spend when they convert: the gamma-gamma model, by maximum likelihood.

What a customer spends varies from one conversion to the next around a mean of their own; these means differ between customers. It
assumes that how much and how often have nothing to do with each other, so their correlation is told.

References
----------
P. S. Fader, B. G. S. Hardie, "The Gamma-Gamma Model of Monetary Value", 2013, http://www.brucehardie.com/notes/025/.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.errors import TrainingError

Floats = NDArray[np.float64]

LEAST_CUSTOMERS = 50
_BOUNDS = (-9.0, 12.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class GammaGamma:
    """A fitted model.

    Attributes
    ----------
    p, q, scale : the note's p, q and gamma; a customer's mean spend is p · scale / (q - 1) in the mean.
    log_likelihood : of the mean spends.
    customers : fitted to so many.
    """

    p: float
    q: float
    scale: float
    log_likelihood: float
    customers: int

    @property
    def mean(self) -> float:
        """What customers spend in the mean, one conversion each."""
        return self.p * self.scale / (self.q - 1)

    def expected(self, conversions: Floats, mean_spend: Floats) -> Floats:
        """What customers will spend in the mean whenever they convert, shape (n,).

        Parameters
        ----------
        conversions, mean_spend : how often, and how much each time; below zero counts as zero.

        Examples
        --------
        Nothing known gives 2 · 3 / (4 - 1); ten conversions of 5 give 2 · (3 + 50) / (2 · 10 + 4 - 1).

        >>> model = GammaGamma(p=2, q=4, scale=3, log_likelihood=0, customers=0)
        >>> (model.expected(np.array([0.0, 10.0]), np.array([0.0, 5.0])) * 23).tolist()
        [46.0, 106.0]
        """
        spent = conversions * np.maximum(mean_spend, 0.0)
        return self.p * (self.scale + spent) / (self.p * conversions + self.q - 1)


def fit_gamma_gamma(conversions: Floats, mean_spend: Floats) -> GammaGamma:
    """Fit to customers.

    Parameters
    ----------
    conversions, mean_spend : shape (n,); customers who spent nothing, or got money back, do not count.

    Raises
    ------
    TrainingError
        When fewer than fifty customers spent anything, all spend alike, or spends are so uneven that they have no mean.
    """
    from scipy.optimize import minimize

    counts = (conversions > 0) & (mean_spend > 0) & np.isfinite(mean_spend)
    if counts.sum() < LEAST_CUSTOMERS:
        raise TrainingError(
            f"{counts.sum()} customers spent money on a second day or later, and it takes {LEAST_CUSTOMERS} to learn how spends "
            "differ; capture `value` with purchases, or wait for more"
        )
    x, z = conversions[counts], mean_spend[counts]
    unit = float(z.mean())

    def loss(logs: Floats) -> tuple[float, Floats]:
        value, slope = log_likelihood(logs, x, z / unit)
        return -value / len(x), -slope / len(x)

    start = np.log([2.0, 3.0, 1.0])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[_BOUNDS] * 3, options={"ftol": 1e-13})
    p, q, scale = np.exp(found.x).tolist()
    if q <= 1.01 or found.x[0] > _BOUNDS[1] - 0.01:
        raise TrainingError(
            f"spends of {len(x)} customers fit no gamma-gamma model (q = {q:.3g}, p = {p:.3g}): they are all alike, or so uneven "
            "that they have no mean; look at the largest values for errors"
        )
    likelihood = -found.fun * len(x) - len(x) * np.log(unit)
    return GammaGamma(p=p, q=q, scale=scale * unit, log_likelihood=float(likelihood), customers=len(x))


def log_likelihood(logs: Floats, x: Floats, z: Floats) -> tuple[float, Floats]:
    """Log-likelihood of mean spends z of x conversions each, and its gradient in the logarithms of p, q and scale, shape (3,)."""
    from scipy.special import gammaln, psi

    p, q, scale = np.exp(logs)
    level, row = np.unique(x, return_inverse=True)
    known = gammaln(p * level + q) - gammaln(p * level) - gammaln(q) + q * np.log(scale)
    total = np.log(scale + x * z)
    value = known[row] + (p * x - 1) * np.log(z) + p * x * np.log(x) - (p * x + q) * total
    digamma = psi(p * level + q)
    slope_p = (level * (digamma - psi(p * level)))[row] + x * (np.log(z) + np.log(x) - total)
    slope_q = (digamma - psi(q))[row] + np.log(scale) - total
    slope_scale = q / scale - (p * x + q) / (scale + x * z)
    slope = np.array([slope_p.sum(), slope_q.sum(), slope_scale.sum()])
    return float(value.sum()), slope * np.exp(logs)
