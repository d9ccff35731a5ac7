import numpy as np
import pytest

from features.errors import TouchpointError
from features.synthetic import PAST_KINDS, TYPES, draw_rows, logged_decisions, make_world

BEST_ARM = {"persuadable": "mail.offer", "sure": "email.abandoned_cart", "lost": "none", "annoyed": "none"}


def rng(seed=1):
    return np.random.default_rng(seed)


def test_the_same_seed_makes_the_same_world():
    first, second = make_world(200, rng=rng()), make_world(200, rng=rng())
    np.testing.assert_array_equal(first.truth.reward, second.truth.reward)
    np.testing.assert_array_equal(first.covariates, second.covariates)
    assert first.customers == second.customers
    assert not np.array_equal(first.covariates, make_world(200, rng=rng(2)).covariates)


def test_reward_and_net_value_follow_from_propensity_spend_margin_and_cost():
    truth = make_world(50, rng=rng()).truth
    np.testing.assert_allclose(truth.reward[:, 0], truth.propensity[:, 0] * truth.spends * 0.5)
    np.testing.assert_allclose(truth.reward[:, 4], truth.propensity[:, 4] * truth.spends * 0.5 - 1.0)
    np.testing.assert_allclose(truth.net_value[:, 4], (truth.propensity[:, 4] - truth.propensity[:, 0]) * truth.spends * 0.5 - 1)
    assert (truth.net_value[:, 0] == 0.0).all()


def test_the_types_differ_in_what_is_best_for_them():
    world = make_world(2000, rng=rng())
    best = world.truth.net_value.argmax(axis=1)
    for number, name in enumerate(TYPES):
        arms, counts = np.unique(best[world.truth.types == number], return_counts=True)
        assert world.catalogue.arms[arms[counts.argmax()]] == BEST_ARM[name]


def test_in_a_homogeneous_world_one_arm_is_best_for_all():
    world = make_world(300, rng=rng(), homogeneous=True)
    assert set(world.truth.net_value.argmax(axis=1)) == {world.catalogue.arms.index("mail.offer")}
    assert len(np.unique(world.truth.propensity, axis=0)) == 1


def test_the_covariates_tell_the_types_apart_partly():
    world = make_world(3000, rng=rng())
    complaints = world.covariates[:, [kind.value for kind in PAST_KINDS].index("complaint")]
    annoyed = world.truth.types == TYPES.index("annoyed")
    assert complaints[annoyed].mean() > 3 * complaints[~annoyed].mean()
    assert (complaints[annoyed] == 0).any()


def test_the_value_of_a_policy_is_its_exact_mean_reward():
    world = make_world(40, rng=rng())
    assert world.value_of(np.array([1.0, 0, 0, 0, 0])) == pytest.approx(world.truth.reward[:, 0].mean())
    per_customer = np.eye(5)[np.arange(40) % 5]
    assert world.value_of(per_customer) == pytest.approx(world.truth.reward[np.arange(40), np.arange(40) % 5].mean())


def test_logged_rewards_average_to_the_value_of_the_logging_policy():
    world = make_world(500, rng=rng())
    logging = rng(3).dirichlet(np.ones(5), size=500)
    log = logged_decisions(world, 100_000, logging, rng(4))
    error = log.rewards.std() / np.sqrt(100_000)
    assert abs(log.rewards.mean() - world.value_of(logging)) < 4 * error


def test_logged_decisions_carry_the_probabilities_they_were_drawn_with():
    world = make_world(30, rng=rng())
    logging = rng(3).dirichlet(np.ones(5), size=30)
    log = logged_decisions(world, 600, logging, rng(4), repeats=3)
    np.testing.assert_array_equal(log.all_probabilities, logging[log.customers])
    np.testing.assert_array_equal(log.probabilities, logging[log.customers, log.actions])
    np.testing.assert_array_equal(log.customers[::3], log.customers[2::3])
    costs = np.array([0.0, 0.05, 0.3, 8.0, 1.0])
    np.testing.assert_allclose(log.rewards[~log.converted], -costs[log.actions[~log.converted]])


def test_decisions_that_do_not_divide_among_customers_are_refused():
    with pytest.raises(TouchpointError, match="give a multiple"):
        logged_decisions(make_world(3, rng=rng()), 10, np.full(5, 0.2), rng(), repeats=3)


def test_an_arm_of_probability_zero_is_never_drawn():
    drawn = draw_rows(np.tile([0.0, 0.5, 0.0, 0.5, 0.0], (10_000, 1)), rng())
    assert set(drawn.tolist()) == {1, 3}
