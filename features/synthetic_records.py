"""The synthetic world as records: journeys before the first decision, answers to decisions, and whole logged histories."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from features.domain import NONE, ImportedDecision, Interaction, Kind, Outcome
from features.synthetic import PAST_KINDS, FloatArray, World, draw_rows, purchase_values

PAST_DAYS = 180.0
WAVE_GAP_DAYS = 7.0
OPEN_RATES = (0.6, 0.4, 0.08, 0.05)
COMPLAINT_RATES = (0.01, 0.01, 0.01, 0.2)
PLACES = {
    Kind.VIEW: "web.product_page",
    Kind.CART: "web.cart",
    Kind.PURCHASE: "store.checkout",
    Kind.CONTACT: "email.abandoned_cart",
    Kind.OPEN: "email.abandoned_cart",
    Kind.COMPLAINT: "ticket.complaint",
}


@dataclass(frozen=True, slots=True)
class Records:
    """A history as a source would export it, each list in order of time.

    Attributes
    ----------
    outcomes : the answers among `interactions`, told once more with their decision's id and under the same message_id.
    """

    interactions: list[Interaction]
    decisions: list[ImportedDecision]
    outcomes: list[Outcome]


def journeys(world: World, *, until: datetime, rng: np.random.Generator) -> list[Interaction]:
    """Everybody's past before `until`: what `World.covariates` count, in order of time."""
    interactions = []
    for row, customer_id in enumerate(world.customers):
        kinds = [kind for kind, count in zip(PAST_KINDS, world.covariates[row], strict=True) for _ in range(int(count))]
        ages = rng.uniform(0.01, PAST_DAYS, size=len(kinds))
        for number, (kind, age) in enumerate(zip(kinds, ages, strict=True)):
            at = until - timedelta(days=float(age))
            value = _spent(world, row, rng) if kind is Kind.PURCHASE else None
            interactions.append(_interaction(f"{customer_id}:past-{number}", customer_id, PLACES[kind], kind, at, value=value))
    return sorted(interactions, key=lambda interaction: interaction.at)


def respond(
    world: World,
    customer_id: str,
    touchpoint: str,
    at: datetime,
    rng: np.random.Generator,
    *,
    decision_id: str | None = None,
) -> list[Interaction]:
    """What follows from one decision: the contact itself, unless it is `none`, and the customer's answers, by the true rates.

    A purchase falls into the outcome window; it happens with the customer's true propensity under that touchpoint.

    Examples
    --------
    >>> from datetime import UTC
    >>> from features.synthetic import make_world
    >>> world = make_world(10, rng=np.random.default_rng(1))
    >>> answers = respond(world, "customer-000003", "mail.offer", datetime(2024, 5, 1, tzinfo=UTC), np.random.default_rng(2))
    >>> answers[0].kind.value, answers[0].touchpoint
    ('contact', 'mail.offer')
    """
    row = world.index[customer_id]
    kind_of_customer = world.truth.types[row]
    opens, complains, buys, delay = rng.random(4)
    happened = []
    if touchpoint != NONE:
        happened.append((Kind.CONTACT, touchpoint, 0.0))
        if opens < OPEN_RATES[kind_of_customer]:
            happened.append((Kind.OPEN, touchpoint, 0.02))
        if complains < COMPLAINT_RATES[kind_of_customer]:
            happened.append((Kind.COMPLAINT, PLACES[Kind.COMPLAINT], 0.03))
    if buys < world.truth.propensity[row, world.catalogue.arms.index(touchpoint)]:
        happened.append((Kind.PURCHASE, PLACES[Kind.PURCHASE], 0.05 + 0.9 * delay))
    name = decision_id or f"{customer_id}:{at:%Y%m%dT%H%M%S}"
    window = timedelta(days=world.catalogue.objective.window_days)
    return [
        _interaction(
            f"{name}:{kind}",
            customer_id,
            place,
            kind,
            at + share * window,
            value=_spent(world, row, rng) if kind is Kind.PURCHASE else None,
            decision_id=decision_id,
        )
        for kind, place, share in happened
    ]


def outcomes_of(interactions: Iterable[Interaction]) -> list[Outcome]:
    """The answers to decisions among the interactions, as outcomes."""
    return [
        Outcome(
            message_id=interaction.message_id,
            decision_id=interaction.decision_id,
            kind=interaction.kind,
            at=interaction.at,
            received_at=interaction.received_at,
            source=interaction.source,
            value=interaction.value,
        )
        for interaction in interactions
        if interaction.decision_id is not None and interaction.kind is not Kind.CONTACT
    ]


def records(world: World, *, start: datetime, waves: int, logging_probabilities: FloatArray, rng: np.random.Generator) -> Records:
    """The past before `start`, then waves of decisions for everybody, each after the last one's outcome window has closed.

    Parameters
    ----------
    logging_probabilities : shape (k,), or (customers, k); the decisions carry them.
    """
    table = np.broadcast_to(logging_probabilities, world.truth.propensity.shape)
    interactions, decisions = journeys(world, until=start, rng=rng), []
    gap = timedelta(days=world.catalogue.objective.window_days + WAVE_GAP_DAYS)
    for wave in range(waves):
        at = start + wave * gap
        decided = _wave(world, f"wave-{wave}", at, table, rng)
        decisions += decided
        for decision in decided:
            interactions += respond(world, decision.customer_id, decision.touchpoint, at, rng, decision_id=decision.decision_id)
    interactions.sort(key=lambda interaction: interaction.at)
    return Records(interactions, decisions, outcomes_of(interactions))


def _wave(world: World, name: str, at: datetime, table: FloatArray, rng: np.random.Generator) -> list[ImportedDecision]:
    arms = world.catalogue.arms
    return [
        ImportedDecision(
            decision_id=f"{customer_id}:{name}",
            customer_id=customer_id,
            touchpoint=arms[action],
            at=at,
            source="synthetic",
            wave=name,
            candidates=arms,
            probability=float(table[row, action]),
        )
        for row, (customer_id, action) in enumerate(zip(world.customers, draw_rows(table, rng), strict=True))
    ]


def _spent(world: World, row: int, rng: np.random.Generator) -> float:
    return round(float(purchase_values(world.truth.spends[row : row + 1], rng)[0]), 2)


def _interaction(
    message_id: str,
    customer_id: str,
    touchpoint: str,
    kind: Kind,
    at: datetime,
    *,
    value: float | None = None,
    decision_id: str | None = None,
) -> Interaction:
    return Interaction(
        message_id=message_id,
        customer_id=customer_id,
        touchpoint=touchpoint,
        kind=kind,
        at=at,
        received_at=at,
        source="synthetic",
        value=value,
        decision_id=decision_id,
    )
