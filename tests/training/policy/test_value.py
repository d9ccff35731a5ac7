import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalogue import parse_catalogue
from features.errors import PolicyError
from training.policy import Scores, Terms, priorities, value_parts


def terms(k=3, **given):
    known = {"costs": np.zeros(k), "incentives": np.zeros(k), "discounts": np.zeros(k), "levers": np.ones(k), "margin": 0.5}
    return Terms(**(known | {name: np.array(value) if isinstance(value, list) else value for name, value in given.items()}))


def test_gain_is_uplift_times_value_times_margin_and_a_contact_costs_what_it_costs():
    scores = Scores.of(np.array([[0.2, 0.3, 0.1], [0.0, 0.5, 1.0]]), np.array([100.0, 40.0]))
    # row 0: 0.1 x 100 x 0.5 - 2 = 3; -0.1 x 50 - 0.5 = -5.5. Row 1: 0.5 x 20 - 2 = 8; 1 x 20 - 0.5 = 19.5
    parts = value_parts(scores, terms(costs=[0.0, 2.0, 0.5]))
    np.testing.assert_allclose(parts.net, [[0.0, 3.0, -5.5], [0.0, 8.0, 19.5]], atol=1e-12)
    np.testing.assert_allclose(parts.cost, [[0.0, 2.0, 0.5]] * 2)


def test_an_incentive_is_charged_on_all_treated_converters_sure_buyers_too():
    # a sure buyer: uplift nothing, and the coupon of 5 and a tenth of 80 are given away in 9 of 10 cases: 0.9 x (5 + 8) = 11.7
    parts = value_parts(
        Scores.of(np.array([[0.9, 0.9]]), np.array([80.0])), terms(2, incentives=[0.0, 5.0], discounts=[0.0, 0.1])
    )
    np.testing.assert_allclose(parts.incentive, [[0.0, 11.7]])
    np.testing.assert_allclose(parts.net, [[0.0, -11.7]])


def test_a_contact_that_keeps_customers_earns_their_lifetime_and_one_that_drives_them_away_costs_it():
    scores = Scores.of(np.full((1, 3), 0.1), np.array([10.0]), churn=np.array([[0.30, 0.25, 0.40]]), lifetime=np.array([200.0]))
    np.testing.assert_allclose(value_parts(scores, terms()).retention, [[0.0, 10.0, -20.0]])


def test_unsubscribing_and_one_more_contact_after_many_have_their_price():
    scores = Scores.of(
        np.full((1, 2), 0.1), np.array([10.0]), unsubscribe=np.array([[0.0, 0.02]]), recent_contacts=np.array([3.0])
    )
    # 0.02 x 50 + 3 x 0.1
    np.testing.assert_allclose(value_parts(scores, terms(2, unsubscribe_cost=50.0, fatigue_cost=0.1)).fatigue, [[0.0, 1.3]])


SHARES = st.floats(0.0, 1.0, allow_nan=False)
MONEY = st.floats(-1e4, 1e4, allow_nan=False)


@given(st.tuples(SHARES, SHARES), MONEY, st.tuples(SHARES, SHARES), st.floats(0, 1e4), SHARES, st.floats(0, 50))
def test_doing_nothing_is_worth_exactly_zero_and_the_parts_sum_to_the_net_value(propensity, value, churn, lifetime, lost, recent):
    scores = Scores.of(
        np.array([propensity]),
        np.array([value]),
        churn=np.array([churn]),
        lifetime=np.array([lifetime]),
        unsubscribe=np.array([[0.0, lost]]),
        recent_contacts=np.array([recent]),
    )
    found = terms(2, costs=[0.0, 1.0], incentives=[0.0, 2.0], discounts=[0.0, 0.1], unsubscribe_cost=9.0, fatigue_cost=0.5)
    parts = value_parts(scores, found)
    assert parts.net[0, 0] == 0.0
    assert not np.signbit(parts.net[0, 0])
    total = parts.gain + parts.retention - parts.cost - parts.incentive - parts.fatigue
    np.testing.assert_allclose(parts.net, total)


@given(st.floats(0, 50), st.floats(0, 50), SHARES)
def test_more_fatigue_never_makes_a_contact_worth_more(recent, more, propensity):
    def net(contacts):
        scores = Scores.of(np.array([[0.1, propensity]]), np.array([60.0]), recent_contacts=np.array([contacts]))
        return value_parts(scores, terms(2, fatigue_cost=0.2)).net[0, 1]

    assert net(recent + more) <= net(recent)


def test_a_lever_raises_what_is_worth_having_and_what_is_not_stays_behind_doing_nothing():
    weighed = priorities(np.array([[0.0, 2.0, -2.0]]), np.array([1.0, 3.0, 4.0]))
    assert weighed.tolist() == [[0.0, 6.0, -0.5]]
    assert priorities(np.array([[0.0, 2.0]]), np.ones(2)).tolist() == [[0.0, 2.0]]


def test_terms_come_from_the_catalogue_and_levers_that_cover_a_touchpoint_multiply():
    offer = {"name": "mail.offer", "stage": "purchase", "recommendable": True, "cost": 0.4, "incentive": 3.0, "discount": 0.1}
    call = {"name": "call.adviser", "stage": "purchase", "recommendable": True, "cost": 8.0}
    levers = [{"weight": 2.0}, {"channel": "call", "weight": 0.5}, {"touchpoint": "call.adviser", "weight": 3.0}]
    objective = {"margin": 0.3, "unsubscribe_cost": 20.0, "fatigue_cost": 0.05}
    found = Terms.of(parse_catalogue({"touchpoints": [offer, call], "levers": levers, "objective": objective}))
    assert found.costs.tolist() == [0.0, 0.4, 8.0]
    assert found.incentives.tolist() == [0.0, 3.0, 0.0]
    assert found.discounts.tolist() == [0.0, 0.1, 0.0]
    assert found.levers.tolist() == [1.0, 2.0, 3.0]
    assert (found.margin, found.unsubscribe_cost, found.fatigue_cost) == (0.3, 20.0, 0.05)


@pytest.mark.parametrize(
    "wrong", [{"costs": [1.0, 0.0, 0.0]}, {"costs": [0.0, np.nan, 0.0]}, {"incentives": [0.0]}, {"levers": [2.0, 1.0, 1.0]}]
)
def test_terms_that_do_not_fit_or_charge_for_doing_nothing_are_refused(wrong):
    with pytest.raises(PolicyError, match="doing nothing"):
        terms(**wrong)
