import numpy as np
import pytest

from training.assignment import CLIP, estimate_assignment, overlap


def estimated(log, **changed):
    given = {
        "arm": log.arm,
        "eligible": log.eligible,
        "wave": log.wave,
        "customers": log.customer_id,
        "arms": log.arms,
        "seed": 0,
    }
    return estimate_assignment(log.features, **(given | changed))


def test_estimates_come_close_to_the_true_probabilities(log):
    probabilities = estimated(log).probabilities
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(len(log)))
    assert np.corrcoef(probabilities[:, 1], log.probabilities[:, 1])[0, 1] > 0.9
    assert abs(probabilities[:, 1].mean() - log.probabilities[:, 1].mean()) < 0.02


def test_of_many_pairs_a_sample_teaches_and_the_others_are_scored_as_well(log, monkeypatch):
    monkeypatch.setattr("training.assignment._MOST_PAIRS", len(log) // 2)
    probabilities = estimated(log).probabilities
    assert np.corrcoef(probabilities[:, 1], log.probabilities[:, 1])[0, 1] > 0.85
    assert abs(probabilities[:, 1].mean() - log.probabilities[:, 1].mean()) < 0.03


def test_the_rate_of_a_wave_is_learnt(log):
    wave = np.array(["small", "large"], dtype=object)[np.arange(len(log)) % 2]
    arm = (np.random.default_rng(0).random(len(log)) < np.where(wave == "large", 0.6, 0.1)).astype(np.int64)
    contact = estimated(log, arm=arm, wave=wave).probabilities[:, 1]
    assert contact[wave == "large"].mean() == pytest.approx(0.6, abs=0.05)
    assert contact[wave == "small"].mean() == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize("size", [1, 4, 200])
def test_a_wave_does_not_tell_what_its_own_customers_got(log, size):
    # from 4 on, exactly half of every wave is contacted: the rest of a small wave would tell who is left
    rng, n = np.random.default_rng(3), len(log)
    half = [rng.permutation(size) < size / 2 for _ in range(n // size)]
    arm = (rng.random(n) < 0.5 if size == 1 else np.concatenate(half)).astype(np.int64)
    wave = np.array([f"w{row // size}" for row in range(n)], dtype=object)
    customers = np.array([f"c{row}" for row in rng.permutation(n)], dtype=object)
    contact = estimated(log, arm=arm, wave=wave, customers=customers).probabilities[:, 1]
    assert contact[arm == 1].mean() == pytest.approx(0.5, abs=0.03)
    assert contact[arm == 0].mean() == pytest.approx(0.5, abs=0.03)


def test_an_arm_that_was_no_candidate_has_no_probability(log):
    eligible = log.eligible.copy()
    eligible[::2, 1] = False
    probabilities = estimated(log, arm=np.where(eligible[:, 1], log.arm, 0), eligible=eligible).probabilities
    assert (probabilities[::2] == [1.0, 0.0]).all()
    assert (probabilities[1::2, 1] > 0).all()


def test_estimates_are_bounded_and_what_was_bounded_is_counted(log):
    certain = (log.features[:, 0] > 0).astype(np.int64)
    assignment = estimated(log, arm=certain)
    assert assignment.clipped_share > 0.9
    assert assignment.probabilities.min() == pytest.approx(CLIP[0])


def test_where_nobody_was_contacted_the_estimate_is_certain_within_bounds(log):
    assert (estimated(log, arm=np.zeros(len(log), dtype=np.int64)).probabilities[:, 1] == CLIP[0]).all()


def test_rows_without_overlap_are_trimmed_by_what_could_have_happened_not_by_what_did():
    probabilities = np.array([[0.99, 0.01], [0.99, 0.01], [0.5, 0.5], [0.01, 0.99], [1.0, 0.0]])
    eligible = np.array([[True, True]] * 4 + [[True, False]])
    seen = overlap(probabilities, arm=np.array([0, 1, 1, 1, 0]), eligible=eligible, estimated=np.ones(5, dtype=bool), bins=2)
    assert seen.comparable.tolist() == [False, False, True, False, False]
    assert (seen.below, seen.above) == (3 / 5, 1 / 5)
    assert (seen.treated.tolist(), seen.untreated.tolist()) == ([1, 2], [2, 0])
    assert seen.comparable_share == pytest.approx(1 / 5)


def test_logged_probabilities_are_trusted_however_small():
    probabilities, eligible = np.array([[0.99, 0.01]]), np.ones((1, 2), dtype=bool)
    assert overlap(probabilities, arm=np.array([0]), eligible=eligible, estimated=np.zeros(1, dtype=bool)).comparable.all()
