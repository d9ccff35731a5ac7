"""In a world whose truth is known, intervals hold it as often as they say, and the better estimator errs less."""

from functools import cache

import numpy as np
import pytest

from features.synthetic import PAST_KINDS, logged_decisions, make_world
from training.ope import NORMAL, Bernstein, Bootstrap, Cautious, Log, difference, dm, dr, ips, snips, switch_dr, switch_threshold

LOGS = 300
DECISIONS = 1500
WORLD = make_world(20_000, rng=np.random.default_rng(1))
SEEN = [kind.value for kind in PAST_KINDS]
OPENS, PURCHASES = WORLD.covariates[:, SEEN.index("open")], WORLD.covariates[:, SEEN.index("purchase")]


def softmax(scores):
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def logging_policy():
    """Mails those who open and leaves alone those who buy; every arm has at least 5 %."""
    scores = np.zeros((len(OPENS), 5))
    scores[:, 4], scores[:, 0] = 0.4 * OPENS, 0.4 * PURCHASES
    return 0.05 + 0.75 * softmax(scores)


def target_policy():
    """Mails those who opened twice, writes to buyers, leaves the others alone; one time in ten it does anything."""
    best = np.where(OPENS >= 2, 4, np.where(PURCHASES >= 3, 1, 0))
    return 0.02 + 0.9 * np.eye(5)[best]


LOGGING, TARGET, NOTHING = logging_policy(), target_policy(), np.eye(5)[np.zeros(len(OPENS), dtype=int)]
TRUTH = WORLD.value_of(TARGET)
TRUE_DIFFERENCE = TRUTH - WORLD.value_of(NOTHING)


def reward_model(log):
    """Least squares per arm on the covariates; each half of the customers is predicted from the other half."""
    inputs = np.column_stack([np.ones(len(log.customers)), WORLD.covariates[log.customers]])
    fold = log.customers % 2
    predictions = np.zeros((len(inputs), 5))
    for half in (0, 1):
        for arm in range(5):
            known = (fold != half) & (log.actions == arm)
            fitted = np.linalg.lstsq(inputs[known], log.rewards[known], rcond=None)[0]
            predictions[fold == half, arm] = inputs[fold == half] @ fitted
    return predictions


@cache
def simulated(repeats):
    """Estimates of every kind over many logs, each customer with `repeats` decisions in a log."""
    rng = np.random.default_rng(100 + repeats)
    names = ("ips", "snips", "dm", "dr", "switch_dr", "difference", "two intervals", "bootstrap", "empirical Bernstein")
    found = {name: [] for name in names}
    for number in range(LOGS):
        logged = logged_decisions(WORLD, DECISIONS, LOGGING, rng, repeats=repeats)
        log = Log(rewards=logged.rewards, actions=logged.actions, probabilities=logged.probabilities, clusters=logged.customers)
        target, nothing, model = TARGET[logged.customers], NOTHING[logged.customers], reward_model(logged)
        estimates = [
            ips(log, target),
            snips(log, target),
            dm(log, target, model),
            dr(log, target, model),
            switch_dr(log, target, model),
            difference(log, target, nothing, model),
        ]
        for estimate in estimates:
            found[estimate.name].append(estimate)
        for interval in (Bootstrap(number, samples=150), Bernstein()):
            found[interval.kind].append(dr(log, target, model, interval=interval))
        found["two intervals"].append(estimates[3].standard_error + dr(log, nothing, model).standard_error)
    return found


def coverage(estimates, truth):
    return float(np.mean([estimate.low <= truth <= estimate.high for estimate in estimates]))


def bias_in_errors(estimates, truth):
    values = np.array([estimate.value for estimate in estimates])
    return abs(values.mean() - truth) / (values.std() / np.sqrt(len(values)))


def mean_squared_error(estimates, truth):
    return float(np.mean([(estimate.value - truth) ** 2 for estimate in estimates]))


@pytest.mark.parametrize("repeats", [1, 5])
@pytest.mark.parametrize("name", ["ips", "snips", "switch_dr", "bootstrap"])
def test_95_percent_intervals_hold_the_true_value_in_91_to_98_percent_of_logs(name, repeats):
    assert 0.91 <= coverage(simulated(repeats)[name], TRUTH) <= 0.98


@pytest.mark.parametrize("repeats", [1, 5])
def test_95_percent_intervals_of_dr_hold_the_true_value_in_at_least_93_percent_of_logs(repeats):
    assert 0.93 <= coverage(simulated(repeats)["dr"], TRUTH) <= 0.98


@pytest.mark.parametrize("repeats", [1, 5])
def test_empirical_bernstein_intervals_hold_the_true_value_at_least_as_often_as_they_say(repeats):
    assert coverage(simulated(repeats)["empirical Bernstein"], TRUTH) >= 0.95


@pytest.mark.parametrize("repeats", [1, 5])
def test_95_percent_intervals_of_a_difference_hold_the_true_one_as_often(repeats):
    assert 0.91 <= coverage(simulated(repeats)["difference"], TRUE_DIFFERENCE) <= 0.98


@pytest.mark.parametrize("name", ["ips", "dr"])
def test_ips_and_dr_are_unbiased(name):
    assert bias_in_errors(simulated(1)[name], TRUTH) < 4


@pytest.mark.parametrize("repeats", [1, 5])
@pytest.mark.parametrize("name", ["dr", "switch_dr"])
def test_dr_and_switch_dr_err_no_more_than_ips(name, repeats):
    found = simulated(repeats)
    assert mean_squared_error(found[name], TRUTH) <= mean_squared_error(found["ips"], TRUTH)


def small_and_skewed(interval, *, logs=300, decisions=150):
    """Estimates of the rate of a response that one in twenty gives, from logs in which half of the decisions do not count."""
    rng = np.random.default_rng(3)
    target = np.tile([1.0, 0.0], (decisions, 1))
    for number in range(logs):
        actions = rng.integers(2, size=decisions)
        rewards = (rng.random(decisions) < 0.05).astype(float)
        log = Log(rewards=rewards, actions=actions, probabilities=np.full(decisions, 0.5))
        yield ips(log, target, interval=interval(number))


def test_in_small_skewed_logs_cautious_intervals_hold_the_truth_where_normal_ones_do_not():
    normal, cautious, bernstein = (
        coverage(list(small_and_skewed(interval)), 0.05)
        for interval in (lambda number: NORMAL, Cautious, lambda number: Bernstein(span=2.0))
    )
    assert normal < 0.92
    assert cautious >= 0.95
    assert bernstein >= 0.95


def test_switch_dr_errs_less_than_dr_where_rare_choices_bring_nothing_but_noise():
    rng = np.random.default_rng(4)
    n, truth, table, target = 500, 1.0, np.tile([0.999, 0.001], (500, 1)), np.tile([0.98, 0.02], (500, 1))
    errors = {"dr": [], "switch_dr": []}
    for _ in range(300):
        actions = (rng.random(n) < 0.001).astype(int)
        rewards = truth + np.where(actions == 1, rng.choice([-10.0, 10.0], size=n), 0.0)
        log = Log(rewards=rewards, actions=actions, probabilities=table[np.arange(n), actions], all_probabilities=table)
        model = np.full((n, 2), truth)
        threshold = switch_threshold(log, target, model, reward_span=1.0)
        for found in (dr(log, target, model), switch_dr(log, target, model, threshold=threshold)):
            errors[found.name].append(found)
    assert mean_squared_error(errors["switch_dr"], truth) < 0.5 * mean_squared_error(errors["dr"], truth)


def test_reported_standard_errors_are_the_scatter_over_logs():
    for name in ("ips", "snips", "dr", "difference"):
        estimates = simulated(5)[name]
        scatter = np.std([estimate.value for estimate in estimates])
        assert np.mean([estimate.standard_error for estimate in estimates]) == pytest.approx(scatter, rel=0.12)


def test_the_paired_difference_is_much_tighter_than_two_intervals():
    found = simulated(1)
    errors = np.array([estimate.standard_error for estimate in found["difference"]])
    assert (errors / np.array(found["two intervals"])).mean() < 0.8


def test_dr_stays_right_when_the_model_is_wrong_and_dm_does_not():
    rng = np.random.default_rng(9)
    logged = logged_decisions(WORLD, 100_000, LOGGING, rng)
    log = Log(rewards=logged.rewards, actions=logged.actions, probabilities=logged.probabilities)
    wrong = np.tile([30.0, 0.0, 0.0, 0.0, 0.0], (100_000, 1))
    right, believed = dr(log, TARGET[logged.customers], wrong), dm(log, TARGET[logged.customers], wrong)
    assert abs(right.value - TRUTH) < 4 * right.standard_error
    assert abs(believed.value - TRUTH) > 10 * believed.standard_error


def test_dr_stays_right_when_the_probabilities_are_wrong_and_ips_does_not():
    rng = np.random.default_rng(10)
    logged = logged_decisions(WORLD, 100_000, LOGGING, rng)
    wrong = Log(rewards=logged.rewards, actions=logged.actions, probabilities=np.full(100_000, 0.2))
    model = WORLD.truth.reward[logged.customers]
    right, misled = dr(wrong, TARGET[logged.customers], model), ips(wrong, TARGET[logged.customers])
    assert abs(right.value - TRUTH) < 4 * right.standard_error
    assert abs(misled.value - TRUTH) > 10 * misled.standard_error
