import numpy as np
import pytest

from training.monitor.alarm import Level
from training.monitor.drift import binned, drift_alarms


def window(rng, customers, features=50):
    """Numbers of all kinds, every fifth feature a category, some unknown."""
    columns = {}
    for index in range(features):
        if index % 5 == 0:
            columns[f"f{index}"] = list(rng.choice(["a", "b", "c", None], customers, p=[0.6, 0.25, 0.05, 0.1]))
        elif index % 5 == 1:
            columns[f"f{index}"] = [float(value) for value in rng.poisson(0.3, customers)]
        else:
            columns[f"f{index}"] = [float(value) for value in rng.lognormal(size=customers)]
    return columns


def alarms(recent, before):
    return list(drift_alarms("feature_drift", recent, before, words="look"))


@pytest.mark.parametrize(("customers", "windows"), [(60, 100), (400, 100), (2000, 20)])
def test_fifty_features_that_did_not_change_raise_an_alarm_in_at_most_one_window_of_a_hundred(customers, windows):
    rng = np.random.default_rng(customers)
    before = window(rng, customers)
    assert sum(bool(alarms(window(rng, customers), before)) for _ in range(windows)) <= 0.01 * windows + 1


def test_one_of_fifty_features_that_shifted_is_found_within_one_window_and_no_other():
    rng = np.random.default_rng(9)
    for _ in range(10):
        before, recent = window(rng, 3000), window(rng, 1000)
        recent["f7"] = [value * np.exp(0.5) for value in recent["f7"]]  # half a standard deviation of its logarithm
        found = alarms(recent, before)
        assert [alarm.name for alarm in found] == ["feature_drift: f7"]


def test_a_feature_that_is_suddenly_unknown_or_has_a_new_category_is_found():
    rng = np.random.default_rng(10)
    before, recent = window(rng, 2000, 6), window(rng, 1000, 6)
    recent["f2"] = [None if number % 3 == 0 else value for number, value in enumerate(recent["f2"])]
    recent["f5"] = ["new" if number % 2 else value for number, value in enumerate(recent["f5"])]
    found = alarms(recent, before)
    assert {alarm.name: alarm.level for alarm in found} == {
        "feature_drift: f2": Level.CRITICAL,
        "feature_drift: f5": Level.CRITICAL,
    }


def test_bins_are_tenths_of_what_was_before_up_to_and_with_their_edge():
    new, old = binned([1.0, 10.0, 11.0, None], [float(value) for value in range(1, 11)])
    assert old.tolist() == [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0]
    assert new.tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1]


def test_a_feature_that_never_varies_or_of_few_customers_says_nothing():
    assert not alarms({"f": [1.0] * 100}, {"f": [1.0] * 100})
    assert not alarms({"f": [1.0] * 10}, {"f": [5.0] * 100})
    assert not alarms({"new": [1.0] * 100}, {"f": [5.0] * 100})
