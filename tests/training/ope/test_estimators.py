"""Four decisions over two arms, worked by hand: the weights are 1, 2, 2 and 1/2."""

from math import sqrt

import numpy as np
import pytest

from features.errors import TrainingError
from training.ope import Log, difference, dm, dr, ips, snips, snips_difference, switch_dr, switch_threshold

ROWS = {
    "rewards": np.array([1.0, 2.0, 0.0, 3.0]),
    "actions": np.array([0, 1, 1, 0]),
    "probabilities": np.array([0.5, 0.5, 0.25, 0.8]),
}
LOG = Log(**ROWS)
BY_CUSTOMER = Log(**ROWS, clusters=np.array([7, 7, 3, 3]))
TARGET = np.array([[0.5, 0.5], [0.0, 1.0], [0.5, 0.5], [0.4, 0.6]])
OTHER = np.full((4, 2), 0.5)
MODEL = np.array([[1.0, 1.0], [0.0, 2.0], [1.0, 0.0], [2.0, 1.0]])
Z95 = 1.959963984540054


def test_ips_is_the_mean_of_weight_times_reward():
    found = ips(LOG, TARGET)
    # terms 1, 4, 0, 1.5; deviations from 1.625: -0.625, 2.375, -1.625, -0.125, squares sum to 8.6875
    assert found.value == pytest.approx(1.625)
    assert found.standard_error == pytest.approx(sqrt(4 / 3 * 8.6875) / 4)
    assert found.low == pytest.approx(1.625 - Z95 * found.standard_error)
    assert found.high == pytest.approx(1.625 + Z95 * found.standard_error)
    assert (found.n, found.max_weight, found.clipped, found.overlap) == (4, 2.0, 0.0, 1.0)
    assert found.effective_sample_size == pytest.approx(5.5**2 / 9.25)


def test_clipping_lowers_the_weights_and_is_reported():
    found = ips(LOG, TARGET, max_weight=1.5)
    # terms 1, 3, 0, 1.5
    assert (found.value, found.max_weight, found.clipped) == (1.375, 1.5, 0.5)


def test_decisions_of_one_customer_are_summed_before_they_are_squared():
    # customer sums of deviations: 1.75 and -1.75; sqrt(2/1 x 2 x 1.75^2) / 4
    assert ips(BY_CUSTOMER, TARGET).standard_error == pytest.approx(3.5 / 4)
    assert ips(BY_CUSTOMER, TARGET).value == pytest.approx(1.625)


def test_the_level_sets_the_width():
    found = ips(LOG, TARGET, level=0.6826894921370859)  # one standard error each way
    assert found.high - found.value == pytest.approx(found.standard_error)
    with pytest.raises(TrainingError, match="level 95"):
        ips(LOG, TARGET, level=95)


def test_snips_is_the_weighted_mean_with_an_interval_by_the_delta_method():
    found = snips(LOG, TARGET)
    # 6.5 / 5.5 = 13/11; weight x (reward - 13/11) = -2/11, 18/11, -26/11, 10/11; over the mean weight 11/8
    assert found.value == pytest.approx(13 / 11)
    assert found.standard_error == pytest.approx(sqrt(4 / 3 * (4 + 324 + 676 + 100) / 121) * 8 / 11 / 4)


def test_snips_of_a_constant_reward_is_that_reward_without_error():
    constant = Log(**{**ROWS, "rewards": np.full(4, 5.0)})
    assert snips(constant, TARGET).value == pytest.approx(5.0)
    assert snips(constant, TARGET).standard_error == pytest.approx(0.0, abs=1e-12)


def test_snips_without_any_overlap_is_refused():
    with pytest.raises(TrainingError, match="never chooses what was logged"):
        snips(LOG, np.eye(2)[1 - ROWS["actions"]])


def test_dm_believes_the_model():
    assert dm(LOG, TARGET, MODEL).value == pytest.approx((1.0 + 2.0 + 0.5 + 1.4) / 4)


def test_dr_adds_the_weighted_errors_of_the_model():
    # errors 0, 0, 0, 3 - 2; the last weight is 1/2: terms 1, 2, 0.5, 1.9
    found = dr(LOG, TARGET, MODEL)
    assert found.value == pytest.approx(1.35)
    # deviations -0.35, 0.65, -0.85, 0.55, squares 0.1225, 0.4225, 0.7225, 0.3025
    assert found.standard_error == pytest.approx(sqrt(4 / 3 * 1.57) / 4)


def test_dr_with_a_model_of_zeros_is_ips():
    assert dr(LOG, TARGET, np.zeros((4, 2))).value == pytest.approx(1.625)
    assert dr(LOG, TARGET, np.zeros((4, 2))).standard_error == pytest.approx(ips(LOG, TARGET).standard_error)


def test_switch_dr_leaves_uncorrected_what_weighs_more_than_the_threshold():
    worse = MODEL - np.array([0.0, 1.0])  # errors 0, 1, 1, 1 of the chosen arms, weights 1, 2, 2, 1/2
    # expectations 0.5, 1, 0, 0.8; only the last error is corrected, by 1/2
    found = switch_dr(LOG, TARGET, worse, threshold=1.0)
    assert found.value == pytest.approx((0.5 + 1.0 + 0.0 + 1.3) / 4)
    assert (found.max_weight, found.clipped) == (1.0, 0.5)


@pytest.mark.parametrize(("threshold", "same"), [(0.0, dm), (2.0, dr), (np.inf, dr)])
def test_switch_dr_ends_in_dm_and_in_dr(threshold, same):
    assert switch_dr(LOG, TARGET, MODEL, threshold=threshold).value == pytest.approx(same(LOG, TARGET, MODEL).value)


def test_a_threshold_below_zero_is_refused():
    with pytest.raises(TrainingError, match=r"threshold -1\.0 must be 0 or more"):
        switch_dr(LOG, TARGET, MODEL, threshold=-1.0)


def rare_and_noisy():
    """2,000 decisions on a good arm, three on one that the target hardly wants: their weight is 20, their rewards are far off."""
    actions = np.concatenate([np.zeros(2000, dtype=int), np.ones(3, dtype=int)])
    table = np.tile([0.9995, 0.0005], (2003, 1))
    target = np.tile([0.99, 0.01], (2003, 1))
    rewards = np.concatenate([np.tile([0.9, 1.1], 1000), [-50.0, 50.0, 50.0]])
    log = Log(rewards=rewards, actions=actions, probabilities=table[np.arange(2003), actions], all_probabilities=table)
    return log, target, np.tile([1.0, 0.0], (2003, 1))


def test_the_threshold_switches_where_the_variance_saved_is_more_than_the_bias_risked():
    log, target, model = rare_and_noisy()
    # without the three: variance 0.1^2 / 2003 = 5e-6, and a mass of 0.01 above; with them: 3 x (20 x 50)^2 / 2003^2 = 0.75
    assert switch_threshold(log, target, model, reward_span=10.0) < 20.0  # a bias of at most 0.1, squared 0.01
    assert switch_threshold(log, target, model, reward_span=100.0) == np.inf  # of at most 1
    assert switch_threshold(log, target, model) == np.inf  # the rewards' own range is 100
    assert switch_dr(log, target, model).value == pytest.approx(dr(log, target, model).value)


def test_the_mass_above_a_threshold_is_told_by_the_weights_where_only_the_chosen_arm_is_known():
    log, target, model = rare_and_noisy()
    partly = Log(rewards=log.rewards, actions=log.actions, probabilities=log.probabilities)
    # three weights of 20 in 2,003: 0.03 instead of 0.01, so a bias of at most 0.3 for rewards that are 10 apart
    assert switch_threshold(partly, target, model, reward_span=10.0) < 20.0
    assert switch_threshold(partly, target, model, reward_span=40.0) == np.inf


def test_the_difference_of_snips_is_that_of_the_two_values():
    found = snips_difference(LOG, TARGET, OTHER)
    assert found.value == pytest.approx(snips(LOG, TARGET).value - snips(LOG, OTHER).value)
    assert snips_difference(LOG, TARGET, TARGET).standard_error == 0.0
    with pytest.raises(TrainingError, match="never chooses"):
        snips_difference(LOG, TARGET, np.eye(2)[1 - ROWS["actions"]])


def test_the_difference_is_paired():
    # other: expectations 1, 1, 0.5, 1.5 and weights 1, 1, 2, 0.625: terms 1, 1, 0.5, 2.125; differences 0, 1, 0, -0.225
    found = difference(LOG, TARGET, OTHER, MODEL)
    assert found.value == pytest.approx(0.775 / 4)
    deviations = [-0.19375, 0.80625, -0.19375, -0.41875]
    assert found.standard_error == pytest.approx(sqrt(4 / 3 * sum(d * d for d in deviations)) / 4)
    assert found.effective_sample_size == pytest.approx(min(5.5**2 / 9.25, 4.625**2 / 6.390625))


def test_a_policy_does_not_differ_from_itself_at_all():
    found = difference(BY_CUSTOMER, TARGET, TARGET, MODEL)
    assert (found.value, found.standard_error, found.low, found.high) == (0.0, 0.0, 0.0, 0.0)


def test_a_log_of_one_customer_has_no_interval():
    with pytest.raises(TrainingError, match="at least 2 customers"):
        ips(Log(**ROWS, clusters=np.zeros(4, dtype=int)), TARGET)
