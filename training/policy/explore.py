"""Step 4: exact probabilities over the eligible arms, rarer the more money an arm is expected to forgo, and the draw.

The method shares out what the floor leaves; then arms that are held back, such as new ones, are cut to their ceiling, and what
that frees goes to the others in proportion.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256

import numpy as np

from features.catalogue import Exploration
from features.errors import PolicyError
from training.policy.arbitrate import BoolArray, IntArray, check_choices
from training.policy.score import FloatArray


def explore(
    values: FloatArray, eligible: BoolArray, exploration: Exploration, *, ceilings: FloatArray | None = None
) -> FloatArray:
    """The probability of every arm.

    Parameters
    ----------
    values : shape (n, k), money, by which arms are ordered.
    eligible : shape (n, k); every row has at least one.
    ceilings : shape (k,), the most that each arm may get while another eligible one can take the rest; None holds none back.

    Returns
    -------
    Shape (n, k), rows sum to 1, exactly 0 where not eligible.

    Raises
    ------
    PolicyError
        When shapes differ, a value is not finite, a row has nothing eligible, or a parameter is negative.

    Examples
    --------
    >>> explore(np.array([[0.0, 2.0]]), np.array([[True, True]]), Exploration(sharpness=1.0, floor=0.1)).round(3)
    array([[0.3, 0.7]])
    """
    check_choices(values, eligible)
    return explored(values, eligible, exploration, ceilings=ceilings)


def explored(values: FloatArray, eligible: BoolArray, exploration: Exploration, *, ceilings: FloatArray | None) -> FloatArray:
    """`explore` among what was checked before."""
    if not (exploration.sharpness >= 0.0 and exploration.floor >= 0.0):
        raise PolicyError(f"sharpness {exploration.sharpness} and floor {exploration.floor} must be 0 or more")
    count = eligible.sum(axis=1, keepdims=True)
    share = np.minimum(exploration.floor, 1.0 / count)
    shared_out = _METHODS[exploration.method](values, eligible, exploration)
    probabilities = np.where(eligible, share + (1.0 - count * share) * shared_out, 0.0)
    return probabilities if ceilings is None else _held_back(probabilities, eligible, np.maximum(ceilings, share))


def _inverse_gap(values: FloatArray, eligible: BoolArray, exploration: Exploration) -> FloatArray:
    """Among K eligible arms, one that is `gap` worse than the best gets 1 / (K + sharpness x gap); the best gets the rest.

    References
    ----------
    Dylan J. Foster and Alexander Rakhlin, "Beyond UCB: Optimal and Efficient Contextual Bandits with Regression Oracles", 2020.
    """
    rows, best, gaps = _gaps(values, eligible)
    count = eligible.sum(axis=1, keepdims=True)
    probabilities = np.where(eligible, 1.0 / (count + exploration.sharpness * gaps), 0.0)
    probabilities[rows, best] = 0.0
    probabilities[rows, best] = 1.0 - probabilities.sum(axis=1)
    return probabilities


def _softmax(values: FloatArray, eligible: BoolArray, exploration: Exploration) -> FloatArray:
    """Probabilities in proportion to exp(sharpness x value)."""
    weights = np.where(eligible, np.exp(-exploration.sharpness * _gaps(values, eligible)[2]), 0.0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _epsilon_greedy(values: FloatArray, eligible: BoolArray, exploration: Exploration) -> FloatArray:
    """The best, but for a share `epsilon` of times, when every eligible arm is as likely as the others."""
    rows, best, _ = _gaps(values, eligible)
    probabilities = np.where(eligible, exploration.epsilon / eligible.sum(axis=1, keepdims=True), 0.0)
    probabilities[rows, best] += 1.0 - exploration.epsilon
    return probabilities


def _gaps(values: FloatArray, eligible: BoolArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Row numbers, each row's best arm (the first of equals, as arbitrate has it), and how much worse every eligible one is."""
    rows, comparable = np.arange(len(values)), np.where(eligible, values, -np.inf)
    best = comparable.argmax(axis=1)
    return rows, best, np.where(eligible, comparable[rows, best][:, None] - values, 0.0)


def _held_back(probabilities: FloatArray, eligible: BoolArray, ceilings: FloatArray) -> FloatArray:
    """Cut arms to their ceilings; where that leaves nobody to take the rest, nothing is cut.

    Those who take it do so in proportion, or alike where all of them had nothing.
    """
    free = eligible & (ceilings >= 1.0)
    cut = np.where(free, probabilities, np.minimum(probabilities, ceilings))
    taking = np.where(free, probabilities, 0.0)
    taking = np.where(taking.any(axis=1, keepdims=True), taking, free.astype(np.float64))
    taken = taking.sum(axis=1, keepdims=True)
    rest = 1.0 - np.where(free, 0.0, cut).sum(axis=1, keepdims=True)
    shared = np.where(free, taking * rest / np.where(taken > 0.0, taken, 1.0), cut)
    return np.where(taken > 0.0, shared, probabilities)


_METHODS: Mapping[str, Callable[[FloatArray, BoolArray, Exploration], FloatArray]] = {
    "squarecb": _inverse_gap,
    "softmax": _softmax,
    "epsilon_greedy": _epsilon_greedy,
}


def draw(probabilities: FloatArray, rng: np.random.Generator) -> int:
    """Draw one arm; see `arm_at`."""
    return arm_at(probabilities, rng.random())


def arm_at(probabilities: FloatArray, u: float) -> int:
    """The arm at a level of the cumulative distribution; an arm of probability zero never is.

    Parameters
    ----------
    probabilities : shape (k,), sums to 1.
    u : uniform in [0, 1).

    Raises
    ------
    PolicyError
        When the probabilities are not one distribution.
    """
    possible = np.flatnonzero(probabilities)
    cumulative = probabilities[possible].cumsum()
    if not (probabilities.ndim == 1 and len(possible) and probabilities.min() >= 0.0 and abs(cumulative[-1] - 1.0) < 1e-9):
        raise PolicyError(f"probabilities {probabilities.tolist()} must be one row, not negative, and sum to 1")
    drawn = cumulative.searchsorted(u * cumulative[-1], side="right")
    return int(possible[min(drawn, len(possible) - 1)])


def rng_for(decision_id: str, seed: int) -> np.random.Generator:
    """The generator of one decision: the same id and seed give the same draw, on every machine and in every process.

    Examples
    --------
    >>> rng_for("d-1", seed=7).random() == rng_for("d-1", seed=7).random()
    True
    """
    digest = sha256(f"{seed}:{decision_id}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest, "big"))
