import numpy as np
import pytest

from training.gate import Finding
from training.ope import IntervalKind, Log
from training.policy_value import HEADER, Judging

N = 2000
RNG = np.random.default_rng(2)
ACTIONS = np.arange(N) % 2
REWARDS = RNG.normal(np.where(ACTIONS == 1, 3.0, 1.0), 1.0)
EVEN, FIRST, SECOND = np.full((N, 2), 0.5), np.tile([1.0, 0.0], (N, 1)), np.tile([0.0, 1.0], (N, 1))
MODEL = np.tile([1.0, 3.0], (N, 1))


def judging(n=N, *, actions=ACTIONS, probability=0.5):
    log = Log(rewards=REWARDS[:n], actions=actions[:n], probabilities=np.full(n, probability))
    return Judging(log=log, rewards=MODEL[:n], seed=1)


def test_every_estimator_values_a_policy_that_the_log_holds():
    found = judging().value("second", SECOND)
    for estimate in (found.dr, found.snips, found.ips, found.dm, found.switch_dr):
        assert estimate.value == pytest.approx(3.0, abs=0.2)
    assert found.dr.interval is IntervalKind.NORMAL
    assert len(found.row) == len(HEADER)


def test_the_first_is_compared_with_the_second_by_both_ways():
    bench = judging()
    found = bench.compare(bench.value("even", EVEN), bench.value("first", FIRST), target=EVEN, other=FIRST)
    assert found.rival == "first"
    assert found.difference.value == pytest.approx(1.0, abs=0.1)
    assert found.weighed.value == pytest.approx(1.0, abs=0.1)
    assert found.finding is Finding.BETTER


@pytest.mark.parametrize(("decisions", "kind"), [(700, IntervalKind.CAUTIOUS), (900, IntervalKind.NORMAL)])
def test_fewer_than_400_effective_customers_make_intervals_cautious(decisions, kind):
    bench = judging(decisions)  # every other decision is for the second arm: 350 or 450 of them count
    second, even = SECOND[:decisions], EVEN[:decisions]
    ours, rival = bench.value("even", even), bench.value("second", second)
    assert (ours.dr.interval, rival.dr.interval) == (IntervalKind.NORMAL, kind)
    found = bench.compare(ours, rival, target=even, other=second)
    assert (found.difference.interval, found.weighed.interval) == (kind, kind)  # that of the worse supported one


def test_many_decisions_of_few_customers_make_intervals_cautious_too():
    log = Log(rewards=REWARDS, actions=ACTIONS, probabilities=np.full(N, 0.5), clusters=np.arange(N) // 10)
    assert Judging(log=log, rewards=MODEL, seed=1).value("even", EVEN).dr.interval is IntervalKind.CAUTIOUS


def test_a_policy_that_never_chooses_what_is_logged_has_no_snips_to_compare_by():
    bench = judging(actions=np.zeros(N, dtype=int), probability=1.0)
    ours, rival = bench.value("first", FIRST), bench.value("second", SECOND)
    assert rival.snips is None and rival.agreement.snips is None
    found = bench.compare(ours, rival, target=FIRST, other=SECOND)
    assert found.weighed is None
    assert found.finding is Finding.UNSUPPORTED
