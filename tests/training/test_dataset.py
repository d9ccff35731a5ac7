from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from features.errors import TrainingError
from features.tables import TOTAL
from training.dataset import load_dataset, load_snapshots


@pytest.fixture(scope="module")
def dataset(home):
    return load_dataset(home.lake, home.store, home.catalogue, until=home.until)


def test_every_closed_decision_has_its_arm_its_probability_and_its_features(home, dataset):
    assert len(dataset) == 4 * 300
    assert dataset.features.shape == (1200, len(dataset.feature_names))
    assert set(np.unique(dataset.probability)) == {0.15, 0.4}
    assert ((dataset.probability == 0.4) == (dataset.arm == 0)).all()
    assert not dataset.estimated.any() and not dataset.implied.any() and dataset.eligible.all()


def test_reward_is_value_times_margin_less_the_cost_of_the_arm(dataset):
    costs = np.array([0.0, 0.05, 0.3, 8.0, 1.0])
    assert dataset.reward == pytest.approx(dataset.value * 0.5 - costs[dataset.arm])
    assert ((dataset.value > 0) == (dataset.conversion > 0)).all()


def test_features_are_those_known_before_the_decision_and_its_own_contact(home, dataset):
    interactions = home.lake.read("interactions", ["customer_id", "at"]).to_pylist()
    count = dataset.features[:, dataset.feature_names.index(TOTAL)]
    for row in range(0, len(dataset), 97):
        at = home.start + timedelta(microseconds=int(dataset.at[row] - dataset.at[0]))
        known = sum(each["customer_id"] == dataset.customer_id[row] and each["at"] < at for each in interactions)
        assert count[row] == known


def test_the_same_data_have_the_same_fingerprint_and_other_data_another(home, dataset):
    assert load_dataset(home.lake, home.store, home.catalogue, until=home.until).fingerprint == dataset.fingerprint
    changed = dataset.features.copy()
    changed[5, 5] += 1.0
    assert replace(dataset, features=changed).fingerprint != dataset.fingerprint
    assert dataset.where(np.arange(1200) > 0).fingerprint != dataset.fingerprint


def test_only_windows_closed_by_then_are_loaded(home):
    assert len(load_dataset(home.lake, home.store, home.catalogue, until=home.start + timedelta(days=28))) == 300
    with pytest.raises(TrainingError, match="28 days that closed by 2024-01-28"):
        load_dataset(home.lake, home.store, home.catalogue, until=home.start + timedelta(days=27.9))


def test_what_was_not_logged_is_estimated_and_the_rest_shared_equally(log):
    unlogged = replace(log, estimated=np.arange(len(log)) == 1, probability=np.where(log.arm == 1, 0.3, 0.7))
    completed = unlogged.with_estimates(np.full((len(log), 2), 0.5))
    assert completed.probabilities[1].tolist() == [0.5, 0.5]
    assert completed.probability[1] == 0.5
    assert completed.probabilities[2] == pytest.approx([0.7, 0.3])
    assert (completed.fingerprint == unlogged.fingerprint) is True


def test_snapshots_are_evenly_spaced_and_closed(home):
    snapshots = load_snapshots(home.lake, home.store, home.catalogue, until=home.until, count=3)
    times = np.unique(snapshots.at)
    assert len(times) == 3 and np.ptp(np.diff(times)) <= 1
    closed = (home.until - timedelta(days=home.catalogue.objective.churn_days)).timestamp() * 1e6
    assert times[-1] == pytest.approx(closed)
    assert snapshots.features.shape == (len(snapshots.at), len(home.store.features))


def test_a_history_shorter_than_the_windows_is_refused(home):
    with pytest.raises(TrainingError, match=r"objective\.churn_days = 56"):
        load_snapshots(home.lake, home.store, home.catalogue, until=home.start - timedelta(days=150))
