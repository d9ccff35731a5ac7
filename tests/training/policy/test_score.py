import numpy as np
import pytest

from features.catalogue import parse_catalogue
from features.errors import PolicyError
from training.policy import PriorScorer, Scores

CATALOGUE = parse_catalogue(
    {
        "touchpoints": [
            {"name": "web.cart", "stage": "purchase", "prior_uplift": 0.5},
            {"name": "mail.offer", "stage": "purchase", "recommendable": True, "prior_uplift": 0.1, "prior_unsubscribe": 0.01},
            {"name": "call.adviser", "stage": "purchase", "recommendable": True, "prior_uplift": -0.4, "prior_churn": 0.9},
        ]
    }
)


def test_the_prior_scorer_adds_the_catalogues_priors_to_the_base_rates_within_bounds():
    scores = PriorScorer.of(CATALOGUE, base_rate=0.3, value=25.0, churn=0.2, lifetime=90.0).score(np.full((2, 4), np.nan))
    np.testing.assert_allclose(scores.propensity, [[0.3, 0.4, 0.0]] * 2)
    np.testing.assert_allclose(scores.uplift, [[0.0, 0.1, -0.3]] * 2)
    np.testing.assert_allclose(scores.churn, [[0.2, 0.2, 1.0]] * 2)
    np.testing.assert_allclose(scores.churn_change, [[0.0, 0.0, 0.8]] * 2)
    np.testing.assert_allclose(scores.unsubscribe, [[0.0, 0.01, 0.0]] * 2)
    assert scores.value.tolist() == [25.0, 25.0]
    assert scores.lifetime.tolist() == [90.0, 90.0]


def test_what_is_not_known_of_the_scores_is_zero():
    scores = Scores.of(np.array([[0.1, 0.2]]), np.array([5.0]))
    assert not scores.churn.any() and not scores.unsubscribe.any() and not scores.lifetime.any()
    scores.check(2)


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({"propensity": [[0.1, 0.2, 0.3]]}, "propensity of shape"),
        ({"churn": [[0.1]]}, "churn of shape"),
        ({"lifetime": [1.0, 2.0]}, "lifetime of shape"),
        ({"propensity": [[0.1, 1.2]]}, "a propensity is outside"),
        ({"propensity": [[-0.1, 0.2]]}, "a propensity is outside"),
        ({"propensity": [[0.1, np.nan]]}, "not a number"),
        ({"churn": [[0.1, 1.5]]}, "a churn is outside"),
        ({"unsubscribe": [[0.0, np.nan]]}, "a unsubscribe is outside"),
        ({"value": [np.inf]}, "a value is not a finite number"),
        ({"recent_contacts": [np.nan]}, "a recent_contacts is not a finite number"),
    ],
)
def test_scores_that_are_none_are_refused(known, message):
    given = {"propensity": [[0.1, 0.2]], "value": [1.0]} | known
    arrays = {name: np.array(value) for name, value in given.items()}
    with pytest.raises(PolicyError, match=message):
        Scores.of(arrays.pop("propensity"), arrays.pop("value"), **arrays).check(2)
