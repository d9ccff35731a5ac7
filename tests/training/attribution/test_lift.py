import numpy as np
import pytest

from training.attribution.decisions import Drawn
from training.attribution.lift import LEAST, Whom, lifts


def drawn(n=4000, *, effect=0.2, chance=0.5, complete=True, seed=1):
    """One touchpoint; who has the feature converts more often, and is contacted with the chance, the others half as often."""
    rng = np.random.default_rng(seed)
    feature = rng.random(n) < 0.5
    contact = np.where(feature, chance, chance / 2)
    arm = (rng.random(n) < contact).astype(np.int64)
    table = np.column_stack([1 - contact, contact])
    converts = rng.random(n) < 0.1 + 0.4 * feature + effect * arm * feature
    return Drawn(
        arms=("none", "mail.offer"),
        arm=arm,
        probability=table[np.arange(n), arm],
        table=table if complete else np.full((n, 2), np.nan),
        possible=np.ones((n, 2), dtype=bool),
        customers=np.arange(n),
        conversions=converts.astype(float),
        values=25.0 * converts,
        features=feature[:, None].astype(float),
    )


def test_the_effect_on_those_contacted_weighs_customers_by_their_chance_of_a_contact():
    (lift,) = lifts(drawn(40_000), seed=1)
    # Those with the feature, whom a contact moves by 20 points, are two thirds of the contacted
    assert lift.whom is Whom.CONTACTED
    assert lift.conversions.low <= 0.2 * 2 / 3 <= lift.conversions.high
    assert lift.conversions.high - lift.conversions.low < 0.04
    assert lift.value.value == pytest.approx(25.0 * lift.conversions.value)


def test_the_effect_on_everybody_weighs_all_alike():
    (lift,) = lifts(drawn(40_000, complete=False), seed=1)
    assert lift.whom is Whom.EVERYBODY
    assert lift.conversions.low <= 0.1 <= lift.conversions.high
    assert lift.conversions.high < 0.2 * 2 / 3


def test_plain_comparison_would_have_been_fooled():
    found = drawn(40_000, effect=0.0)
    plain = found.conversions[found.arm == 1].mean() - found.conversions[found.arm == 0].mean()
    (lift,) = lifts(found, seed=1)
    assert plain > 0.05
    assert lift.conversions.low <= 0.0 <= lift.conversions.high


def test_where_contact_or_none_was_impossible_nothing_is_compared():
    found = drawn(2000)
    never = found.table.copy()
    never[:1000] = [0.0, 1.0]
    mandatory = Drawn(
        **{
            **{name: getattr(found, name) for name in Drawn.__slots__},
            "table": never,
            "arm": np.where(np.arange(2000) < 1000, 1, found.arm),
            "probability": np.where(np.arange(2000) < 1000, 1.0, found.probability),
        }
    )
    (lift,) = lifts(mandatory, seed=1)
    assert lift.conversions.n == 1000
    assert lift.decisions == int((found.arm[1000:] == 1).sum())


def test_of_too_few_decisions_nothing_is_said():
    assert lifts(drawn(LEAST), seed=1) == ()
    assert lifts(drawn(0), seed=1) == ()


def test_more_decisions_of_one_customer_do_not_make_the_effect_surer():
    found = drawn(2000)
    twice = np.tile(np.arange(2000), 5)
    repeated = {name: getattr(found, name) for name in Drawn.__slots__ if name != "arms"}
    often = Drawn(arms=found.arms, **{name: values[twice] for name, values in repeated.items()})
    (once,), (many,) = lifts(found, seed=1), lifts(often, seed=1)
    assert many.conversions.standard_error == pytest.approx(once.conversions.standard_error, rel=0.1)
