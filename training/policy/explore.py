"""Step 4: exact probabilities over the eligible arms, rarer the more money an arm is expected to forgo, and the draw."""

from hashlib import sha256

import numpy as np

from features.errors import PolicyError
from training.policy.arbitrate import BoolArray, check_choices
from training.policy.score import FloatArray


def inverse_gap_probabilities(net_values: FloatArray, eligible: BoolArray, *, sharpness: float, floor: float) -> FloatArray:
    """Probabilities by inverse gap weighting, mixed with a floor.

    Among K eligible arms, one that is `gap` worse than the best gets 1 / (K + sharpness x gap); the best gets the rest.
    Then every eligible arm gets `floor`, and the remaining 1 - K x floor is shared out as before.

    Parameters
    ----------
    net_values : shape (n, k), money.
    eligible : shape (n, k); every row has at least one.
    sharpness : per unit of money; 0 is uniform.
    floor : least probability of an eligible arm; uniform where K x floor is 1 or more.

    Returns
    -------
    Shape (n, k), rows sum to 1, exactly 0 where not eligible.

    Raises
    ------
    PolicyError
        When shapes differ, a net value is not finite, a row has nothing eligible, or a parameter is negative.

    References
    ----------
    Dylan J. Foster and Alexander Rakhlin, "Beyond UCB: Optimal and Efficient Contextual Bandits with Regression Oracles", 2020.

    Examples
    --------
    >>> inverse_gap_probabilities(np.array([[0.0, 2.0]]), np.array([[True, True]]), sharpness=1.0, floor=0.1).round(3)
    array([[0.3, 0.7]])
    """
    check_choices(net_values, eligible)
    if not (sharpness >= 0.0 and floor >= 0.0):
        raise PolicyError(f"sharpness {sharpness} and floor {floor} must be 0 or more")
    rows = np.arange(len(net_values))
    comparable = np.where(eligible, net_values, -np.inf)
    best = comparable.argmax(axis=1)  # the first of equals, as arbitrate has it
    gaps = np.where(eligible, comparable[rows, best][:, None] - net_values, 0.0)
    count = eligible.sum(axis=1, keepdims=True)
    probabilities = np.where(eligible, 1.0 / (count + sharpness * gaps), 0.0)
    probabilities[rows, best] = 0.0
    probabilities[rows, best] = 1.0 - probabilities.sum(axis=1)
    share = np.minimum(floor, 1.0 / count)
    return np.where(eligible, share + (1.0 - count * share) * probabilities, 0.0)


def draw(probabilities: FloatArray, rng: np.random.Generator) -> int:
    """Draw one arm by the inverse of the cumulative distribution; an arm of probability zero is never drawn.

    Parameters
    ----------
    probabilities : shape (k,), sums to 1.

    Raises
    ------
    PolicyError
        When the probabilities are not one distribution.
    """
    possible = np.flatnonzero(probabilities)
    cumulative = probabilities[possible].cumsum()
    if not (probabilities.ndim == 1 and len(possible) and probabilities.min() >= 0.0 and abs(cumulative[-1] - 1.0) < 1e-9):
        raise PolicyError(f"probabilities {probabilities.tolist()} must be one row, not negative, and sum to 1")
    drawn = cumulative.searchsorted(rng.random() * cumulative[-1], side="right")
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
