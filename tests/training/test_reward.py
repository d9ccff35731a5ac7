import numpy as np
import pytest

from features.catalogue import parse_catalogue
from training.policy import Scores, Terms, value_parts
from training.reward import contact_columns, observed_reward, recent_contacts

CATALOGUE = parse_catalogue(
    {
        "objective": {"margin": 0.5, "unsubscribe_cost": 20.0, "fatigue_cost": 0.25},
        "touchpoints": [
            {"name": "mail.offer", "stage": "purchase", "recommendable": True, "cost": 1.0, "incentive": 3.0, "discount": 0.1},
            {"name": "call.adviser", "stage": "purchase", "recommendable": True, "cost": 8.0},
        ],
    }
)
TERMS = Terms.of(CATALOGUE)


def reward(arm, *, conversion=0, value=0.0, unsubscribed=0, recent=0.0):
    given = {"conversion": conversion, "value": value, "unsubscribed": unsubscribed, "recent_contacts": recent}
    return observed_reward(TERMS, np.array([arm]), **{name: np.array([float(each)]) for name, each in given.items()})[0]


def test_the_money_of_a_decision_is_what_came_in_less_what_it_took():
    assert reward(0, conversion=1, value=40.0) == 20.0
    assert reward(1, conversion=1, value=40.0) == pytest.approx(20.0 - 1.0 - 3.0 - 4.0)
    assert reward(2, conversion=1, value=40.0) == 20.0 - 8.0
    assert reward(1) == -1.0


def test_who_unsubscribes_costs_the_same_whatever_was_done_and_weariness_only_what_is_sent():
    assert reward(0, unsubscribed=1, recent=4.0) == -20.0
    assert reward(1, unsubscribed=1, recent=4.0) == -1.0 - 20.0 - 0.25 * 4.0


def test_the_mean_of_rewards_beyond_those_of_doing_nothing_is_the_net_value_that_a_policy_expects():
    # of 200,000 customers half get mail: 20 % instead of 10 % buy for 50, and 3 % instead of 1 % unsubscribe
    rng, n = np.random.default_rng(3), 200_000
    arm = rng.integers(2, size=n)
    conversion = (rng.random(n) < np.where(arm, 0.2, 0.1)).astype(np.float64)
    unsubscribed = (rng.random(n) < np.where(arm, 0.03, 0.01)).astype(np.float64)
    recent = np.full(n, 2.0)
    rewards = observed_reward(
        TERMS, arm, conversion=conversion, value=50 * conversion, unsubscribed=unsubscribed, recent_contacts=recent
    )
    expected = Scores.of(
        np.array([[0.1, 0.2, 0.0]]),
        np.array([50.0]),
        unsubscribe=np.array([[0.0, 0.02, 0.0]]),
        recent_contacts=np.array([2.0]),
    )
    gain = rewards[arm == 1].mean() - rewards[arm == 0].mean()
    error = np.sqrt(rewards[arm == 1].var() + rewards[arm == 0].var()) / np.sqrt(n / 2)
    assert abs(gain - value_parts(expected, TERMS).net[0, 1]) < 3 * error < 0.2


def test_recent_contacts_are_those_of_all_channels_and_none_where_nothing_is_known():
    names = ("any_30d_count", "contact_email_30d_count", "kind_contact_30d_count", "contact_sms_30d_count")
    columns = contact_columns(names)
    assert columns == (1, 3)
    features = np.array([[9.0, 1.5, 9.0, 0.5], [9.0, np.nan, 9.0, 2.0], [np.nan] * 4])
    assert recent_contacts(features, columns).tolist() == [2.0, 2.0, 0.0]
    assert recent_contacts(features, ()).tolist() == [0.0, 0.0, 0.0]
