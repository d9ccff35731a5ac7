import numpy as np
import pytest

from features.errors import TrainingError
from features.experiment import Arm, chances
from training.experiment.always_valid import always_valid_factor
from training.experiment.lift import compare
from training.experiment.measures import Measure
from training.experiment.persons import PersonOutcomes

ARMS = np.array([Arm.HOLDOUT, Arm.TREATMENT], dtype=object)


def outcomes(arm, values, *, before=None, weight=None, days=None):
    n = len(values)
    filled = np.zeros((n, 3))
    return PersonOutcomes(
        customer_id=np.array([f"c{row}" for row in range(n)], dtype=object),
        arm=np.asarray(arm, dtype=object),
        weight=np.ones(n) if weight is None else weight,
        names=np.ones(n, dtype=np.int64),
        decisions=np.ones(n, dtype=np.int64),
        days=np.full(n, 28.0) if days is None else days,
        during=np.column_stack([values, filled]),
        before=np.column_stack([np.zeros(n) if before is None else before, filled]),
        crossed=np.zeros(n, dtype=bool),
    )


def drawn(rng, n, *, share=0.3):
    return ARMS[(rng.random(n) >= share).astype(int)]


def lift(given, **settings):
    return compare(given, Measure.VALUE, arm=Arm.TREATMENT, reference=Arm.HOLDOUT, **settings)


def test_without_anything_known_before_it_is_the_difference_of_means_with_welchs_standard_error():
    effect = lift(outcomes(ARMS[[1, 1, 1, 0, 0]], np.array([1.0, 2.0, 6.0, 1.0, 3.0])))
    # by hand: means 3 and 2; variances 7 and 2; 7/3 + 2/2 = 10/3
    assert (effect.mean, effect.reference_mean, effect.difference) == (3.0, 2.0, 1.0)
    assert effect.standard_error == pytest.approx(np.sqrt(10 / 3))
    assert effect.high == pytest.approx(1.0 + 1.959964 * np.sqrt(10 / 3))
    assert (effect.persons, effect.reference_persons, effect.variance_left) == (3, 2, 1.0)
    assert effect.relative is None  # the holdout's mean is less than three standard errors from 0


def test_the_ratio_of_arms_has_the_interval_of_the_delta_method():
    effect = lift(outcomes(ARMS[[1] * 4 + [0] * 4], np.array([12.0, 12.0, 10.0, 10.0, 9.0, 11.0, 9.0, 11.0])))
    # by hand: 11 and 10, each with variance (4/3) / 4 = 1/3: 1/3 / 100 + 121 x 1/3 / 10000
    spread = 1.959964 * np.sqrt(1 / 300 + 121 / 30_000)
    assert (effect.relative, effect.relative_low) == (pytest.approx(0.1), pytest.approx(0.1 - spread))


def test_of_two_equal_arms_the_interval_of_one_look_covers_nothing_in_95_of_100_experiments():
    rng, runs = np.random.default_rng(1), 1000
    missed = 0
    for _ in range(runs):
        values = rng.gamma(0.3, 20.0, 800)
        effect = lift(outcomes(drawn(rng, 800), values, before=values + rng.gamma(0.3, 20.0, 800)))
        missed += not effect.low <= 0.0 <= effect.high
    # a binomial of 1000 with 0.05 has mean 50 and standard deviation 6.9; skewed values cost a little
    assert 25 <= missed <= 75


def test_looking_at_100_days_at_two_equal_arms_raises_a_false_alarm_in_at_most_5_of_100_experiments():
    rng, runs, days, customers = np.random.default_rng(2), 400, 100, 4000
    false, once = 0, 0
    for _ in range(runs):
        treated = rng.random(customers) < 0.7
        came = rng.integers(0, days, customers)  # customers come one by one, and go on buying, some always more than others
        daily = rng.poisson(rng.gamma(0.5, 0.1, customers)[:, None], (customers, days)) * (np.arange(days) >= came[:, None])
        total, exposed = daily.cumsum(axis=1), np.maximum(np.arange(1, days + 1)[:, None] - came, 0).T
        known = exposed > 0
        looks = slice(10, None)
        count = [np.array((known & rows[:, None]).sum(axis=0))[looks] for rows in (treated, ~treated)]
        means = [(total * rows[:, None]).sum(axis=0)[looks] / n for rows, n in zip((treated, ~treated), count, strict=True)]
        squares = [(total**2 * rows[:, None]).sum(axis=0)[looks] / n for rows, n in zip((treated, ~treated), count, strict=True)]
        error = np.sqrt(sum((s - m**2) / n for s, m, n in zip(squares, means, count, strict=True)))
        z = np.abs(means[0] - means[1]) / error
        factors = [always_valid_factor(float(information), tuned_for=100_000.0) for information in exposed.sum(axis=0)[looks]]
        false += bool((z > factors).any())
        once += bool((z > 1.96).any())
    assert false <= 0.05 * runs
    assert once > 0.15 * runs  # what looking every day does to an interval that is made for one look


def test_a_one_sided_bound_holds_at_all_times_too():
    rng, runs, looks = np.random.default_rng(3), 2000, 100
    sums = rng.normal(size=(runs, looks)).cumsum(axis=1)
    n = np.arange(1, looks + 1)
    factor = np.array([always_valid_factor(float(k), tuned_for=50.0, sides=1) for k in n])
    crossed = (sums / np.sqrt(n) > factor).any(axis=1).mean()
    assert 0.0 < crossed <= 0.05


def test_a_real_effect_is_seen_for_good():
    rng = np.random.default_rng(4)
    arm = drawn(rng, 6000)
    effect = lift(outcomes(arm, rng.normal(size=6000) + 0.3 * (arm == Arm.TREATMENT)))
    assert effect.always_low > 0.0 and "better" in effect.sentence
    assert effect.always_low < effect.low < 0.3 < effect.high < effect.always_high


def test_what_was_known_before_takes_the_square_of_the_correlation_off_the_variance_and_biases_nothing():
    rng, runs, n = np.random.default_rng(5), 300, 1000
    plain, adjusted, left = [], [], []
    for _ in range(runs):
        before = rng.normal(size=n)
        arm = drawn(rng, n)
        values = 0.8 * before + 0.6 * rng.normal(size=n) + 0.1 * (arm == Arm.TREATMENT)  # correlation 0.8, effect 0.1
        effect = lift(outcomes(arm, values, before=before))
        adjusted.append(effect.difference)
        plain.append(lift(outcomes(arm, values)).difference)
        left.append(effect.variance_left)
    assert np.mean(left) == pytest.approx(1 - 0.8**2, abs=0.01)
    assert np.var(adjusted) / np.var(plain) == pytest.approx(0.36, abs=0.09)
    assert np.mean(adjusted) == pytest.approx(0.1, abs=4 * np.std(adjusted) / np.sqrt(runs))


def test_customers_with_two_customer_ids_who_buy_more_make_no_effect_where_there_is_none(shop):
    rng, n = np.random.default_rng(6), 60_000
    twice = rng.random(n) < 0.3
    catalogue = shop.catalogue(holdout=0.3)
    likely = np.where(twice, chances(2, catalogue)[Arm.HOLDOUT], 0.3)  # by hand 0.51
    held_out = rng.random(n) < likely
    values = 3.0 * twice + rng.normal(size=n)
    weight = 1 / np.where(held_out, likely, 1 - likely)
    arm = ARMS[(~held_out).astype(int)]
    naive, right = lift(outcomes(arm, values)), lift(outcomes(arm, values, weight=weight))
    assert naive.difference < -0.4  # the holdout looks richer
    assert abs(right.difference) < 3 * right.standard_error


def test_of_what_is_rare_a_small_holdout_without_any_is_no_proof():
    rng, runs = np.random.default_rng(7), 400
    arm = ARMS[np.repeat([1, 0], [900, 100])]
    always = once = 0
    for _ in range(runs):
        effect = lift(outcomes(arm, (rng.random(1000) < 0.01).astype(float), days=np.full(1000, 100.0)))
        always += not effect.always_low <= 0.0 <= effect.always_high
        once += not effect.low <= 0.0 <= effect.high
    assert always <= 0.05 * runs and once <= 0.05 * runs


def test_the_variance_of_what_is_rare_is_that_of_both_arms_together():
    effect = lift(outcomes(ARMS[np.repeat([1, 0], [100, 50])], np.repeat([1.0, 0.0], [10, 140])))
    # by hand: squares around the means 10 x 0.81 + 90 x 0.01 = 9 and 0; 9 / 150 x (1/100 + 1/50) = 0.0018
    assert effect.standard_error == pytest.approx(np.sqrt(0.0018))


def test_an_arm_of_one_customer_cannot_be_compared():
    with pytest.raises(TrainingError, match="holdout has 1 customers"):
        lift(outcomes(ARMS[[1, 1, 0]], np.arange(3.0)))
