"""Scores customers for the policy with four models, and says which features moved the uplift."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.models import Predictor
from training.policy import Scores

Floats = NDArray[np.float64]

_ROWS_AT_ONCE = 8192  # rows x arms x features stays in memory however long the log is


@dataclass(frozen=True, slots=True)
class UpliftScorer:
    """Propensity under `none` from the conversion model; the uplift of every other arm from a model of its own.

    The conversion model alone would do (an S-learner), but it spends its trees on what makes customers differ and hardly any
    on what a contact changes.

    Attributes
    ----------
    arms : `none` first.
    feature_names : the columns that `score` expects, in order.
    conversion, uplift : over features and one column per arm but `none`.
    offsets : shape (k,), the mean uplift of each arm, to which `uplift` adds what is particular to the customer.
    """

    arms: tuple[str, ...]
    feature_names: tuple[str, ...]
    conversion: Predictor
    uplift: Predictor
    offsets: tuple[float, ...]
    value: Predictor
    churn: Predictor

    def score(self, features: Floats) -> Scores:
        """Propensities under every arm, value and churn; `features` has shape (n, d)."""
        propensity = np.empty((len(features), len(self.arms)))
        for start in range(0, len(features), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            propensity[part] = self._propensity(features[part])
        return Scores(propensity, self.value.predict(features), self.churn.predict(features))

    def contributions(self, features: Floats, arm: int) -> Floats:
        """What moves the uplift of `arm`, in propensity.

        Returns
        -------
        Shape (n, d + 1): each feature's part, and last the touchpoint's own; rows sum to the uplift before it is bounded.
        """
        parts = self.uplift.booster.contributions(with_arms(features, np.full(len(features), arm), self.arms))
        parts *= self.uplift.calibration.slope
        width = len(self.feature_names)
        own = parts[:, width:].sum(axis=1) + self.uplift.calibration.intercept + self.offsets[arm]
        return np.column_stack([parts[:, :width], own])

    def _propensity(self, features: Floats) -> Floats:
        n, k = len(features), len(self.arms)
        untreated = self.conversion.predict(with_arms(features, np.zeros(n, dtype=np.int64), self.arms))
        options = np.tile(np.arange(1, k), n)
        uplift = self.uplift.predict(with_arms(np.repeat(features, k - 1, axis=0), options, self.arms)).reshape(n, k - 1)
        treated = np.clip(untreated[:, None] + uplift + np.array(self.offsets[1:]), 0.0, 1.0)
        return np.column_stack([untreated, treated])


def with_arms(features: Floats, arm: NDArray[np.int64], arms: tuple[str, ...]) -> Floats:
    """Features with one column per arm but `none`, 1 where that arm is taken: shape (n, d + k - 1)."""
    return np.hstack([features, np.asarray(arm[:, None] == np.arange(1, len(arms)), dtype=np.float64)])


def arm_columns(feature_names: tuple[str, ...], arms: tuple[str, ...]) -> list[str]:
    """The names of `with_arms`'s columns; LightGBM allows letters, digits and underscores."""
    return [*feature_names, *(f"arm_{arm.replace('.', '_')}" for arm in arms[1:])]
