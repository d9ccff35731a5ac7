import numpy as np
import pytest

from training.attribution.bootstrap import interval_of_markov, interval_of_touches
from training.attribution.heuristics import last_touch
from training.attribution.markov import markov
from training.attribution.paths import GROUPS, Paths


def drawn(rng, customers=4000):
    """Each customer has one journey of one or two touches, and is in a group by chance."""
    lengths = rng.integers(1, 3, size=customers)
    converts = rng.random(customers) < 0.3
    return Paths(
        names=("a", "b", "c"),
        codes=rng.integers(3, size=int(lengths.sum())),
        offsets=np.concatenate([[0], lengths.cumsum()]),
        conversions=converts.astype(float),
        values=converts * rng.gamma(2.0, 10.0, size=customers),
        nulls=(~converts).astype(float),
        groups=rng.integers(GROUPS, size=customers),
    )


def test_intervals_hold_the_credit_and_are_as_wide_as_credit_scatters():
    rng = np.random.default_rng(1)
    rules, chains, widths, chain_widths = [], [], [], []
    for number in range(40):
        paths = drawn(rng)
        shares = last_touch(paths)
        interval = interval_of_touches(paths, shares, seed=number)
        chain = interval_of_markov(paths, seed=number)
        rules.append(np.bincount(paths.codes, weights=shares * paths.conversions[paths.owners]))
        chains.append(markov(paths).conversions)
        widths.append(interval.high - interval.low)
        chain_widths.append(chain.high - chain.low)
        assert np.all((interval.low < rules[-1]) & (rules[-1] < interval.high))
        assert np.all((chain.low < chains[-1]) & (chains[-1] < chain.high))
        assert np.all(chain.value_low < chain.value_high)
    for credits, spans in ((rules, widths), (chains, chain_widths)):
        scatter = np.array(credits).std(axis=0)
        assert np.mean(spans, axis=0) / (2 * 1.96) == pytest.approx(scatter, rel=0.35)


def test_who_converts_often_counts_as_one_customer():
    customers, times = 20, 50
    one = np.ones(customers * times)

    def width(groups):
        paths = Paths(
            names=("a",),
            codes=np.zeros(len(one), dtype=np.int64),
            offsets=np.arange(len(one) + 1),
            conversions=one,
            values=one,
            nulls=0.0 * one,
            groups=groups,
        )
        interval = interval_of_touches(paths, one, seed=1)
        return float((interval.high - interval.low)[0])

    alone, together = np.arange(len(one)) % GROUPS, np.repeat(np.arange(customers), times)
    # Each of 100 groups with 10 conversions is always drawn 100 times together; 20 groups with 50 each are not
    assert width(alone) == 0.0
    assert width(together) == pytest.approx(2 * 1.96 * 50 * np.sqrt(20 * 0.8), rel=0.25)
