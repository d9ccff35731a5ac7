import numpy as np
import pytest

from features.insights.touchpoints.matching import PARTS, Cells, matched, rate, shrink


def cells_of(stratum, part, exposed, left, *, strata):
    counts = []
    for rows in (exposed, exposed & left, ~exposed, ~exposed & left):
        cells = np.zeros((strata, PARTS))
        np.add.at(cells, (stratum[rows], part[rows]), 1.0)
        counts.append(cells)
    return Cells(*counts)


def test_the_baseline_is_weighted_as_the_exposed_are():
    # Stratum 0: 30 of 60 exposed left, 12 of 30 others; stratum 1: 0 of 30 exposed, 15 of 30 others.
    every = np.arange(PARTS)
    blocks = [(0, True, 0.5, 2), (0, False, 0.4, 1), (1, True, 0.0, 1), (1, False, 0.5, 1)]
    stratum, exposed, left, part = [], [], [], []
    for number, had, share, copies in blocks:
        for copy in range(copies):
            stratum += [number] * PARTS
            exposed += [had] * PARTS
            left += list((every + copy * PARTS) < share * PARTS * copies)
            part += list(every)
    found = matched(cells_of(*map(np.array, (stratum, part, exposed, left)), strata=2), customers=90)
    assert found.after.value == pytest.approx(30 / 90)
    assert found.baseline.value == pytest.approx((60 * 0.4 + 30 * 0.5) / 90)
    assert found.difference.value == pytest.approx(30 / 90 - 39 / 90)


def test_who_has_nobody_alike_is_left_out_and_told():
    exposed = np.zeros((2, PARTS))
    exposed[0, :10], exposed[1, :30] = 1, 1
    unexposed = np.zeros((2, PARTS))
    unexposed[1] = 2
    found = matched(Cells(exposed, exposed * 0.5, unexposed, unexposed * 0.5), customers=40)
    assert (found.matched, found.after.n) == (0.75, 30)


def test_intervals_cover_the_truth_though_customers_come_again_week_after_week():
    rng, hits, runs = np.random.default_rng(1), 0, 200
    for _ in range(runs):
        customers, weeks = 400, 6
        kind = rng.integers(3, size=customers)  # a stratum of its own each week
        own = np.clip(np.array([0.1, 0.3, 0.5])[kind] + rng.normal(0, 0.15, size=customers), 0, 0.9)
        week = np.tile(np.arange(weeks), (customers, 1))
        exposed = rng.random((customers, weeks)) < np.array([0.2, 0.3, 0.5])[kind][:, None]
        left = rng.random((customers, weeks)) < own[:, None] + 0.1 * exposed
        stratum = week * 3 + kind[:, None]
        part = np.broadcast_to((np.arange(customers) % PARTS)[:, None], stratum.shape)
        found = matched(cells_of(stratum.ravel(), part.ravel(), exposed.ravel(), left.ravel(), strata=18), customers=customers)
        hits += found.difference.low <= 0.1 <= found.difference.high
    assert 0.91 <= hits / runs <= 0.995  # 95 % with three standard errors of 200 runs


def test_differences_behind_few_customers_are_drawn_to_the_others():
    rng = np.random.default_rng(2)

    def of(count, effect):
        exposed = rng.random(count) < 0.5
        left = rng.random(count) < 0.3 + effect * exposed
        part = np.arange(count) % PARTS
        return matched(cells_of(np.zeros(count, dtype=int), part, exposed, left, strata=1), customers=int(exposed.sum()))

    found = {"many": of(4000, 0.0), "more": of(4000, 0.02), "few": of(40, 0.3)}
    drawn = shrink(found, small_count=30)
    assert drawn["few"].shrunk and abs(drawn["few"].difference.value) < abs(found["few"].raw)
    assert drawn["few"].raw == found["few"].raw and drawn["many"] == found["many"]


def test_a_rate_of_nobody_is_none():
    assert np.isnan(rate(np.zeros((1, PARTS)), np.zeros((1, PARTS))).value)
