"""Policies that always choose the same arm: what every learnt policy has to beat."""

from dataclasses import dataclass

import numpy as np

from features.domain import NONE
from features.errors import PolicyError
from training.policy.arbitrate import BoolArray
from training.policy.policy import check_eligible
from training.policy.score import FloatArray


@dataclass(frozen=True, slots=True)
class ConstantPolicy:
    """Chooses `arm` wherever it is eligible, else `none`; never scores, never explores."""

    arm: str
    arms: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.arm not in self.arms or self.arms[0] != NONE:
            raise PolicyError(f"arm {self.arm!r} must be one of {self.arms}, which must start with {NONE!r}")

    @property
    def name(self) -> str:
        """Its name in comparisons."""
        return f"always {self.arm}"

    def as_probabilities(self, features: FloatArray, eligible: BoolArray) -> FloatArray:
        """Shape (n, k): 1 on the arm where eligible, else 1 on `none`, or where that is not either, on what is.

        Examples
        --------
        >>> policy = ConstantPolicy("mail.offer", ("none", "mail.offer"))
        >>> policy.as_probabilities(np.zeros((2, 0)), np.array([[True, True], [True, False]]))
        array([[0., 1.],
               [1., 0.]])
        """
        check_eligible(features, eligible, self.arms)
        probabilities = np.zeros(eligible.shape)
        rows = np.arange(len(eligible))
        own = self.arms.index(self.arm)
        probabilities[rows, np.where(eligible[:, own], own, eligible.argmax(axis=1))] = 1.0
        return probabilities


def constant_policies(arms: tuple[str, ...]) -> tuple[ConstantPolicy, ...]:
    """One constant policy per arm, in order; the first one never contacts anybody."""
    return tuple(ConstantPolicy(arm, arms) for arm in arms)
