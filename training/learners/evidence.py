"""What every learner learns from: decisions, what was expected of them out of fold, and what they show of every arm."""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from training.arms import with_arms
from training.calibration import Calibration
from training.crossfit import CrossFit, cross_fit
from training.dataset import Dataset
from training.linear import Design
from training.models import MEAN
from training.splits import customer_folds

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_LEAST_PROBABILITY = 0.01
_REWARD = replace(MEAN, trees=100)
_STOPPING_FOLDS = 5
KNOWN_AFTER = 10  # contacts; of fewer no model learns anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """n decisions over k arms, as learners read them.

    Attributes
    ----------
    arm : shape (n,), what was chosen.
    eligible : shape (n, k).
    known : shape (k,), the arms that were tried, `none` included.
    conversion : shape (n,), 0 or 1.
    expected : shape (n, k), P(the customer converts | arm), by a model that has not seen the customer.
    effects : shape (n, k), doubly robust: what the arm changed in conversion; right in the mean, noisy in each row.
    reward_model : shape (n, k), expected reward in money, by a model that has not seen the customer.
    money : shape (n, k), doubly robust reward of every arm, likewise.
    weights : shape (n, k), large where arm and `none` were both likely, so that rare choices do not drown the rest; mean 1
        over eligible pairs, 0 where the arm was not eligible or is not known.
    folds : shape (n,), of customers; what judges a model is of another fold.
    stopping : shape (n,), customers to stop by.
    design : the features made comparable for linear models, so that learners share it; None where each does so for itself.
    """

    arms: tuple[str, ...]
    features: Floats
    arm: NDArray[np.int64]
    eligible: Bools
    known: Bools
    conversion: Floats
    expected: Floats
    effects: Floats
    reward_model: Floats
    money: Floats
    weights: Floats
    folds: NDArray[np.int64]
    stopping: Bools
    design: Design | None = None

    @classmethod
    def of(cls, dataset: Dataset, nuisance: CrossFit, calibration: Calibration, *, seed: int) -> "Evidence":
        """Gather it; `nuisance` predicted conversion out of fold, from features and arms.

        References
        ----------
        James M. Robins, Andrea Rotnitzky and Lue Ping Zhao, "Estimation of regression coefficients when some regressors are
        not always observed", 1994 (the scores). Victor Chernozhukov et al., "Double/debiased machine learning for treatment and
        structural parameters", 2018 (that models be of other rows).
        """
        inputs = with_arms(dataset.features, dataset.arm, dataset.arms)
        rewards = cross_fit(inputs, dataset.reward, nuisance.folds, recipe=_REWARD, seed=seed)
        expected = calibration.apply(_under_every_arm(dataset, nuisance))
        reward_model = _under_every_arm(dataset, rewards)
        outcomes = robust(expected, dataset.conversion, dataset)
        known = np.bincount(dataset.arm, minlength=len(dataset.arms)) >= KNOWN_AFTER
        known[0] = True
        return cls(
            arms=dataset.arms,
            features=dataset.features,
            arm=dataset.arm,
            eligible=dataset.eligible,
            known=known,
            conversion=dataset.conversion,
            expected=expected,
            effects=outcomes - outcomes[:, :1],
            reward_model=reward_model,
            money=robust(reward_model, dataset.reward, dataset),
            weights=_weights(dataset, known),
            folds=nuisance.folds,
            stopping=customer_folds(dataset.customer_id, count=_STOPPING_FOLDS, seed=seed + 1) == 0,
        )

    def __len__(self) -> int:
        return len(self.arm)

    def where(self, rows: Bools) -> "Evidence":
        """The decisions of a mask."""
        return replace(self, design=None, **{name: getattr(self, name)[rows] for name in _COLUMNS})

    def with_design(self) -> "Evidence":
        """The same, with its features made comparable once."""
        return replace(self, design=Design.of(self.features))

    def sampled(self, most: int, *, seed: int) -> "Evidence":
        """At most so many decisions, drawn at random; all where there are no more."""
        if len(self) <= most:
            return self
        rows = np.zeros(len(self), dtype=bool)
        rows[np.random.default_rng(seed).choice(len(self), size=most, replace=False)] = True
        return self.where(rows)

    @property
    def tried(self) -> NDArray[np.intp]:
        """The indices of the arms but `none` that were tried."""
        return np.flatnonzero(self.known)[1:]

    def only(self, arm: int) -> tuple[float, ...]:
        """Weights of a model that speaks of one arm, shape (k,)."""
        return tuple(float(index == arm) for index in range(len(self.arms)))

    @property
    def pairs(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Row and arm, shape (m,) each, of every contact that could have been made and is known."""
        contact = self.eligible & self.known
        contact[:, 0] = False
        row, option = np.nonzero(contact)
        return row, option


_COLUMNS = tuple(field.name for field in fields(Evidence) if field.name not in ("arms", "known", "design"))


def robust(expected: Floats, outcome: Floats, dataset: Dataset) -> Floats:
    """Doubly robust outcome of every arm, shape (n, k): what was expected, mended by what was seen where the arm was chosen."""
    rows = np.arange(len(dataset))
    scores = expected.copy()
    probability = np.maximum(dataset.probabilities[rows, dataset.arm], _LEAST_PROBABILITY)
    scores[rows, dataset.arm] += (outcome - expected[rows, dataset.arm]) / probability
    return scores


def _under_every_arm(dataset: Dataset, crossed: CrossFit) -> Floats:
    raw = np.empty(dataset.eligible.shape)
    for fold, model in enumerate(crossed.models):
        inside = np.flatnonzero(crossed.folds == fold)
        for arm in range(len(dataset.arms)):
            raw[inside, arm] = model.raw(with_arms(dataset.features[inside], np.full(len(inside), arm), dataset.arms))
    return raw


def _weights(dataset: Dataset, known: Bools) -> Floats:
    """A weight must not depend on what was chosen, as it would where the chosen arm's probability is all that is known."""
    probabilities = np.maximum(dataset.probabilities, _LEAST_PROBABILITY)
    overlap = probabilities * probabilities[:, :1] / (probabilities + probabilities[:, :1])
    equal = 0.5 / dataset.eligible.sum(axis=1, keepdims=True)
    weights = np.where(dataset.eligible & known, np.where(dataset.shared[:, None], equal, overlap), 0.0)
    weights[:, 0] = 0.0
    return np.asarray(weights / max(float(weights[weights > 0].mean()), 1e-12)) if weights.any() else weights
