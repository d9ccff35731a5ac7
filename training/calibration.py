"""Turns raw model scores into honest numbers: a smooth monotone link, so that small differences between arms survive."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Link(StrEnum):
    """How a raw score becomes a prediction."""

    LOGISTIC = "logistic"  # probabilities
    EXPONENTIAL = "exponential"  # positive amounts
    IDENTITY = "identity"


@dataclass(frozen=True, slots=True)
class Calibration:
    """`link(slope * raw + intercept)`; three numbers that any language can apply.

    A step function (isotonic) would calibrate as well but make most uplifts exactly zero, so the link is smooth.

    >>> Calibration(Link.LOGISTIC, slope=2.0, intercept=0.0).apply(np.array([0.0]))
    array([0.5])
    """

    link: Link
    slope: float = 1.0
    intercept: float = 0.0

    def apply(self, raw: Floats) -> Floats:
        """Calibrated predictions for raw scores of any shape."""
        score = self.slope * np.asarray(raw, dtype=np.float64) + self.intercept
        if self.link is Link.LOGISTIC:
            return np.asarray(np.exp(-np.logaddexp(0.0, -score)))
        if self.link is Link.EXPONENTIAL:
            return np.exp(np.minimum(score, 50.0))
        return score


def fit_logistic(raw: Floats, label: Floats) -> Calibration:
    """Platt's sigmoid on out-of-fold log-odds; never decreasing, so it cannot turn a ranking round.

    References
    ----------
    J. Platt, "Probabilistic outputs for support vector machines", 1999.
    """
    from sklearn.linear_model import LogisticRegression

    rate = float(np.clip(label.mean(), 1e-6, 1 - 1e-6))
    base = Calibration(Link.LOGISTIC, slope=0.0, intercept=float(np.log(rate / (1 - rate))))
    if label.min() == label.max() or raw.min() == raw.max():
        return base
    model = LogisticRegression(C=1e6, max_iter=200).fit(raw[:, None], label)
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    return Calibration(Link.LOGISTIC, slope, intercept) if slope > 0 else base


def fit_exponential(raw: Floats, value: Floats) -> Calibration:
    """Right in the mean: predictions are scaled so that their mean is the mean of `value`."""
    factor = float(value.mean()) / float(np.exp(np.minimum(raw, 50.0)).mean())
    return Calibration(Link.EXPONENTIAL, slope=1.0, intercept=float(np.log(max(factor, 1e-9))))


def cross_isotonic(raw: Floats, label: Floats, folds: NDArray[np.int64]) -> Floats:
    """Isotonic probabilities, each fold's fitted on the other folds; for weights, where ties do no harm.

    References
    ----------
    B. Zadrozny and C. Elkan, "Transforming classifier scores into accurate multiclass probability estimates", 2002.
    """
    from sklearn.isotonic import IsotonicRegression

    calibrated = np.empty_like(raw)
    for fold in np.unique(folds):
        inside = folds == fold
        model: Any = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(raw[~inside], label[~inside])
        calibrated[inside] = model.predict(raw[inside])
    return calibrated
