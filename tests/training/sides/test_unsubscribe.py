from dataclasses import replace

import numpy as np
import pytest

from training.policy import Scores, Terms, value_parts
from training.reward import contact_columns
from training.sides import Sides
from training.sides.unsubscribe import contact_direction, fit_unsubscribe, unsubscribe_rates

NAMES = (
    "any_30d_count",
    "contact_mail_7d_count",
    "contact_mail_30d_count",
    "kind_contact_recency_days",
    "kind_complaint_30d_count",
    "response_mail_30d_rate",
)


def told(log, arm, unsubscribed, probabilities):
    n = len(arm)
    rows = log.where(np.arange(len(log)) < n)
    return replace(rows, arm=np.array(arm), unsubscribed=np.array(unsubscribed, dtype=float), probabilities=probabilities)


def test_a_rate_is_what_followed_the_contact_beyond_what_followed_nothing_smoothed_by_the_prior(log):
    # 8 of 200 mailed unsubscribe and 2 of 200 others; the prior of 2 % counts as 100 decisions with 2 more
    arm, unsubscribed = [1] * 200 + [0] * 200, [1] * 8 + [0] * 192 + [1] * 2 + [0] * 198
    rows = told(log, arm, unsubscribed, np.full((400, 2), 0.5))
    assert unsubscribe_rates(rows, prior=np.array([0.0, 0.02])) == pytest.approx([0.0, 10 / 300 - 2 / 300])


def test_a_rate_is_that_of_all_customers_not_of_those_whom_the_sender_preferred(log):
    # 1,500 patient customers, mailed nine times in ten, never unsubscribe; of 1,500 others, mailed one time in ten, half do
    patient = np.arange(3000) < 1500
    chance = np.where(patient, 0.9, 0.1)
    arm = (np.arange(3000) % 10 < chance * 10).astype(np.int64)
    unsubscribed = (arm == 1) & ~patient & (np.arange(3000) % 20 == 0)
    rows = told(log, arm, unsubscribed, np.column_stack([1 - chance, chance]))
    size = 3000**2 / (1350 / 0.9**2 + 150 / 0.1**2)  # the weights' sum squared over their squares' sum
    assert unsubscribe_rates(rows, prior=np.zeros(2))[1] == pytest.approx(0.25 * size / (size + 100))


def test_a_contact_that_seems_to_keep_subscribers_has_a_rate_of_zero_and_one_never_sent_its_prior(log):
    rows = told(log, [1, 0] * 200, [0, 1] * 200, np.full((400, 2), 0.5))
    assert unsubscribe_rates(rows, prior=np.zeros(2)).tolist() == [0.0, 0.0]
    nobody = told(log, [0] * 400, [0] * 400, np.tile([0.5, 0.5], (400, 1)))
    assert unsubscribe_rates(nobody, prior=np.array([0.0, 0.03])) == pytest.approx([0.0, 0.03])


def test_whom_it_happens_to_is_learnt_only_where_it_happened_often_enough(log):
    contacted = np.flatnonzero(log.arm == 1)
    for events, learnt in ((49, False), (50, True)):
        unsubscribed = np.zeros(len(log))
        unsubscribed[contacted[:events]] = 1.0
        assert (fit_unsubscribe(replace(log, unsubscribed=unsubscribed), seed=1) is not None) == learnt
    everybody = replace(log, unsubscribed=np.ones(len(log)))
    assert fit_unsubscribe(everybody, seed=1) is None


def test_every_feature_that_a_contact_moves_is_bounded_or_left_out():
    assert [contact_direction(name) for name in NAMES] == [None, 1, 1, -1, 0, None]


def world(log, slope, *, seed=0):
    """Counts of contacts on which the log-odds of unsubscribing depend by `slope`, and complaints that raise them."""
    rng, n = np.random.default_rng(seed), len(log)
    week, month = rng.poisson(1.0, n), rng.poisson(3.0, n)
    complaints = rng.poisson(0.3, n)
    features = np.column_stack([week + month, week, month, 30 / (1 + month), complaints, 1 / (2 + month)]).astype(float)
    chance = 1 / (1 + np.exp(3.0 - slope * (month - 3) - 1.2 * complaints))
    unsubscribed = ((rng.random(n) < chance) & (log.arm == 1)).astype(np.float64)
    return replace(log, feature_names=NAMES, features=features, unsubscribed=unsubscribed)


def wearier(features, step):
    """The same customers after `step` more contacts."""
    more = features.copy()
    more[:, :3] += step
    more[:, 3] = np.minimum(more[:, 3], 30 / (1 + step))
    more[:, 5] /= 1 + step
    return more


@pytest.mark.parametrize("slope", [0.4, 0.0, -0.4], ids=["wearies", "does nothing", "seems to please"])
def test_more_fatigue_never_means_more_contact_whatever_the_log_seems_to_say(log, slope):
    rows = world(log, slope)
    predictor = fit_unsubscribe(rows, seed=1)
    mean = float(predictor.predict(rows.features).mean())
    terms = Terms(
        costs=np.zeros(2),
        incentives=np.zeros(2),
        discounts=np.zeros(2),
        levers=np.ones(2),
        margin=0.5,
        unsubscribe_cost=10.0,
        fatigue_cost=0.01,
    )
    net = []
    for step in range(6):
        features = wearier(rows.features, step)
        relative = predictor.predict(features) / mean
        scores = Scores.of(
            np.tile([0.1, 0.15], (len(log), 1)),
            np.full(len(log), 40.0),
            unsubscribe=np.clip(relative[:, None] * [0.0, 0.05], 0.0, 1.0),
            recent_contacts=features[:, list(contact_columns(NAMES))].sum(axis=1),
        )
        net.append(value_parts(scores, terms).net[:, 1])
    assert (np.diff(np.array(net), axis=0) < 0).all()


def test_who_is_wearier_and_who_complains_is_likelier_to_unsubscribe(log):
    rows = world(log, 0.4)
    predicted = fit_unsubscribe(rows, seed=1).predict(rows.features)
    weary, content = rows.features[:, 2] >= 5, rows.features[:, 2] <= 1
    assert predicted[weary].mean() > 1.5 * predicted[content].mean()
    assert predicted[rows.features[:, 4] >= 2].mean() > 1.5 * predicted[rows.features[:, 4] == 0].mean()


def test_the_rates_are_refined_by_customer_and_keep_their_mean(log):
    rows = world(log, 0.4)
    predictor = fit_unsubscribe(rows, seed=1)
    mean = float(predictor.predict(rows.features).mean())
    numbers = {"churn_change": (0.0, 0.0), "unsubscribe": (0.0, 0.05), "unsubscribe_mean": (mean,), "contact_columns": (2.0,)}
    sides = Sides({"value": predictor, "churn": predictor, "unsubscribe": predictor}, numbers)
    scores = sides.scores(rows.features, np.full((len(log), 2), 0.1))
    assert (scores.unsubscribe[:, 0] == 0).all()
    assert scores.unsubscribe[:, 1].mean() == pytest.approx(0.05, rel=1e-6)
    assert scores.unsubscribe[:, 1].std() > 0.01
    assert (scores.recent_contacts == rows.features[:, 2]).all()
