import numpy as np
import pytest

from training.lifetime.bgnbd import fit_bgnbd
from training.lifetime.holdout import compare


def test_cdnow_weeks_40_to_78_are_foretold_as_by_lifetimes(cdnow):
    of = cdnow.transactions
    check = compare(fit_bgnbd(of), of, 39.0, cdnow.later, cdnow.later**2, rng=np.random.default_rng(0))
    assert check.predicted.value == pytest.approx(1653.41, abs=0.05)  # the sum of lifetimes 0.11.3's expectations
    assert check.actual == 1882  # purchase days of the 2,357 customers from 1997-10-01 to 1998-06-30
    assert check.error == pytest.approx(-0.121, abs=0.001)
    assert sum(bucket.customers for bucket in check.buckets) == check.customers == 2357


def test_buckets_hold_means_by_repeats(cdnow):
    of = cdnow.transactions
    check = compare(fit_bgnbd(of), of, 39.0, cdnow.later, cdnow.later**2, rng=np.random.default_rng(0))
    for bucket in check.buckets[:3]:
        chosen = cdnow.repeats == float(bucket.repeats)
        assert bucket.actual == pytest.approx(cdnow.later[chosen].mean())
        assert bucket.low < bucket.actual < bucket.high
    assert check.buckets[0].customers == (cdnow.repeats == 0).sum()
    assert abs(check.buckets[0].predicted - check.buckets[0].actual) < 0.05
