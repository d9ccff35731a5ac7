"""Fits linear models: least squares, logistic and Tweedie regression, each with a penalty on the squares of its weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from training.calibration import Link
from training.linear import Design, Linear

Floats = NDArray[np.float64]

PENALTIES = (0.0003, 0.003, 0.03)
"""Per row, in terms of standardized columns."""

TWEEDIE_POWER = 1.5  # LightGBM's

_PRECISION = 1e-5  # of the gradient


def fit_linear(features: Floats, label: Floats, *, link: Link, penalty: float, weight: Floats | None = None) -> Linear:
    """Fit a linear model of the raw score that `link` turns into a prediction.

    Parameters
    ----------
    features : shape (n, d), NaN where unknown.
    label : shape (n,): 0 or 1 for the logistic link, not negative for the exponential one.
    penalty : per row.
    weight : shape (n,), or None for equal weights.
    """
    return linear_path(Design.of(features), label, link=link, penalties=[penalty], weight=weight)[0]


def linear_path(
    design: Design, label: Floats, *, link: Link, penalties: Sequence[float], weight: Floats | None = None
) -> list[Linear]:
    """As `fit_linear`, a model for every penalty, on rows that are comparable already."""
    columns, table = design.columns, design.table
    if label.min() == label.max():
        return [Linear.of(columns, np.zeros(table.shape[1]), _raw_of(float(label[0]), link))] * len(penalties)
    if link is Link.IDENTITY:
        fitted = ridge_path(table, label, np.ones(len(label)) if weight is None else weight, penalties)
    else:
        fitted = _generalized(table, label, link, penalties, weight)
    return [Linear.of(columns, coefficients, base) for coefficients, base in fitted]


def ridge_path(design: Floats, target: Floats, weight: Floats, penalties: Sequence[float]) -> list[tuple[Floats, float]]:
    """Coefficients and base by penalized least squares, for every penalty at little more than the price of one.

    Parameters
    ----------
    design : shape (n, p).
    penalties : per unit of weight.

    References
    ----------
    Arthur E. Hoerl and Robert W. Kennard, "Ridge Regression: Biased Estimation for Nonorthogonal Problems", 1970.
    """
    share = weight / weight.sum()
    centre, level = share @ design, float(share @ target)
    root = np.sqrt(share)
    weighed = (design - centre) * root[:, None]
    squares, moment = weighed.T @ weighed, weighed.T @ (root * (target - level))
    fitted = []
    for penalty in penalties:
        found = cho_solve(cho_factor(squares + penalty * np.eye(len(squares)), overwrite_a=True, check_finite=False), moment)
        fitted.append((found, level - float(centre @ found)))
    return fitted


def _generalized(
    design: Floats, label: Floats, link: Link, penalties: Sequence[float], weight: Floats | None
) -> list[tuple[Floats, float]]:
    """For every penalty, from the strongest on: each starts where the one before it ended, which is half of the work."""
    from sklearn.linear_model import LogisticRegression, TweedieRegressor

    total = float(len(label) if weight is None else weight.sum())
    scale = 1.0 if link is Link.LOGISTIC else float(label.mean())  # solvers expect numbers around 1
    how: dict[str, Any] = {"solver": "newton-cholesky", "warm_start": True, "tol": _PRECISION}
    solver = LogisticRegression(**how) if link is Link.LOGISTIC else TweedieRegressor(power=TWEEDIE_POWER, link="log", **how)
    found: dict[float, tuple[Floats, float]] = {}
    for penalty in sorted(penalties, reverse=True):
        solver.set_params(**({"C": 1 / (penalty * total)} if link is Link.LOGISTIC else {"alpha": penalty}))
        solver.fit(design, label / scale, sample_weight=weight)
        found[penalty] = np.array(solver.coef_).reshape(-1), float(np.squeeze(solver.intercept_) + np.log(scale))
    return [found[penalty] for penalty in penalties]


def _raw_of(prediction: float, link: Link) -> float:
    if link is Link.LOGISTIC:
        rate = min(max(prediction, 1e-6), 1 - 1e-6)
        return float(np.log(rate / (1 - rate)))
    return float(np.log(max(prediction, 1e-9))) if link is Link.EXPONENTIAL else prediction
