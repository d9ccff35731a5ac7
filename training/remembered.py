"""A scorer that is asked about the same many rows by several policies, and works on both cores."""

from dataclasses import fields
from functools import partial

import numpy as np

from training.crossfit import SIDE_BY_SIDE, side_by_side
from training.policy import Scorer, Scores
from training.policy.score import FloatArray

_LEAST_ROWS = 1000  # that are worth a thread


class Remembered:
    """Says what another scorer says; of the rows that it was asked about last, without asking again.

    A policy and the same without exploration read the same scores, which are nearly all of what judging them costs.
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._last: tuple[FloatArray, Scores] | None = None

    def score(self, features: FloatArray) -> Scores:
        """Score `features`, shape (n, d); they must not be changed afterwards."""
        if self._last is None or self._last[0] is not features:
            self._last = features, self._scored(features)
        return self._last[1]

    def _scored(self, features: FloatArray) -> Scores:
        if len(features) < SIDE_BY_SIDE * _LEAST_ROWS:
            return self._scorer.score(features)
        parts = side_by_side([partial(self._scorer.score, part) for part in np.array_split(features, SIDE_BY_SIDE)])
        return Scores(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Scores)))
