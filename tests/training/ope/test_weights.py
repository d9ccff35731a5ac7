import numpy as np
import pytest

from training.ope import Log
from training.ope.weights import weigh

REWARDS, ACTIONS, PROBABILITIES = np.zeros(4), np.array([0, 1, 1, 0]), np.array([0.5, 0.5, 0.25, 0.8])
TARGET = np.array([[0.5, 0.5], [0.0, 1.0], [0.5, 0.5], [0.4, 0.6]])
LOG = Log(rewards=REWARDS, actions=ACTIONS, probabilities=PROBABILITIES)


def test_a_weight_is_the_target_probability_over_the_logged_one():
    found = weigh(LOG, TARGET)
    np.testing.assert_allclose(found.values, [1.0, 2.0, 2.0, 0.5])
    assert found.effective_sample_size == pytest.approx(5.5**2 / 9.25)
    assert (found.clipped, found.overlap) == (0.0, 1.0)


def test_clipping_is_done_and_told():
    found = weigh(LOG, TARGET, max_weight=1.5)
    np.testing.assert_allclose(found.values, [1.0, 1.5, 1.5, 0.5])
    assert found.clipped == 0.5


def test_overlap_is_the_targets_mass_on_arms_that_occur_in_the_log():
    only_first = Log(rewards=REWARDS, actions=np.zeros(4, dtype=int), probabilities=PROBABILITIES)
    assert weigh(only_first, TARGET).overlap == pytest.approx((0.5 + 0.0 + 0.5 + 0.4) / 4)


def test_overlap_goes_row_by_row_where_all_logged_probabilities_are_known():
    table = np.array([[0.5, 0.5], [0.5, 0.5], [0.75, 0.25], [0.8, 0.2]])
    table[1] = [0.0, 1.0]
    log = Log(rewards=REWARDS, actions=ACTIONS, probabilities=np.array([0.5, 1.0, 0.25, 0.8]), all_probabilities=table)
    assert weigh(log, TARGET).overlap == 1.0
    assert weigh(log, TARGET[:, ::-1]).overlap == pytest.approx(0.75)  # row 1 wants arm 0, which had no chance there


def test_a_target_that_never_agrees_with_the_log_leaves_nothing():
    found = weigh(LOG, np.eye(2)[1 - ACTIONS])
    assert found.effective_sample_size == 0.0
