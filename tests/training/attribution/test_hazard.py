import numpy as np
import pytest

from training.attribution.exposure import Exposure
from training.attribution.hazard import data_driven, fit_hazard
from training.attribution.paths import GROUPS, Paths

HALF_LIFE, DAYS = 7.0, 60.0
BASE, STRENGTHS = 0.02, np.array([0.08, 0.02, 0.0])
TIME = HALF_LIFE / np.log(2.0)  # days of full force that a touch has in all


def world(customers, rng):
    """Everybody converts at BASE; one touch each adds a rate that decays, until the conversion that follows it."""
    touchpoint, at = rng.integers(3, size=customers), rng.uniform(0.0, DAYS, size=customers)
    groups = rng.integers(GROUPS, size=customers)
    anyway = at + rng.exponential(1.0 / BASE, size=customers)
    needed = rng.exponential(size=customers)  # of the integral of the added rate
    with np.errstate(divide="ignore", invalid="ignore"):
        added = at - TIME * np.log(1.0 - needed / (STRENGTHS[touchpoint] * TIME))
    added = np.where(np.isfinite(added), added, np.inf)
    first = np.minimum(anyway, added)
    converts = first < DAYS
    alone = rng.poisson(BASE * at) + np.where(converts, rng.poisson(BASE * np.maximum(DAYS - first, 0.0)), 0)
    in_force = np.zeros((GROUPS, 3))
    np.add.at(in_force, (groups, touchpoint), TIME * (1.0 - 2.0 ** -((np.minimum(first, DAYS) - at) / HALF_LIFE)))
    ages = np.where(converts, first - at, 0.0)
    paths = Paths(
        names=("strong", "weak", "idle"),
        codes=touchpoint,
        offsets=np.arange(customers + 1),
        conversions=converts.astype(float),
        values=10.0 * converts,
        nulls=(~converts).astype(float),
        groups=groups,
        ages=ages,
    )
    exposure = Exposure(
        forces=2.0 ** -(ages[converts] / HALF_LIFE),
        levels=np.ones(int(converts.sum())),
        in_force=in_force,
        alone=np.bincount(groups, weights=alone, minlength=GROUPS).astype(float),
        days=np.bincount(groups, minlength=GROUPS) * DAYS,
    )
    return paths, exposure, (added < anyway) & converts


def test_the_rates_that_made_the_world_are_found_again():
    paths, exposure, _ = world(60_000, np.random.default_rng(1))
    fitted = fit_hazard(paths.converting(), exposure, groups=np.ones(GROUPS, dtype=bool))
    assert fitted.base == pytest.approx(BASE, rel=0.02)
    assert fitted.strengths == pytest.approx(STRENGTHS, abs=0.003)


def test_credit_is_what_touches_really_caused():
    paths, exposure, caused = world(30_000, np.random.default_rng(2))
    credit = data_driven(paths, exposure)
    really = np.bincount(paths.codes[caused], minlength=3)
    assert credit.conversions == pytest.approx(really, abs=200)
    assert credit.values == pytest.approx(10.0 * credit.conversions)
    assert credit.conversions.sum() < 0.7 * paths.conversions.sum()


def test_a_customer_of_a_higher_level_needs_no_touch_to_explain_a_conversion():
    paths, exposure, _ = world(5_000, np.random.default_rng(3))
    groups = np.ones(GROUPS, dtype=bool)
    alike = fit_hazard(paths.converting(), exposure, groups=groups)
    lively = Exposure(
        forces=exposure.forces,
        levels=10.0 * exposure.levels,
        in_force=exposure.in_force,
        alone=exposure.alone,
        days=exposure.days,
    )
    assert fit_hazard(paths.converting(), lively, groups=groups).strengths[0] < alike.strengths[0]


def test_groups_without_time_give_no_rates():
    paths, exposure, _ = world(200, np.random.default_rng(4))
    fitted = fit_hazard(paths.converting(), exposure, groups=np.zeros(GROUPS, dtype=bool))
    assert (fitted.base, fitted.strengths.tolist()) == (0.0, [0.0, 0.0, 0.0])
