import numpy as np
import pytest

from training.learners.calibration import Shown, fit_line, mean_uplifts, prove

PRIOR = np.array([0.0, 0.0, 0.4])


def shown(n=4000, *, slope=2.0, noise=0.5, seed=0):
    """One arm whose effect is 0.1 plus a slope times the score, and one that nobody ever got."""
    rng = np.random.default_rng(seed)
    raw = np.zeros((n, 3))
    raw[:, 1] = rng.normal(size=n)
    uplift = np.zeros((n, 3))
    uplift[:, 1] = 0.1 + slope * raw[:, 1] + noise * rng.normal(size=n)
    weight = np.zeros((n, 3))
    weight[:, 1] = 1.0
    return raw, Shown(uplift, weight)


def test_the_line_that_made_the_effects_is_found_and_an_arm_without_data_keeps_its_prior():
    raw, found = shown()
    line = fit_line(raw + 5.0, found, PRIOR)
    assert line.slope == pytest.approx(2.0, abs=0.05)
    assert line.offsets == pytest.approx([0.0, 0.1, 0.4], abs=0.08)
    assert line.centres[1] == pytest.approx(5.0, abs=0.05)


@pytest.mark.parametrize(("slope", "bounded"), [(-1.0, 0.0), (9.0, 3.0)])
def test_a_slope_is_never_negative_nor_steeper_than_three(slope, bounded):
    raw, found = shown(slope=slope)
    assert fit_line(raw, found, PRIOR).slope == bounded


def test_scores_that_are_all_alike_say_nothing():
    raw, found = shown()
    assert fit_line(np.zeros_like(raw), found, PRIOR).slope == 0.0
    assert prove(np.zeros_like(raw), found, PRIOR, np.arange(len(raw)), level=0.95).low == 0.0


def test_a_mean_as_doubtful_as_the_prior_is_half_of_it():
    # two rows, -0.05 and 0.25: mean 0.1, squared error (0.15^2 + 0.15^2) / 4 = 0.01125; the prior's is 0.05^2 = 0.0025
    uplift, weight = np.zeros((2, 2)), np.zeros((2, 2))
    uplift[:, 1], weight[:, 1] = [-0.05, 0.25], 1.0
    assert mean_uplifts(Shown(uplift, weight), np.zeros(2))[1] == pytest.approx(0.1 * 0.0025 / (0.0025 + 0.01125))


def test_differences_are_proven_where_there_are_some_and_not_where_there_are_none():
    everyone = np.arange(4000)
    raw, found = shown(slope=0.2)
    proof = prove(raw, found, PRIOR, everyone, level=0.998)
    assert proof.slope == pytest.approx(0.2, abs=0.03) and proof.low > 0.1
    lows = [prove(*shown(slope=0.0, seed=seed), PRIOR, everyone, level=0.95).low for seed in range(200)]
    assert np.mean(np.array(lows) > 0) < 0.06  # one in forty, expected


def test_a_customers_decisions_count_once():
    raw, found = shown(1000, slope=0.1)
    twice = np.repeat(raw, 4, axis=0), Shown(np.repeat(found.uplift, 4, axis=0), np.repeat(found.weight, 4, axis=0))
    once = prove(raw, found, PRIOR, np.arange(1000), level=0.95)
    again = prove(*twice, PRIOR, np.repeat(np.arange(1000), 4), level=0.95)
    assert again.low == pytest.approx(once.low, rel=1e-3)
