"""A small world with known truth: customers of four types, their past, and what every touchpoint changes.

The types are those of uplift modelling. The persuadable buy more when contacted, the sure buy anyway, the lost buy next to
nothing whatever is done, the annoyed buy less when contacted. The type is hidden; the covariates, and the journeys they
count, reveal it partly. Purchases in a decision's outcome window happen exactly with the propensities of `World.truth`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.catalogue import Catalogue, parse_catalogue
from features.domain import Kind
from features.errors import TrainingError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

TYPES = ("persuadable", "sure", "lost", "annoyed")
SHARES = (0.35, 0.20, 0.30, 0.15)
PROPENSITIES = np.array(  # one row per type; columns: none, email, social, call, mail, as in the catalogue below
    [
        [0.10, 0.24, 0.16, 0.45, 0.30],
        [0.50, 0.51, 0.50, 0.54, 0.52],
        [0.02, 0.02, 0.02, 0.04, 0.03],
        [0.30, 0.15, 0.24, 0.05, 0.20],
    ]
)
SPENDS = np.array([60.0, 80.0, 40.0, 70.0])
SPREAD_OF_SPEND = 0.25
PAST_KINDS = (Kind.VIEW, Kind.CART, Kind.PURCHASE, Kind.CONTACT, Kind.OPEN, Kind.COMPLAINT)
PAST_COUNTS = np.array(  # mean number in the half year before the first decision; columns as PAST_KINDS
    [
        [6.0, 3.0, 0.6, 4.0, 2.5, 0.1],
        [5.0, 3.0, 3.2, 4.0, 1.5, 0.1],
        [1.0, 0.2, 0.1, 4.0, 0.3, 0.1],
        [4.0, 1.5, 1.9, 4.0, 0.2, 1.0],
    ]
)


@dataclass(frozen=True, slots=True)
class Truth:
    """What is really so of n customers and k arms, and no model sees.

    Attributes
    ----------
    types : shape (n,), index into `TYPES`.
    spends : shape (n,), mean money of a purchase.
    propensity : shape (n, k), P(the customer buys within the outcome window | arm).
    reward : shape (n, k), expected profit of a decision: propensity x spend x margin - cost.
    net_value : shape (n, k), `reward` beyond that of doing nothing.
    """

    types: IntArray
    spends: FloatArray
    propensity: FloatArray
    reward: FloatArray

    @property
    def net_value(self) -> FloatArray:
        """Shape (n, k): expected profit beyond doing nothing; column 0 is zero."""
        return self.reward - self.reward[:, :1]


@dataclass(frozen=True, slots=True)
class World:
    """Customers, what can be seen of them, and the truth.

    Attributes
    ----------
    index : customer_id to row.
    covariates : shape (n, 6), how often each of `PAST_KINDS` happened in the customer's past.
    """

    catalogue: Catalogue
    index: Mapping[str, int]
    covariates: FloatArray
    truth: Truth

    @property
    def customers(self) -> tuple[str, ...]:
        """The customers' ids, in row order."""
        return tuple(self.index)

    def value_of(self, probabilities: FloatArray) -> float:
        """The exact expected profit per decision of a policy: shape (k,), or (n, k) with one row per customer."""
        return float((self.truth.reward * probabilities).sum(axis=1).mean())


@dataclass(frozen=True, slots=True)
class LoggedDecisions:
    """m decisions as arrays, as off-policy evaluation takes them.

    Attributes
    ----------
    customers : shape (m,), row of the customer.
    actions : shape (m,), index of the arm.
    probabilities : shape (m,), P(the logging policy chose that arm).
    all_probabilities : shape (m, k), P(the logging policy chooses the arm).
    converted : shape (m,), whether the customer bought.
    rewards : shape (m,), profit: value x margin - cost.
    """

    customers: IntArray
    actions: IntArray
    probabilities: FloatArray
    all_probabilities: FloatArray
    converted: NDArray[np.bool_]
    rewards: FloatArray


def make_world(customers: int, *, rng: np.random.Generator, homogeneous: bool = False) -> World:
    """Make a world of so many customers; in a homogeneous one all are alike, so that one constant policy is best.

    Examples
    --------
    In the homogeneous world 30 % buy for 60 when mailed an offer, half of which is profit, and the mail costs 1.

    >>> world = make_world(100, rng=np.random.default_rng(1), homogeneous=True)
    >>> world.catalogue.arms
    ('none', 'email.abandoned_cart', 'social.retargeting', 'call.adviser', 'mail.offer')
    >>> round(world.value_of(np.array([0.0, 0.0, 0.0, 0.0, 1.0])), 6)
    8.0
    """
    catalogue = synthetic_catalogue()
    types = rng.choice(len(TYPES), size=customers, p=SHARES) if not homogeneous else np.zeros(customers, dtype=np.int64)
    spread = 0.0 if homogeneous else SPREAD_OF_SPEND
    spends = SPENDS[types] * rng.lognormal(-(spread**2) / 2, spread, size=customers)
    propensity = PROPENSITIES[types]
    reward = propensity * (spends * catalogue.objective.margin)[:, None] - costs_of(catalogue)
    index = {f"customer-{row:06d}": row for row in range(customers)}
    covariates = rng.poisson(PAST_COUNTS[types]).astype(np.float64)
    return World(catalogue, index, covariates, Truth(types, spends, propensity, reward))


def synthetic_catalogue() -> Catalogue:
    """The catalogue of every synthetic world."""
    return parse_catalogue(
        {
            "objective": {"window_days": 28, "margin": 0.5},
            "touchpoints": [
                {"name": "web.product_page", "stage": "consideration"},
                {"name": "web.cart", "stage": "purchase"},
                {"name": "store.checkout", "stage": "purchase"},
                {"name": "ticket.complaint", "stage": "retention", "message_class": "service"},
                _startable("email.abandoned_cart", "purchase", cost=0.05, prior_uplift=0.02),
                _startable("social.retargeting", "consideration", cost=0.3, prior_uplift=0.02),
                _startable("call.adviser", "consideration", cost=8.0, prior_uplift=0.1),
                _startable("mail.offer", "retention", cost=1.0, prior_uplift=0.05),
            ],
            "caps": [{"limit": 1, "days": 28, "channel": "call"}, {"limit": 4, "days": 28}],
        },
        name="synthetic world",
    )


def _startable(name: str, stage: str, *, cost: float, prior_uplift: float) -> dict[str, object]:
    return {"name": name, "stage": stage, "recommendable": True, "cost": cost, "prior_uplift": prior_uplift}


def costs_of(catalogue: Catalogue) -> FloatArray:
    """Shape (k,): the arms' costs."""
    return np.array([0.0, *(touchpoint.cost for touchpoint in catalogue.recommendable)])


def logged_decisions(
    world: World, n: int, logging_probabilities: FloatArray, rng: np.random.Generator, *, repeats: int = 1
) -> LoggedDecisions:
    """Draw customers at random, let the logging policy decide `repeats` times for each, and see what happens.

    Parameters
    ----------
    n : number of decisions, a multiple of `repeats`.
    logging_probabilities : shape (k,), or (customers, k) with one row per customer of the world.

    Examples
    --------
    >>> world = make_world(50, rng=np.random.default_rng(1))
    >>> log = logged_decisions(world, 10, np.full(5, 0.2), np.random.default_rng(2))
    >>> log.actions.shape, log.all_probabilities.shape, set(log.probabilities.tolist())
    ((10,), (10, 5), {0.2})
    """
    if n % repeats:
        raise TrainingError(f"{n} decisions cannot be {repeats} for each customer; give a multiple")
    customers = np.repeat(rng.integers(len(world.index), size=n // repeats), repeats)
    table = np.broadcast_to(logging_probabilities, world.truth.propensity.shape)[customers]
    actions = draw_rows(table, rng)
    converted = rng.random(n) < world.truth.propensity[customers, actions]
    values = np.where(converted, purchase_values(world.truth.spends[customers], rng), 0.0)
    rewards = values * world.catalogue.objective.margin - costs_of(world.catalogue)[actions]
    return LoggedDecisions(customers, actions, table[np.arange(n), actions], table, converted, rewards)


def draw_rows(probabilities: FloatArray, rng: np.random.Generator) -> IntArray:
    """Draw one arm per row; one of probability zero is never drawn."""
    cumulative = probabilities.cumsum(axis=1)
    levels = rng.random(len(probabilities))[:, None] * cumulative[:, -1:]
    drawn: IntArray = (cumulative <= levels).sum(axis=1)
    return drawn


def purchase_values(spends: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The money of one purchase each, scattered around the customers' means."""
    return rng.gamma(4.0, spends / 4.0)
