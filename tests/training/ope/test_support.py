import numpy as np
import pytest

from features.errors import TrainingError
from training.ope import Log, SupportLimits, support

N = 400
EVEN = np.full((N, 2), 0.5)
ACTIONS = np.arange(N) % 2
LOG = Log(rewards=np.zeros(N), actions=ACTIONS, probabilities=np.full(N, 0.5))


def test_a_log_covers_the_policy_that_wrote_it():
    found = support(LOG, EVEN)
    assert not found.thin
    assert (found.effective_sample_size, found.mean_weight, found.max_weight, found.overlap) == (400.0, 1.0, 1.0, 1.0)


def test_an_arm_that_was_never_chosen_is_told():
    log = Log(rewards=np.zeros(N), actions=np.zeros(N, dtype=int), probabilities=np.full(N, 1.0))
    found = support(log, np.tile([0.75, 0.25], (N, 1)))
    assert found.reasons == ("only 75.0% of what the policy would choose could be in the log, less than 95%",)


def test_few_decisions_that_carry_all_the_weight_are_told():
    target = np.eye(2)[np.where(np.arange(N) < 50, ACTIONS, 1 - ACTIONS)]  # agrees with the log in 50 rows
    found = support(LOG, target)
    assert found.effective_sample_size == 50.0
    assert (found.median_weight, found.max_weight) == (0.0, 2.0)
    assert found.reasons[0] == "the 400 decisions tell as much as 50.0 equally weighted ones, fewer than 100"
    assert not support(LOG, target, limits=SupportLimits(effective_sample_size=50.0, weight_error=1.0)).thin


def test_mass_on_rarely_logged_arms_is_told_exactly_where_all_probabilities_are_known():
    table = np.tile([0.999, 0.001], (N, 1))
    log = Log(rewards=np.zeros(N), actions=np.zeros(N, dtype=int), probabilities=table[:, 0], all_probabilities=table)
    found = support(log, np.tile([0.7, 0.3], (N, 1)))
    assert found.rare_share == pytest.approx(0.3)
    assert found.reasons == ("30.0% of what the policy would choose was logged with a probability below 0.005, more than 10%",)


def test_mass_on_rarely_logged_arms_is_estimated_by_the_weights_otherwise():
    # one decision in 400 fell on the arm of probability 0.0025; the policy wants it in a fifth of all: weight 80, 80/400 = 0.2
    actions = (np.arange(N) == 7).astype(int)
    log = Log(rewards=np.zeros(N), actions=actions, probabilities=np.where(actions, 0.0025, 0.9975))
    assert support(log, np.tile([0.8, 0.2], (N, 1))).rare_share == pytest.approx(0.2)


def test_a_limit_that_is_no_probability_is_refused():
    with pytest.raises(TrainingError, match="must be in"):
        support(LOG, EVEN, limits=SupportLimits(probability=2.0))


def test_probabilities_that_cannot_be_true_are_told_by_the_mean_weight() -> None:
    claimed = np.full((N, 2), 0.2)  # both arms are said to have had a fifth, and each was chosen half of the time
    log = Log(rewards=np.zeros(N), actions=ACTIONS, probabilities=claimed[:, 0])
    found = support(log, EVEN)
    assert found.mean_weight == pytest.approx(2.5)
    assert found.reasons == (
        "the weights average 2.50 where true probabilities give 1.00: "
        "the log's probabilities are wrong, or its candidates are not all that could have been chosen",
    )


def test_a_heavy_tail_of_the_weights_is_told() -> None:
    levels = (np.arange(N) + 0.5) / N
    weights = (1.0 - levels) ** -0.9  # a Pareto tail of shape 0.9
    log = Log(rewards=np.zeros(N), actions=np.zeros(N, dtype=int), probabilities=0.9 / weights)
    found = support(
        log,
        np.tile([0.9, 0.1], (N, 1)),
        limits=SupportLimits(effective_sample_size=1.0, overlap=0.0, weight_error=99.0, rare_share=1.0),
    )
    assert found.tail_shape == pytest.approx(0.9, abs=0.15)
    # the largest four: 400^0.9 x (0.5^-0.9 + 1.5^-0.9 + 2.5^-0.9 + 3.5^-0.9) = 400^0.9 x 3.32, of 400^0.9 x 10.07
    assert found.tail_share == pytest.approx(0.33, abs=0.005)
    assert [reason.split(" (")[0] for reason in found.reasons] == [
        "the largest 1% of the weights hold 33% of their sum and fall off slowly"
    ]


def test_the_share_of_the_largest_weights_is_told() -> None:
    assert support(LOG, EVEN).tail_share == pytest.approx(0.01)  # four of 400 equal ones
    assert support(LOG, EVEN).tail_shape is None


def test_a_slow_tail_that_holds_little_is_not_heavy() -> None:
    levels = (np.arange(N) + 0.5) / N
    weights = 5.0 + (1.0 - levels) ** -0.9  # the same tail upon so much else that its largest 1 % are a small share
    log = Log(rewards=np.zeros(N), actions=np.zeros(N, dtype=int), probabilities=0.9 / weights)
    found = support(
        log, np.tile([0.9, 0.1], (N, 1)), limits=SupportLimits(effective_sample_size=1.0, rare_share=1.0, weight_error=99.0)
    )
    assert found.tail_shape is not None and found.tail_shape > 0.7
    assert not any("fall off" in reason for reason in found.reasons)


def test_effective_customers_are_those_whose_weights_would_be_equal() -> None:
    two = Log(rewards=np.zeros(4), actions=np.array([0, 0, 0, 1]), probabilities=np.full(4, 0.5), clusters=np.array([8, 8, 8, 3]))
    # weights 1.5, 1.5, 1.5 and 0.5 are 4.5 and 0.5 of two customers: 5^2 / (20.25 + 0.25)
    assert support(two, np.tile([0.75, 0.25], (4, 1))).effective_customers == pytest.approx(25 / 20.5)
    assert support(LOG, EVEN).effective_customers == 400.0
