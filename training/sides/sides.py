"""The side models of a scorer: all of `Scores` but the propensities."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.models import Predictor
from training.policy import Scores
from training.reward import recent_contacts

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sides:
    """Predictors and numbers that together say what is expected of customers beside conversion.

    Attributes
    ----------
    predictors : `value` (money of a conversion) and `churn` (P(the customer leaves), whatever is done) always; `lifetime` (money
        of a customer who stays, within objective.churn_days) where objective.lifetime_days is set; `unsubscribe` (P(a contacted
        customer unsubscribes)) where that costs anything and has happened often enough to learn whom it happens to.
    numbers : `churn_change` (k,), each arm's mean change of P(the customer leaves); `unsubscribe` (k,), each arm's mean
        P(the contact makes the customer unsubscribe); `unsubscribe_mean` (1,), the mean of that predictor, with it;
        `lifetime` (1,), what the money of that predictor is multiplied by; `contact_columns` (c,), see `recent_contacts`.
    """

    predictors: dict[str, Predictor]
    numbers: dict[str, tuple[float, ...]]

    @property
    def contact_columns(self) -> tuple[int, ...]:
        """The feature columns that count recent contacts, one per channel."""
        return tuple(int(column) for column in self.numbers["contact_columns"])

    def scores(self, features: Floats, propensity: Floats) -> Scores:
        """All that is expected of n customers.

        Parameters
        ----------
        features : shape (n, d), NaN where unknown.
        propensity : shape (n, k), of the learner.
        """
        churn = self.predictors["churn"].predict(features)[:, None] + np.array(self.numbers["churn_change"])
        return Scores(
            propensity=propensity,
            value=self.predictors["value"].predict(features),
            churn=np.clip(churn, 0.0, 1.0),
            lifetime=self._lifetime(features),
            unsubscribe=self._unsubscribe(features),
            recent_contacts=recent_contacts(features, self.contact_columns),
        )

    def _lifetime(self, features: Floats) -> Floats:
        if "lifetime" not in self.predictors:
            return np.zeros(len(features))
        return np.maximum(self.predictors["lifetime"].predict(features) * self.numbers["lifetime"][0], 0.0)

    def _unsubscribe(self, features: Floats) -> Floats:
        relative = np.ones(len(features))
        if "unsubscribe" in self.predictors:
            relative = self.predictors["unsubscribe"].predict(features) / self.numbers["unsubscribe_mean"][0]
        return np.asarray(np.clip(relative[:, None] * np.array(self.numbers["unsubscribe"]), 0.0, 1.0))
