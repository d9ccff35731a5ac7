"""Direct policy learning: whom to send what, learnt from what it would have earned, without asking first what it changes."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from training.effects import Term
from training.learners.evidence import Evidence
from training.learners.regression import EFFECTS, Base, Task, design_of
from training.linear import Linear
from training.models import fit_together

Floats = NDArray[np.float64]

_RECIPE = replace(EFFECTS, trees=60, learning_rate=0.15)
_LEAST_CURVATURE = 0.02
_PENALTY = 0.1  # over the root of the number of decisions, as the noise of what is maximized is
_ITERATIONS = 30


def fit_direct(evidence: Evidence, task: Task) -> tuple[Term, ...]:
    """Maximize the doubly robust value, in money, of a policy that chooses in proportion to exp(score).

    What a score beyond that of `none` is worth in uplift is for the calibration to say; see `training.learners.calibration`.

    References
    ----------
    Susan Athey and Stefan Wager, "Policy Learning With Observational Data", 2021. Adith Swaminathan and Thorsten Joachims,
    "Counterfactual Risk Minimization: Learning from Logged Bandit Feedback", 2015 (the softmax policy and its gradient).
    """
    return _linear(evidence) if task.base is Base.LINEAR else _boosted(evidence, task)


@dataclass(frozen=True, slots=True)
class _Choices:
    """What n decisions would have earned under k arms.

    Attributes
    ----------
    possible : shape (n, k), eligible and known.
    money : shape (n, k), doubly robust reward beyond that of `none`, in standard deviations; 0 where not possible.
    start : shape (k,), what scores are added to: the arms' mean money, spread to one standard deviation, so that customers are
        told apart among arms that are nearly as good, and not good arms from bad ones once more.
    """

    possible: NDArray[np.bool_]
    money: Floats
    start: Floats

    @classmethod
    def of(cls, evidence: Evidence) -> "_Choices":
        possible = evidence.eligible & evidence.known
        gain = np.where(possible, evidence.money - evidence.money[:, :1], 0.0)
        means = gain.sum(axis=0) / np.maximum(possible.sum(axis=0), 1)
        start = means / max(float(means[evidence.known].std()), 1e-12)
        return cls(possible, gain / max(float(gain[possible].std()), 1e-12), start)

    def probabilities(self, scores: Floats) -> Floats:
        """Shape (n, k), of a softmax within each row of scores."""
        total = np.where(self.possible, scores + self.start, -np.inf)
        weights = np.exp(total - total.max(axis=1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    def advantage(self, scores: Floats) -> tuple[Floats, Floats, float]:
        """Probabilities, each times what its arm earns beyond the policy, and what the policy earns per decision."""
        probabilities = self.probabilities(scores)
        earned = (probabilities * self.money).sum(axis=1, keepdims=True)
        return probabilities, probabilities * (self.money - earned), float(earned.mean())


def _boosted(evidence: Evidence, task: Task) -> tuple[Term, ...]:
    """One booster per arm, together; what tells `none` apart counts against every other arm."""
    choices, spoken = _Choices.of(evidence), np.flatnonzero(evidence.known)
    scores = np.zeros(evidence.eligible.shape)

    def gradient(raw: Floats) -> tuple[Floats, Floats]:
        scores[:, spoken] = raw
        probabilities, advantage, _ = choices.advantage(scores)
        curvature = np.where(choices.possible, np.maximum(probabilities * (1.0 - probabilities), _LEAST_CURVATURE), 1e-6)
        return -advantage[:, spoken], curvature[:, spoken]

    boosters = fit_together(evidence.features, len(spoken), gradient=gradient, recipe=_RECIPE, seed=task.seed)
    others = tuple(-float(known and arm > 0) for arm, known in enumerate(evidence.known))
    weights = [others, *(evidence.only(arm) for arm in evidence.tried)]
    return tuple(Term(booster, weight) for booster, weight in zip(boosters, weights, strict=True))


def _linear(evidence: Evidence) -> tuple[Term, ...]:
    found = _softmax(evidence, design_of(evidence).table, _PENALTY / np.sqrt(len(evidence)))
    columns = design_of(evidence).columns
    return tuple(Term(Linear.of(columns, found[:-1, arm], float(found[-1, arm])), evidence.only(arm)) for arm in evidence.tried)


def _softmax(evidence: Evidence, table: Floats, penalty: float) -> Floats:
    """Weights of every arm, shape (p + 1, k), the last row the base; those of `none` are zero."""
    choices, n = _Choices.of(evidence), len(evidence)
    design = np.column_stack([table, np.ones(n)])
    shape = design.shape[1], len(evidence.arms)
    free = np.ones(shape) * evidence.known
    free[:, 0] = 0.0

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(shape)
        _, advantage, earned = choices.advantage(design @ weights)
        gradient = (penalty * weights - design.T @ advantage / n) * free
        return penalty / 2 * float((weights**2).sum()) - earned, gradient.ravel()

    found = minimize(loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS})
    return np.asarray(found.x.reshape(shape) * free)
