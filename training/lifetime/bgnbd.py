"""How often customers convert and when they stop: the BG/NBD model, by maximum likelihood.

While a customer is alive, conversions come at random at a rate of the customer's own; after each, the customer may be gone for
good. Rates differ between customers as a gamma distribution (r, alpha), chances of going as a beta distribution (a, b). Who has
converted once only cannot be gone, says the model; so their time of silence has to be judged beside it.

References
----------
P. S. Fader, B. G. S. Hardie, K. L. Lee, "'Counting Your Customers' the Easy Way: An Alternative to the Pareto/NBD Model",
Marketing Science 2005; the likelihood is its equation 6, the expectation its equation 10.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.errors import TrainingError
from training.lifetime.transactions import Transactions, runs

Floats = NDArray[np.float64]

NAMES = ("r", "alpha", "a", "b")
LEAST_REPEATERS = 50
_BOUNDS = (-9.0, 9.0)  # of the parameters' logarithms, time in mean ages: what no data can tell from the ends is not searched
_STEP = 1e-4
_APART = 1e-5  # from a = 1, where the expectation is 0 / 0
_FLAT = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class BgNbd:
    """A fitted model; times are in the unit of the transactions that it was fitted to.

    Attributes
    ----------
    r, alpha : of the gamma distribution of rates, whose mean is r / alpha conversions in a unit of time.
    a, b : of the beta distribution of the chance to be gone after a conversion, whose mean is a / (a + b).
    covariance : shape (4, 4), of the estimates of the four parameters' logarithms.
    log_likelihood : of the transactions.
    customers : fitted to so many.
    """

    r: float
    alpha: float
    a: float
    b: float
    covariance: Floats
    log_likelihood: float
    customers: int

    @property
    def logs(self) -> Floats:
        """Logarithms of the parameters, shape (4,)."""
        return np.log([self.r, self.alpha, self.a, self.b])

    @property
    def standard_errors(self) -> Floats:
        """Of the parameters, shape (4,), from the curvature of the likelihood."""
        return np.asarray(np.exp(self.logs) * np.sqrt(np.diag(self.covariance)))

    def alive(self, of: Transactions) -> Floats:
        """P(still a customer), shape (n,); 1 for who converted once."""
        return alive(self.logs, of)

    def expected(self, of: Transactions, ahead: float) -> Floats:
        """Mean number of conversions within a time ahead, shape (n,)."""
        return expected(self.logs, of, ahead)


def fit_bgnbd(of: Transactions) -> BgNbd:
    """Fit to customers.

    Raises
    ------
    TrainingError
        When fewer than fifty customers converted on a second day.
    """
    from scipy.optimize import minimize

    repeaters = int(of.count[of.repeats > 0].sum())
    if repeaters < LEAST_REPEATERS:
        raise TrainingError(
            f"{repeaters} customers converted on a second day, and it takes {LEAST_REPEATERS} to learn when customers come back; "
            "wait for more, or capture older purchases"
        )
    unit = max(float(np.average(of.age, weights=of.count)), 1e-9)
    scaled = of.in_units_of(unit)
    total = float(of.count.sum())

    def loss(logs: Floats) -> tuple[float, Floats]:
        value, slope = log_likelihood(logs, scaled)
        return -value / total, -slope / total

    bounds = [_BOUNDS] * len(NAMES)
    found = minimize(loss, np.log([1.0, 1.0, 1.0, 3.0]), jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-13})
    # The scale of time moves alpha only, and its logarithm by a constant: the covariance stays
    r, alpha, a, b = np.exp(found.x).tolist()
    covariance = _covariance(found.x, scaled)
    # In units of `unit` a density of repeats is larger by unit for each of them
    likelihood = -found.fun * total - float(of.count @ of.repeats) * np.log(unit)
    return BgNbd(
        r=r, alpha=alpha * unit, a=a, b=b, covariance=covariance, log_likelihood=float(likelihood), customers=round(total)
    )


def log_likelihood(logs: Floats, of: Transactions) -> tuple[float, Floats]:
    """Log-likelihood of all customers, and its gradient in the parameters' logarithms, shape (4,)."""
    from scipy.special import gammaln, psi

    r, alpha, a, b = np.exp(logs)
    n = of.repeats
    starts, row = runs(n)  # the costly functions once for each number
    level = n[starts]
    later = np.maximum(b + level - 1, 1e-300)
    log_age, log_recency = np.log(alpha + of.age), np.log(alpha + of.recency)
    still = -(r + n) * log_age
    with np.errstate(divide="ignore"):
        gone = np.where(n > 0, np.log(a) - np.log(later)[row] - (r + n) * log_recency, -np.inf)
    either = np.logaddexp(still, gone)
    w_still, w_gone = np.exp(still - either), np.exp(gone - either)
    known = gammaln(r + level) - gammaln(r) + gammaln(a + b) + gammaln(b + level) - gammaln(b) - gammaln(a + b + level)
    value = _dot(of.count, known[row] + either) + of.count.sum() * r * np.log(alpha)
    both = psi(a + b) - psi(a + b + level)
    slope_r = (psi(r + level) - psi(r))[row] + np.log(alpha)
    slope_r -= w_still * log_age + w_gone * log_recency
    slope_alpha = r / alpha - (r + n) * (w_still / (alpha + of.age) + w_gone / (alpha + of.recency))
    slope_a = both[row] + w_gone / a
    slope_b = (both + psi(b + level) - psi(b))[row] - w_gone / later[row]
    slope = np.array([_dot(of.count, each) for each in (slope_r, slope_alpha, slope_a, slope_b)])
    return float(value), slope * np.exp(logs)


def _dot(one: Floats, other: Floats) -> float:
    """The scalar product on this thread: those of BLAS wait for each other longer than they count, hundreds of times in a fit."""
    return float(np.einsum("n,n", one, other))


def alive(logs: Floats, of: Transactions) -> Floats:
    """P(still a customer), shape (n,), of parameters given as logarithms."""
    return np.asarray(1 / (1 + _odds_gone(logs, of)))


def expected(logs: Floats, of: Transactions, ahead: float) -> Floats:
    """Mean number of conversions within a time ahead, shape (n,), of parameters given as logarithms.

    The paper's equation 10 after Euler's transformation of the hypergeometric function, which takes its large powers out of it;
    the function then depends on repeats and age only, and is computed once for each run of equal pairs.
    """
    from scipy.special import hyp2f1

    r, alpha, a, b = np.exp(logs)
    a = a if abs(a - 1) > _APART else 1 + _APART
    starts, row = runs(of.repeats, of.age)
    n, age = of.repeats[starts], of.age[starts]
    z = ahead / (alpha + age + ahead)
    series = hyp2f1(a + b - 1 - r, a - 1, a + b + n - 1, z)
    if_alive_or_not = (a + b + n - 1) / (a - 1) * (1 - (1 - z) ** (a - 1) * series)
    return np.asarray(np.maximum(if_alive_or_not, 0.0)[row] / (1 + _odds_gone(logs, of)))


def _odds_gone(logs: Floats, of: Transactions) -> Floats:
    r, alpha, a, b = np.exp(logs)
    n = of.repeats
    with np.errstate(divide="ignore", over="ignore"):
        ratio = (r + n) * (np.log(alpha + of.age) - np.log(alpha + of.recency))
        return np.where(n > 0, np.exp(np.minimum(np.log(a) - np.log(np.maximum(b + n - 1, 1e-300)) + ratio, 700.0)), 0.0)


def _covariance(logs: Floats, of: Transactions) -> Floats:
    """Inverse of the observed information; where the likelihood is flat, parameters count as known: little depends on them."""
    columns = [
        (log_likelihood(logs + step, of)[1] - log_likelihood(logs - step, of)[1]) / (2 * _STEP) for step in np.eye(4) * _STEP
    ]
    information = -(np.array(columns) + np.array(columns).T) / 2
    values, vectors = np.linalg.eigh(information)
    inverse = np.where(values > _FLAT * max(values.max(), 1.0), 1 / np.maximum(values, 1e-300), 0.0)
    return np.asarray((vectors * inverse) @ vectors.T)
