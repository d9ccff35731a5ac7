import numpy as np
import pytest

from training.attribution.against import Verdict, against_lift, errors_of_models
from training.attribution.credit import Credit
from training.attribution.lift import Lift, Whom
from training.ope.estimate import Estimate


def lift(touchpoint, value, spread):
    estimate = Estimate(
        name="lift",
        value=value,
        standard_error=spread,
        low=value - 2 * spread,
        high=value + 2 * spread,
        level=0.95,
        effective_sample_size=100.0,
        max_weight=2.0,
        clipped=0.0,
        overlap=1.0,
        n=100,
    )
    return Lift(touchpoint=touchpoint, whom=Whom.CONTACTED, decisions=50, conversions=estimate, value=estimate)


NAMES = ("mail", "email", "call", "web")
LIFTS = (lift("mail", 0.10, 0.01), lift("email", 0.02, 0.02), lift("call", 0.30, 0.05))
CONTACTS = {"mail": 100.0, "email": 200.0, "call": 100.0}


def credit(model, *conversions):
    return Credit(model=model, conversions=np.array(conversions), values=np.zeros(4))


def test_credit_outside_the_interval_is_too_much_or_too_little():
    compared = against_lift([credit("rule", 50.0, 8.0, 10.0, 99.0)], NAMES, LIFTS, CONTACTS)
    assert [(each.touchpoint, each.credit, each.verdict) for each in compared] == [
        ("mail", 0.5, Verdict.TOO_MUCH),
        ("email", 0.04, Verdict.UNCLEAR),  # inside -0.02 to 0.06, and so is nothing
        ("call", 0.1, Verdict.TOO_LITTLE),
    ]
    (right,) = against_lift([credit("rule", 11.0, 0.0, 0.0, 0.0)], NAMES, LIFTS[:1], CONTACTS)
    assert right.verdict is Verdict.AGREES


def test_touchpoints_without_contacts_or_that_nobody_met_are_not_compared():
    assert against_lift([credit("rule", 1.0, 1.0, 1.0, 1.0)], NAMES, LIFTS, {"mail": 0.0}) == ()
    assert against_lift([credit("rule", 1.0, 1.0, 1.0, 1.0)], ("other",) * 4, LIFTS, CONTACTS) == ()


def test_models_are_ranked_by_their_error_weighted_by_contacts():
    compared = against_lift([credit("far", 50.0, 8.0, 10.0, 0.0), credit("near", 10.0, 8.0, 26.0, 0.0)], NAMES, LIFTS, CONTACTS)
    near, far = errors_of_models(compared)
    assert (near.model, far.model) == ("near", "far")
    # 0, 0.02 and 0.04 off, with weights 1/4, 1/2, 1/4
    assert near.error == pytest.approx((0.5 * 0.02**2 + 0.25 * 0.04**2) ** 0.5)
    assert near.noise == pytest.approx((0.25 * 0.01**2 + 0.5 * 0.02**2 + 0.25 * 0.05**2) ** 0.5)
    assert near.rank_correlation == pytest.approx(1.0)
    assert far.rank_correlation == pytest.approx(0.5)  # ranks 3, 1, 2 against 2, 1, 3
    assert near.factor == pytest.approx(44.0 / 44.0)
    assert far.verdicts == {Verdict.TOO_MUCH: 1, Verdict.TOO_LITTLE: 1, Verdict.AGREES: 0, Verdict.UNCLEAR: 1}


def test_where_nothing_was_brought_there_is_no_factor_and_two_touchpoints_have_no_order():
    none = (lift("mail", -0.1, 0.01), lift("email", 0.0, 0.01))
    (error,) = errors_of_models(against_lift([credit("rule", 1.0, 1.0, 0.0, 0.0)], NAMES, none, CONTACTS))
    assert (error.factor, error.rank_correlation) == (None, None)
