"""Associations are those of statsmodels, and who buys much is no association."""

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import StratifiedTable

from training.findings.association import associate


def test_the_lift_and_its_error_are_those_of_statsmodels():
    rng = np.random.default_rng(3)
    counts = rng.integers(1, 60, size=(4, 7)).astype(float)
    found = associate(*counts)
    tables = StratifiedTable([[[a, b], [c, d]] for a, b, c, d in counts.T])
    assert found.lift == pytest.approx(tables.oddsratio_pooled)
    assert found.error == pytest.approx(tables.logodds_pooled_se)


def test_who_buys_much_of_everything_makes_no_association():
    """Two groups by hand, in each of which the things are independent: 10 % of few and 60 % of many have each."""
    few = (1000 * 0.1 * 0.1, 1000 * 0.1 * 0.9, 1000 * 0.9 * 0.1, 1000 * 0.9 * 0.9)
    many = (500 * 0.6 * 0.6, 500 * 0.6 * 0.4, 500 * 0.4 * 0.6, 500 * 0.4 * 0.4)
    found = associate(*(np.array(pair) for pair in zip(few, many, strict=True)))
    assert found.lift == pytest.approx(1.0) and found.more == pytest.approx(0.0)
    together = associate(*(np.array([sum(pair)]) for pair in zip(few, many, strict=True)))
    assert together.lift > 3.0


def test_what_independence_gives_is_no_association():
    """Two groups whose odds ratios are those expected of them, 0.25 and 4; doubled, the lift is 2."""
    groups, expected = ((10.0, 40.0), (20.0, 20.0), (20.0, 20.0), (10.0, 40.0)), np.array([0.25, 4.0])
    found = associate(*map(np.array, groups), expected=expected)
    assert found.lift == pytest.approx(1.0) and found.more == pytest.approx(0.0)
    assert associate(*map(np.array, groups), expected=expected / 2).lift == pytest.approx(2.0)


def test_where_nobody_has_one_of_the_things_nothing_is_said():
    assert associate(*(np.array([count]) for count in (0.0, 10.0, 0.0, 10.0))) is None
