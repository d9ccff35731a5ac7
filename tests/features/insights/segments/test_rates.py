import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.insights.segments.rates import means, ratio, shares


def test_nothing_counted_has_no_rate():
    assert shares(np.zeros(1), np.zeros(1))[0].value is None
    assert means(np.zeros(1), np.zeros(1), np.zeros(1))[0].value is None
    assert ratio(3.0, 0.0, squares=(0.0, 0.0, 0.0), n=3).value is None


def test_one_value_has_a_mean_and_no_interval():
    [rate] = means(np.array([5.0]), np.array([25.0]), np.array([1.0]))
    assert (rate.value, rate.low, rate.high) == (5.0, None, None)
    assert ratio(5.0, 1.0, squares=(25.0, 5.0, 1.0), n=1).low is None


def test_small_counts_are_drawn_to_the_others_and_large_ones_stay():
    few, many = shares(np.array([3.0, 100.0]), np.array([3.0, 1000.0]), small_count=30)
    assert few.shrunk and few.value < 1.0
    assert not many.shrunk and many.value == 0.1


def test_small_means_are_drawn_to_the_others():
    few, many = means(np.array([30.0, 1000.0]), np.array([350.0, 20_000.0]), np.array([3.0, 100.0]), small_count=30)
    assert few.shrunk and few.value <= 10.0
    assert not many.shrunk and many.value == 10.0


def test_one_failure_among_two_is_no_certainty():
    failed, _ = shares(np.array([0.0, 1.0]), np.array([1.0, 1.0]), small_count=30)
    assert failed.shrunk and failed.low < 0.05 and failed.high > 0.5


def test_the_mean_of_one_is_drawn_to_the_others_with_their_spread():
    one, many = means(np.array([100.0, 1000.0]), np.array([10_000.0, 20_000.0]), np.array([1.0, 100.0]), small_count=30)
    assert one.shrunk and many.value < one.value < 100.0
    assert one.low < one.value < one.high


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=6), st.integers(0, 40))
def test_shares_lie_in_their_intervals_and_between_nothing_and_all(told, small_count):
    hits = np.array([min(pair) for pair in told], dtype=float)
    counts = np.array([max(pair) for pair in told], dtype=float)
    for rate in shares(hits, counts, small_count=small_count):
        assert (rate.value is None) == (rate.n == 0)
        if rate.value is not None:
            assert 0 <= rate.low <= rate.value + 1e-9 and rate.value - 1e-9 <= rate.high <= 1
