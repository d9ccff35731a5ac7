import numpy as np
import pytest

from features.catalogue import Exploration
from training.monitor.alarm import Level
from training.monitor.exploration import exploration_alarms, fallback_alarms
from training.monitor.recorded import Candidates
from training.policy import explore


def considered(probabilities, eligible=None):
    n, k = probabilities.shape
    return Candidates(
        decision=np.repeat(np.arange(n), k),
        eligible=np.ones(n * k, dtype=bool) if eligible is None else eligible.ravel(),
        probability=probabilities.ravel(),
    )


def alarms(probabilities, *, floor=0.02, eligible=None):
    return {alarm.name: alarm for alarm in exploration_alarms(considered(probabilities, eligible), floor=floor)}


@pytest.mark.parametrize("method", ["squarecb", "softmax", "epsilon_greedy"])
@pytest.mark.parametrize("arms", [2, 5])
def test_a_policy_that_keeps_its_floor_raises_no_alarm(method, arms):
    values = np.random.default_rng(1).normal(size=(500, arms))
    exploration = Exploration(method=method, sharpness=50.0)
    assert not alarms(explore(values, np.ones(values.shape, dtype=bool), exploration))


def test_a_policy_that_is_sure_of_itself_raises_the_alarm():
    found = alarms(np.tile([0.995, 0.003, 0.002], (100, 1)), floor=0.0)
    assert found["exploration_collapse"].figure == 1.0 and found["exploration_collapse"].level is Level.CRITICAL
    # by hand: exp(0.995 x 0.005013 + 0.003 x 5.809 + 0.002 x 6.215) = exp(0.03484)
    assert found["effective_choices"].figure == pytest.approx(1.0355, abs=1e-3)
    assert "lower exploration.sharpness" in found["exploration_collapse"].sentence


def test_a_probability_below_the_floor_raises_the_alarm():
    probabilities = np.tile([0.5, 0.5], (100, 1))
    probabilities[7] = [0.99, 0.01]
    assert alarms(probabilities)["least_probability"].figure == pytest.approx(0.5)
    assert not alarms(np.tile([0.5, 0.5], (100, 1)), floor=0.5)


def test_where_rules_leave_no_choice_there_is_nothing_to_explore():
    alone = np.tile([1.0, 0.0], (100, 1))
    assert not alarms(alone, eligible=alone > 0)


def test_many_decisions_without_a_policy_raise_the_alarm_and_new_visitors_do_not():
    assert not list(fallback_alarms({None: 100, "unknown_customer": 900}))
    (few,) = fallback_alarms({None: 70, "stale_features": 30})
    (many,) = fallback_alarms({None: 10, "no_policy": 60, "stale_features": 30})
    assert (few.level, many.level) == (Level.WARNING, Level.CRITICAL)
    assert few.figure == 0.3 and "no_policy" in many.words
    assert not list(fallback_alarms({"no_policy": 3}))
