"""Scores customers for the policy, and says which features moved the uplift."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from training.arms import with_arms
from training.calibration import Calibration, Link
from training.effects import Effects
from training.linear import Linear
from training.models import Predictor
from training.policy import Scores
from training.sides import Sides

Floats = NDArray[np.float64]

_ROWS_AT_ONCE = 8192  # rows x arms x features stays in memory however long the log is


@dataclass(frozen=True, slots=True)
class UpliftScorer:
    """Propensity under `none` from the conversion model; the uplift of every other arm from what a learner found.

    The conversion model alone would do, but it spends itself on what makes customers differ and hardly on what a contact
    changes.

    Attributes
    ----------
    arms : `none` first.
    feature_names : the columns that `score` expects, in order.
    conversion : over features and one column per arm but `none`.
    sides : all of the scores but the propensities.
    """

    arms: tuple[str, ...]
    feature_names: tuple[str, ...]
    conversion: Predictor
    effects: Effects
    sides: Sides

    def score(self, features: Floats) -> Scores:
        """What is expected under every arm; `features` has shape (n, d)."""
        propensity = np.empty((len(features), len(self.arms)))
        for start in range(0, len(features), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            propensity[part] = self._propensity(features[part])
        return self.sides.scores(features, propensity)

    def contributions(self, features: Floats, arm: int) -> Floats:
        """What moves the uplift of `arm`, in propensity.

        Returns
        -------
        Shape (n, d + 1): each feature's part, and last the touchpoint's own; rows sum to the uplift before it is bounded.
        """
        return self.effects.contributions(features, arm)

    def untreated(self, features: Floats) -> Floats:
        """P(the customer converts | none), shape (n,)."""
        nothing = np.zeros(len(features), dtype=np.int64)
        return self.conversion.predict(with_arms(features, nothing, self.arms))

    def _propensity(self, features: Floats) -> Floats:
        propensity = self.effects.uplift(features)
        untreated = self.untreated(features)
        propensity += untreated[:, None]
        propensity.clip(0.0, 1.0, out=propensity)
        propensity[:, 0] = untreated
        return propensity


def alike(scorer: UpliftScorer, features: Floats, offsets: tuple[float, ...]) -> UpliftScorer:
    """A scorer that gives every customer the mean scores over `features`, shape (n, d), and each arm the same uplift for all."""
    untreated = _everybody(float(scorer.untreated(features).mean()), scorer.conversion.model.width)
    width = len(scorer.feature_names)
    means = {name: float(predictor.predict(features).mean()) for name, predictor in scorer.sides.predictors.items()}
    predictors = {name: _everybody(mean, width) for name, mean in means.items()}
    return replace(
        scorer,
        conversion=untreated,
        effects=Effects.alike(scorer.arms, offsets),
        sides=replace(scorer.sides, predictors=predictors),
    )


def _everybody(mean: float, width: int) -> Predictor:
    return Predictor(Linear.constant(width, mean), Calibration(Link.IDENTITY))
