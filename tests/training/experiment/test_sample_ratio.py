from collections import Counter

import numpy as np
import pytest
from scipy.stats import chisquare

from features.experiment import Arm, arm_of, chances
from training.experiment.persons import PersonOutcomes
from training.experiment.sample_ratio import mismatch, sample_ratio


def assigned(arms, names=None):
    n = len(arms)
    zeros = np.zeros(n)
    return PersonOutcomes(
        customer_id=np.arange(n).astype(object),
        arm=np.asarray(arms, dtype=object),
        weight=zeros + 1,
        names=np.ones(n, dtype=np.int64) if names is None else names,
        decisions=zeros.astype(np.int64),
        days=zeros,
        during=np.zeros((n, 4)),
        before=np.zeros((n, 4)),
        crossed=zeros.astype(bool),
    )


def test_the_p_value_is_pearsons():
    assert mismatch([480, 120, 400], [500.0, 100.0, 400.0]) == pytest.approx(chisquare([480, 120, 400], [500, 100, 400]).pvalue)
    assert mismatch([3, 997], [1.0, 999.0]) == 1.0  # one arm is too small to tell, so nothing is left to compare


def test_customers_drawn_as_configured_raise_no_alarm_though_some_have_two_customer_ids(shop):
    catalogue, n = shop.catalogue(holdout=0.1, random=0.05), 20_000
    names = np.where(np.arange(n) % 4 == 0, 2, 1)
    arms = [arm_of([f"c{row}", f"d{row}"][: names[row]], catalogue) for row in range(n)]
    ratio = sample_ratio(assigned(arms, names), catalogue)
    assert not ratio.alarm and "as large as they should be" in ratio.sentence
    # by hand: 5,000 x (1 - 0.9²) + 15,000 x 0.1
    assert ratio.expected[Arm.HOLDOUT] == pytest.approx(2450)
    assert sum(ratio.counts.values()) == n and Counter(arms)[Arm.RANDOM] == ratio.counts[Arm.RANDOM]


def test_a_tenth_of_a_holdout_that_got_lost_is_noticed(shop):
    catalogue, n = shop.catalogue(holdout=0.5), 20_000
    arms = np.array([arm_of([f"c{row}"], catalogue) for row in range(n)], dtype=object)
    lost = (arms == Arm.HOLDOUT) & (np.arange(n) % 10 == 0)
    ratio = sample_ratio(assigned(arms[~lost]), catalogue)
    assert ratio.alarm and "mismatch" in ratio.sentence


def test_it_alarms_once_in_a_thousand_right_assignments(shop):
    rng, catalogue = np.random.default_rng(8), shop.catalogue(holdout=0.1, random=0.1)
    due = np.array([chance for chance in chances(1, catalogue).values() if chance])
    counts = rng.multinomial(5000, due, size=4000)
    assert np.mean([mismatch(list(row), list(5000 * due)) < 0.001 for row in counts]) <= 0.0035  # 0.001 + five standard errors


def test_an_experiment_nobody_is_in_has_nothing_to_compare(shop):
    assert sample_ratio(assigned([]), shop.catalogue()).p_value == 1.0
