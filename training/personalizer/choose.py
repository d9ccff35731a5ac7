"""Chooses an action: the better one is expected to be, the likelier, and every one that is not excluded is possible."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Exploration
from training.personalizer.model import RankModel
from training.personalizer.question import RankQuestion
from training.policy import draw, explore

SHARPNESS = 10.0
"""Of inverse gap weighting per unit of reward, for one event learnt from; it grows with the square root of their number.

The theory wants that growth; ten is what Vowpal Wabbit, which Azure's service ran on, starts from.
"""

EXPLORED_SHARE = 0.05
"""Share of events in which every action is as likely as the others, however bad it looks."""

UNTAUGHT = "untaught"
"""The version of what chooses before anything was learnt: all actions alike."""


@dataclass(frozen=True, slots=True)
class Choice:
    """An action, and how likely each was.

    Attributes
    ----------
    index : of the action.
    probabilities : shape (k,), sums to 1; exactly 0 for what is excluded.
    policy : the version of what chose.
    """

    index: int
    probabilities: NDArray[np.float64]
    policy: str

    @property
    def order(self) -> list[int]:
        """The actions as an answer lists them: the chosen one first, then the likelier; what is excluded keeps its place."""
        free = np.flatnonzero(self.probabilities)
        ranked = sorted(free.tolist(), key=lambda index: (index != self.index, -self.probabilities[index], index))
        order = list(range(len(self.probabilities)))
        for place, index in zip(free.tolist(), ranked, strict=True):
            order[place] = index
        return order


def choose(question: RankQuestion, model: RankModel | None, rng: np.random.Generator) -> Choice:
    """Choose by expected reward, and explore; before anything was learnt all actions are alike.

    Raises
    ------
    PolicyError
        When every action is excluded.
    """
    eligible = question.eligible
    rewards = np.zeros(len(eligible)) if model is None else model.rewards(question)
    events = 1 if model is None else max(model.events, 1)
    exploration = Exploration(
        method="squarecb", sharpness=SHARPNESS * events**0.5, floor=EXPLORED_SHARE / max(int(eligible.sum()), 1)
    )
    probabilities = explore(rewards[None, :], eligible[None, :], exploration)[0]
    return Choice(draw(probabilities, rng), probabilities, UNTAUGHT if model is None else model.version)
