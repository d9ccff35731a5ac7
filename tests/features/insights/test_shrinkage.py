import numpy as np
import pytest

from features.insights.shrinkage import prior_of_shares, shrink_means, shrink_shares


def test_groups_that_differ_by_chance_alone_are_drawn_together_in_full():
    shares, counts = np.array([0.5, 0.5, 0.5]), np.array([10.0, 20.0, 30.0])
    assert prior_of_shares(shares, counts) == (0.5, 60.0)
    drawn = shrink_shares(np.array([0.4, 0.6, 0.5]), np.array([10.0, 10.0, 1000.0]))
    assert np.abs(drawn.mean - 0.5).max() < 0.002


def test_groups_that_really_differ_keep_their_own():
    drawn = shrink_shares(np.array([0.1, 0.5, 0.9]), np.array([500.0, 500.0, 500.0]))
    assert drawn.mean == pytest.approx([0.1, 0.5, 0.9], abs=0.01)


def test_a_group_without_a_count_takes_the_mean_of_the_others():
    drawn = shrink_shares(np.array([np.nan, 0.2, 0.4]), np.array([0.0, 100.0, 100.0]))
    assert drawn.mean[0] == pytest.approx(0.3)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_shares_of_nothing_or_all_have_an_interval_within_their_range(share):
    drawn = shrink_shares(np.array([share, share]), np.array([3.0, 50.0]))
    assert ((drawn.low >= 0) & (drawn.high <= 1) & (drawn.low < drawn.high)).all()


def test_shrinking_brings_small_groups_nearer_to_the_truth():
    rng = np.random.default_rng(2)
    truth, counts = rng.beta(6, 54, size=300), rng.integers(3, 25, size=300).astype(float)
    plain = rng.binomial(counts.astype(int), truth) / counts
    drawn = shrink_shares(plain, counts)
    assert ((drawn.mean - truth) ** 2).mean() < ((plain - truth) ** 2).mean() / 2
    assert 0.9 <= ((drawn.low <= truth) & (truth <= drawn.high)).mean() <= 0.99


def test_means_are_drawn_the_further_the_less_sure_they_are():
    drawn = shrink_means(np.array([0.0, 10.0, 20.0]), np.array([100.0, 1.0, 1.0]))
    assert drawn.mean[0] > 5 and drawn.mean[2] == pytest.approx(20, abs=0.5)


def test_nothing_of_one_is_not_taken_to_be_certain_however_much_groups_differ():
    found = shrink_shares(np.array([0.0, 1.0]), np.array([1.0, 1.0]))
    assert found.high[0] > 0.5 and found.low[1] < 0.5
