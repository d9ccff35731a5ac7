import numpy as np
import pytest
from scipy.stats import binomtest

from features.insights.intervals import effective_count, ratio_variance, student, wilson
from features.insights.sums import Sums


def sums_of(customers):
    """The sums of one group, from each customer's answers."""
    x, m = (np.array([each(answers) for answers in customers], dtype=float) for each in (sum, len))
    of = {"customers": len(x), "n": m.sum(), "x": x.sum(), "xx": x @ x, "xm": x @ m, "mm": m @ m}
    return Sums(**{name: np.array([value], dtype=float) for name, value in of.items()})


@pytest.mark.parametrize(("successes", "count"), [(0, 10), (3, 10), (10, 10), (17, 400)])
def test_wilson_is_that_of_scipy(successes, count):
    low, high = wilson(np.array([successes / count]), np.array([float(count)]))
    expected = binomtest(successes, count).proportion_ci(method="wilson")
    assert (low[0], high[0]) == (pytest.approx(expected.low), pytest.approx(expected.high))


def test_answers_of_different_customers_count_in_full():
    sums = sums_of([[1]] * 30 + [[0]] * 70)
    assert effective_count(sums)[0] == pytest.approx(100 * 99 / 100)


def test_answers_that_a_customer_always_gives_alike_count_once():
    sums = sums_of([[1] * 5] * 30 + [[0] * 5] * 70)
    assert effective_count(sums)[0] == pytest.approx(99)
    assert effective_count(sums_of([[1] * 5] * 20))[0] == 20  # all alike: nothing tells how alike one customer's are


def test_a_mean_of_one_customer_has_no_interval():
    sums = sums_of([[3, 5]])
    assert np.isnan(ratio_variance(sums)[0])
    assert np.isnan(student(np.array([4.0]), ratio_variance(sums), sums.customers)).all()


def test_intervals_of_clustered_shares_cover_the_truth_as_often_as_they_say():
    rng, hits = np.random.default_rng(1), 0
    for _ in range(400):
        own = rng.beta(2, 6, size=150)  # customers differ; the mean is 0.25
        sums = sums_of([rng.random(count) < chance for chance, count in zip(own, rng.integers(1, 12, size=150), strict=True)])
        low, high = wilson(sums.x / sums.n, effective_count(sums))
        hits += low[0] <= 0.25 <= high[0]
    assert hits / 400 >= 0.92  # 95 % less three standard errors of 400 trials
