import numpy as np
import pytest

from features.errors import TrainingError
from features.experiment import Arm, arm_of
from training.experiment.measures import Measure
from training.experiment.report import measure_lift


def fill(shop, catalogue, customers=1500):
    """Everybody spends 10 in the mean; those under the policy 5 more, for a mail that costs 1."""
    rng = np.random.default_rng(1)
    names = [f"c{n}" for n in range(customers)]
    arms = [arm_of([name], catalogue) for name in names]
    taste = rng.normal(10.0, 3.0, (customers, 1)) + rng.normal(0.0, 1.0, (customers, 2))
    shop.add(
        "decisions",
        *(
            shop.decision(f"d{name}", name, 0, "mail.offer" if arm is Arm.TREATMENT else "none", arm=arm)
            for name, arm in zip(names, arms, strict=True)
        ),
    )
    spent = taste[:, 1] + np.array([5.0 if arm is Arm.TREATMENT else 0.0 for arm in arms])
    shop.add("interactions", *(shop.event(name, -1, value=float(v)) for name, v in zip(names, taste[:, 0], strict=True)))
    shop.add("interactions", *(shop.event(name, 1, value=float(v)) for name, v in zip(names, spent, strict=True)))


def test_the_lift_over_the_holdout_and_over_each_diagnostic_arm_is_measured(shop):
    catalogue = shop.catalogue(holdout=0.3, random=0.3, rules=0.01)
    fill(shop, catalogue)
    report = measure_lift(shop.lake, catalogue, since=None, until=shop.day(28))
    value = {effect.reference: effect for effect in report.effects if effect.measure is Measure.VALUE}
    assert set(value) == {Arm.HOLDOUT, Arm.RANDOM}
    # by hand: half of 5 less the mail; the time before explains 9 / 10 of the variance, squared
    assert value[Arm.HOLDOUT].difference == pytest.approx(1.5, abs=4 * value[Arm.HOLDOUT].standard_error)
    assert value[Arm.HOLDOUT].always_low > 0
    assert value[Arm.HOLDOUT].variance_left == pytest.approx(1 - 0.81, abs=0.05)
    words = report.in_words()
    assert report.customers == 1500 and report.since == shop.start and not report.sample_ratio.alarm
    assert "rules: " in words and "are needed to compare it" in words and "treatment" in words


def test_without_a_holdout_it_says_what_cannot_be_known(shop):
    catalogue = shop.catalogue(holdout=0.0)
    fill(shop, catalogue, 150)
    assert "there is no holdout" in measure_lift(shop.lake, catalogue, since=shop.start, until=shop.day(28)).in_words()


def test_without_decisions_there_is_nothing_to_measure(shop):
    with pytest.raises(TrainingError, match="no decision"):
        measure_lift(shop.lake, shop.catalogue(), since=None, until=shop.day(28))


def test_decisions_after_what_is_known_are_counted_with_what_to_do(shop):
    fill(shop, shop.catalogue(), 150)
    with pytest.raises(TrainingError, match=r"150 decisions were recorded after 2024-03-03 12:00 UTC.*'touchpoint materialize'"):
        measure_lift(shop.lake, shop.catalogue(), since=None, until=shop.day(-1))
