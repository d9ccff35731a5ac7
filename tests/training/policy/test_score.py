import numpy as np
import pytest

from features.catalogue import parse_catalogue
from features.errors import PolicyError
from training.policy import PriorScorer, Scores, net_value

CATALOGUE = parse_catalogue(
    {
        "touchpoints": [
            {"name": "web.cart", "stage": "purchase", "prior_uplift": 0.5},
            {"name": "mail.offer", "stage": "purchase", "recommendable": True, "prior_uplift": 0.1},
            {"name": "call.adviser", "stage": "purchase", "recommendable": True, "prior_uplift": -0.4},
        ]
    }
)


def test_net_value_is_uplift_times_value_times_margin_minus_cost():
    scores = Scores(np.array([[0.2, 0.3, 0.1], [0.0, 0.5, 1.0]]), np.array([100.0, 40.0]), np.zeros(2))
    # row 0: 0.1 x 100 x 0.5 - 2 = 3; -0.1 x 50 - 0.5 = -5.5. Row 1: 0.5 x 20 - 2 = 8; 1 x 20 - 0.5 = 19.5
    expected = [[0.0, 3.0, -5.5], [0.0, 8.0, 19.5]]
    np.testing.assert_allclose(net_value(scores, np.array([0.0, 2.0, 0.5]), margin=0.5), expected, atol=1e-12)


def test_doing_nothing_is_worth_exactly_zero_even_for_a_negative_value():
    scores = Scores(np.array([[0.3, 0.4]]), np.array([-7.0]), np.zeros(1))
    nothing = net_value(scores, np.array([0.0, 1.0]), margin=0.3)[0, 0]
    assert nothing == 0.0
    assert not np.signbit(nothing)


def test_the_prior_scorer_adds_the_catalogues_uplifts_to_the_base_rate_within_bounds():
    scores = PriorScorer.of(CATALOGUE, base_rate=0.3, value=25.0, churn=0.2).score(np.full((2, 4), np.nan))
    np.testing.assert_allclose(scores.propensity, [[0.3, 0.4, 0.0]] * 2)
    np.testing.assert_allclose(scores.uplift, [[0.0, 0.1, -0.3]] * 2)
    assert scores.value.tolist() == [25.0, 25.0]
    assert scores.churn.tolist() == [0.2, 0.2]


@pytest.mark.parametrize(
    ("propensity", "value", "churn", "message"),
    [
        ([[0.1, 0.2, 0.3]], [1.0], [0.0], "do not fit 2 arms"),
        ([[0.1, 0.2]], [1.0], [0.0, 0.0], "do not fit 2 arms"),
        ([[0.1, 1.2]], [1.0], [0.0], "outside"),
        ([[-0.1, 0.2]], [1.0], [0.0], "outside"),
        ([[0.1, np.nan]], [1.0], [0.0], "not a number"),
        ([[0.1, 0.2]], [np.inf], [0.0], "not a finite number"),
    ],
)
def test_scores_that_are_none_are_refused(propensity, value, churn, message):
    scores = Scores(np.array(propensity), np.array(value), np.array(churn))
    with pytest.raises(PolicyError, match=message):
        net_value(scores, np.array([0.0, 1.0]), margin=0.5)
