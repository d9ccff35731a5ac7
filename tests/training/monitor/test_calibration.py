import numpy as np
import pytest

from training.experiment.decided import Decisions
from training.monitor.calibration import calibration_alarms, conversion_alarms


def decisions(propensity, converted, customers=None):
    n = len(propensity)
    outcomes = np.zeros((n, 4))
    outcomes[:, 1] = converted
    return Decisions(
        customer_id=np.array([f"c{number}" for number in (range(n) if customers is None else customers)], dtype=object),
        at=np.arange(n, dtype=np.int64),
        arm=np.full(n, "treatment", dtype=object),
        policy=np.full(n, "1", dtype=object),
        fallback=np.full(n, None, dtype=object),
        propensity=propensity,
        outcomes=outcomes,
    )


def simulated(rng, n=3000, *, off=1.0, each=1):
    """Customers with a decision each, or several that end alike; conversions `off` times as likely as expected."""
    propensity = rng.beta(1.0, 9.0, n)
    converted = rng.random(n) < np.clip(propensity * off, 0.0, 1.0)
    return decisions(np.repeat(propensity, each), np.repeat(converted, each), np.repeat(np.arange(n), each))


@pytest.mark.parametrize("each", [1, 5])
def test_a_calibrated_policy_in_a_steady_world_raises_an_alarm_in_at_most_one_window_of_a_hundred(each):
    rng, windows, found = np.random.default_rng(each), 250, 0
    for _ in range(windows):
        recent = simulated(rng, 600, each=each)
        found += bool([*calibration_alarms(recent), *conversion_alarms(recent, simulated(rng, 1200, each=each))])
    assert found <= 0.01 * windows + 1


def test_propensities_that_are_twice_too_high_are_found():
    (alarm,) = calibration_alarms(simulated(np.random.default_rng(3), off=0.5))
    assert alarm.figure > alarm.threshold and "train again" in alarm.sentence


def test_a_conversion_rate_that_fell_by_half_is_found():
    rng = np.random.default_rng(4)
    (alarm,) = conversion_alarms(simulated(rng, off=0.5), simulated(rng))
    assert alarm.name == "conversion_drift" and "went from 0.1" in alarm.words


def test_few_customers_say_nothing():
    rng = np.random.default_rng(5)
    few = simulated(rng, 50, off=5.0)
    assert not [*calibration_alarms(few), *conversion_alarms(few, simulated(rng))]
