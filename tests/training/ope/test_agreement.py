import numpy as np
import pytest

from training.ope import Log, agreement, dm, dr, ips, snips

N = 4000
RNG = np.random.default_rng(5)
X = RNG.random(N)
LOGGED = np.column_stack([1.0 - 0.2 - 0.6 * X, 0.2 + 0.6 * X])
ACTIONS = (RNG.random(N) < LOGGED[:, 1]).astype(int)
TRUTH = np.column_stack([2.0 * X, 1.0 + 2.0 * X])
REWARDS = TRUTH[np.arange(N), ACTIONS] + RNG.normal(size=N)
TARGET = np.tile([0.3, 0.7], (N, 1))
ROWS = np.arange(N)


def log_with(probabilities):
    return Log(rewards=REWARDS, actions=ACTIONS, probabilities=probabilities)


TRUE_LOG = log_with(LOGGED[ROWS, ACTIONS])
BLIND_LOG = log_with(np.bincount(ACTIONS)[ACTIONS] / N)  # as if nobody had looked at x when choosing


def test_gaps_are_differences_of_the_estimates():
    found = agreement(TRUE_LOG, TARGET, TRUTH)
    robust = dr(TRUE_LOG, TARGET, TRUTH).value
    assert found.ips.value == pytest.approx(robust - ips(TRUE_LOG, TARGET).value)
    assert found.snips.value == pytest.approx(robust - snips(TRUE_LOG, TARGET).value)
    assert found.dm.value == pytest.approx(robust - dm(TRUE_LOG, TARGET, TRUTH).value)


def test_estimators_agree_where_probabilities_and_model_are_right():
    assert agreement(TRUE_LOG, TARGET, TRUTH).doubts == ()


def test_a_wrong_model_is_told_by_the_direct_method_alone():
    found = agreement(TRUE_LOG, TARGET, TRUTH + 0.5)
    assert found.dm.value == pytest.approx(-0.5, abs=0.05)
    (doubt,) = found.doubts
    assert doubt.startswith("DR and DM differ by -0.")
    assert doubt.endswith("the reward model errs here, so its word alone is not to be believed")


def test_wrong_probabilities_are_told_by_those_who_believe_them():
    found = agreement(BLIND_LOG, TARGET, TRUTH).doubts
    assert [doubt.split(" differ")[0] for doubt in found] == ["DR and IPS", "DR and SNIPS"]
    assert "the logged probabilities do not fit what was chosen for whom" in found[1]


def test_a_policy_that_never_chooses_what_is_logged_has_no_snips_to_agree_with():
    found = agreement(TRUE_LOG, np.eye(2)[1 - ACTIONS], TRUTH)
    assert found.snips is None


def test_chance_alone_hardly_ever_raises_a_doubt():
    raised = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        actions = (rng.random(N) < LOGGED[:, 1]).astype(int)
        rewards = TRUTH[ROWS, actions] + rng.normal(size=N)
        log = Log(rewards=rewards, actions=actions, probabilities=LOGGED[ROWS, actions])
        raised += bool(agreement(log, TARGET, TRUTH).doubts)
    assert raised <= 2
