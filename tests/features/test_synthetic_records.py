from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from features.domain import NONE, Kind
from features.synthetic import PAST_KINDS, make_world
from features.synthetic_records import journeys, outcomes_of, records, respond

START = datetime(2024, 1, 1, tzinfo=UTC)
UNIFORM = np.full(5, 0.2)


def rng(seed=1):
    return np.random.default_rng(seed)


def test_journeys_hold_exactly_what_the_covariates_count_and_lie_in_the_past():
    world = make_world(60, rng=rng())
    found = journeys(world, until=START, rng=rng(2))
    counted = Counter((interaction.customer_id, interaction.kind) for interaction in found)
    for row, customer_id in enumerate(world.customers):
        assert [counted[customer_id, kind] for kind in PAST_KINDS] == world.covariates[row].tolist()
    assert all(START - timedelta(days=180) <= interaction.at < START for interaction in found)
    assert all((interaction.value is not None) == (interaction.kind is Kind.PURCHASE) for interaction in found)


def test_customers_buy_with_their_true_propensity_within_the_window():
    world = make_world(1, rng=rng(), homogeneous=True)  # buys with 0.30 when mailed
    generator, bought = rng(3), 0
    for _ in range(4000):
        answers = respond(world, "customer-000000", "mail.offer", START, generator)
        bought += answers[-1].kind is Kind.PURCHASE
        assert all(START <= answer.at < START + timedelta(days=28) for answer in answers)
    assert abs(bought / 4000 - 0.30) < 4 * np.sqrt(0.3 * 0.7 / 4000)


def test_doing_nothing_makes_no_contact_and_no_answer_but_perhaps_a_purchase():
    world = make_world(200, rng=rng())
    generator = rng(3)
    for customer_id in world.customers:
        kinds = [answer.kind for answer in respond(world, customer_id, NONE, START, generator)]
        assert kinds in ([], [Kind.PURCHASE])


def test_everything_that_follows_from_a_decision_carries_its_id_and_outcomes_leave_the_contact_out():
    world = make_world(20, rng=rng(), homogeneous=True)
    answers = [
        answer
        for customer_id in world.customers
        for answer in respond(world, customer_id, "mail.offer", START, rng(3), decision_id=f"d-{customer_id}")
    ]
    assert {answer.decision_id for answer in answers} == {f"d-{customer_id}" for customer_id in world.customers}
    outcomes = outcomes_of(answers)
    assert len(outcomes) == len(answers) - 20
    assert {outcome.message_id for outcome in outcomes} < {answer.message_id for answer in answers}


def test_records_tell_every_wave_with_its_probabilities_and_no_window_overlaps_the_next():
    world = make_world(80, rng=rng())
    history = records(world, start=START, waves=3, logging_probabilities=UNIFORM, rng=rng(5))
    assert len(history.decisions) == 240
    assert {decision.probability for decision in history.decisions} == {0.2}
    assert sorted({decision.at for decision in history.decisions}) == [START + timedelta(days=35 * wave) for wave in range(3)]
    assert len({interaction.message_id for interaction in history.interactions}) == len(history.interactions)
    assert history.interactions == sorted(history.interactions, key=lambda interaction: interaction.at)
    contacts = Counter(interaction.decision_id for interaction in history.interactions if interaction.kind is Kind.CONTACT)
    for decision in history.decisions:
        assert contacts[decision.decision_id] == (decision.touchpoint != NONE)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_seed_writes_the_same_records(seed):
    world = make_world(10, rng=rng())
    first = records(world, start=START, waves=1, logging_probabilities=UNIFORM, rng=rng(seed))
    assert first == records(world, start=START, waves=1, logging_probabilities=UNIFORM, rng=rng(seed))
