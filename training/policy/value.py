"""Step 2, second half: the money that each arm is expected to bring beyond doing nothing, part by part."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from features.catalogue import Catalogue
from features.errors import PolicyError
from training.policy.score import FloatArray, Scores


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What contacts cost and conversions earn, and how the business weighs them; `none` costs nothing and has no weight.

    Attributes
    ----------
    costs : shape (k,), money per contact.
    incentives : shape (k,), money given with every conversion after a contact.
    discounts : shape (k,), share of the value given with every conversion after a contact.
    levers : shape (k,), the business's weights; 1 is none.
    margin : share of the value that is profit, in (0, 1].
    unsubscribe_cost : money lost with a customer who unsubscribes.
    fatigue_cost : money that a contact costs for each recent contact.
    """

    costs: FloatArray
    incentives: FloatArray
    discounts: FloatArray
    levers: FloatArray
    margin: float
    unsubscribe_cost: float = 0.0
    fatigue_cost: float = 0.0

    @classmethod
    def of(cls, catalogue: Catalogue, arms: Sequence[str] | None = None) -> Self:
        """Those of the catalogue, for its arms or for these; what it does not have costs nothing, and has no weight."""
        objective = catalogue.objective
        touchpoints = [catalogue.touchpoint(arm) for arm in arms or catalogue.arms]
        return cls(
            costs=np.array([0.0 if each is None else each.cost for each in touchpoints]),
            incentives=np.array([0.0 if each is None else each.incentive for each in touchpoints]),
            discounts=np.array([0.0 if each is None else each.discount for each in touchpoints]),
            levers=np.array([1.0 if each is None else catalogue.lever_of(each) for each in touchpoints]),
            margin=objective.margin,
            unsubscribe_cost=objective.unsubscribe_cost,
            fatigue_cost=objective.fatigue_cost,
        )

    def __post_init__(self) -> None:
        k = len(self.costs)
        for name in ("costs", "incentives", "discounts", "levers"):
            found, nothing = getattr(self, name), 1.0 if name == "levers" else 0.0
            if found.shape != (k,) or not np.isfinite(found).all() or found[0] != nothing:
                raise PolicyError(f"{name} {found.tolist()} must be one finite number per arm, that of doing nothing {nothing:g}")


@dataclass(frozen=True, slots=True)
class ValueParts:
    """The expected money of n customers under k arms beyond doing nothing, part by part; all of `none` is 0.

    Attributes
    ----------
    gain : shape (n, k), uplift x value x margin.
    retention : shape (n, k), the fall of P(the customer leaves) x what a customer who stays brings later on; negative where a
        contact drives customers away.
    cost : shape (n, k), of the contact.
    incentive : shape (n, k), what all converters after a contact are given, those included who would have bought anyway.
    fatigue : shape (n, k), expected cost of unsubscribing, and of one more contact after many.
    """

    gain: FloatArray
    retention: FloatArray
    cost: FloatArray
    incentive: FloatArray
    fatigue: FloatArray

    @property
    def net(self) -> FloatArray:
        """Shape (n, k): gain + retention - cost - incentive - fatigue."""
        return self.gain + self.retention - self.cost - self.incentive - self.fatigue


def value_parts(scores: Scores, terms: Terms) -> ValueParts:
    """The money of every arm for every customer.

    Raises
    ------
    PolicyError
        When `scores` are not what `Scores.check` demands.

    Examples
    --------
    >>> scores = Scores.of(np.array([[0.10, 0.30]]), np.array([50.0]))
    >>> terms = Terms(costs=np.array([0.0, 1.5]), incentives=np.array([0.0, 2.0]), discounts=np.zeros(2), levers=np.ones(2),
    ...     margin=0.25)
    >>> parts = value_parts(scores, terms)
    >>> parts.gain.round(2), parts.incentive.round(2), parts.net.round(2)
    (array([[0. , 2.5]]), array([[0. , 0.6]]), array([[0. , 0.4]]))
    """
    scores.check(len(terms.costs))
    contact = np.ones(len(terms.costs))
    contact[0] = 0.0
    given = terms.incentives + terms.discounts * scores.value[:, None]
    tired = terms.unsubscribe_cost * scores.unsubscribe + terms.fatigue_cost * scores.recent_contacts[:, None]
    return ValueParts(
        gain=scores.uplift * (scores.value * terms.margin)[:, None],
        retention=0.0 - scores.churn_change * scores.lifetime[:, None],
        cost=np.zeros_like(scores.propensity) + terms.costs,
        incentive=contact * scores.propensity * given,
        fatigue=contact * tired,
    )


def priorities(net_values: FloatArray, levers: FloatArray) -> FloatArray:
    """What arms are ordered by, shape (n, k): net value, raised by a lever above 1 and lowered by one below, whatever its sign.

    >>> priorities(np.array([[0.0, 2.0, -2.0]]), np.array([1.0, 2.0, 2.0]))
    array([[ 0.,  4., -1.]])
    """
    return np.where(net_values > 0.0, net_values * levers, net_values / levers)
