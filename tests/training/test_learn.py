from dataclasses import replace

import numpy as np
import pytest

from features.catalogue import parse_catalogue
from features.errors import TrainingError
from training.learn import learn
from training.learners import CANDIDATES
from training.snapshots import Snapshots

CATALOGUE = parse_catalogue(
    {
        "objective": {"margin": 0.5},
        "touchpoints": [{"name": "mail.offer", "stage": "purchase", "recommendable": True, "cost": 1.0, "prior_uplift": 0.03}],
    }
)


def snapshots_of(log):
    return Snapshots(
        customer_id=log.customer_id,
        at=log.at,
        churned=1.0 - log.conversion,
        converted=log.conversion > 0,
        value=log.value,
        later_value=log.value,
        features=log.features,
    )


@pytest.fixture(scope="module")
def learnt(log):
    return learn(log, snapshots_of(log), CATALOGUE, seed=1)


@pytest.fixture(scope="module")
def scorer(learnt):
    return learnt.scorer


def test_a_learner_that_earns_more_beyond_doubt_is_chosen_and_said_to_be(learnt):
    assert learnt.scorer is learnt.personal
    assert learnt.name in {candidate.name for candidate in CANDIDATES}
    assert learnt.selection.reason.startswith(f"personalized by {learnt.name}: better than always ")


def test_the_uplift_of_a_confounded_log_is_recovered_in_sign_and_size(log, scorer):
    uplift = scorer.score(log.features).uplift[:, 1]
    helped = log.features[:, 3] > 0
    assert uplift[helped].mean() == pytest.approx(0.15, abs=0.06)
    assert uplift[~helped].mean() == pytest.approx(-0.15, abs=0.06)


def test_scores_are_what_the_policy_asks_for(log, scorer):
    scores = scorer.score(log.features[:10])
    assert scores.propensity.shape == (10, 2)
    assert ((scores.propensity >= 0) & (scores.propensity <= 1)).all()
    assert scores.value == pytest.approx(np.full(10, 40.0), rel=0.05)
    assert ((scores.churn > 0) & (scores.churn < 1)).all()


def test_one_row_is_scored_as_in_a_batch(log, scorer):
    batch = scorer.score(log.features[:50])
    alone = [scorer.score(log.features[row : row + 1]) for row in range(50)]
    assert (np.vstack([scores.propensity for scores in alone]) == batch.propensity).all()
    assert (np.concatenate([scores.value for scores in alone]) == batch.value).all()


def test_contributions_sum_to_the_uplift_and_name_the_feature_that_drives_it(log, scorer):
    rows = log.features[:200]
    contributions = scorer.contributions(rows, 1)
    assert contributions.shape == (200, len(log.feature_names) + 1)
    assert contributions.sum(axis=1) == pytest.approx(scorer.effects.uplift(rows)[:, 1], abs=1e-9)
    assert np.abs(contributions[:, :-1]).mean(axis=0).argmax() == 3


def test_learning_twice_gives_the_same_models(log, learnt):
    again = learn(log, snapshots_of(log), CATALOGUE, seed=1)
    assert again.scorer == learnt.scorer
    assert again.selection == learnt.selection


def test_where_nothing_can_be_told_everybody_is_treated_alike_and_it_is_said(log):
    few = log.where(np.arange(len(log)) < 200)
    learnt = learn(few, snapshots_of(few), CATALOGUE, seed=1)
    assert learnt.name in ("always none", "always mail.offer")
    assert f"cannot be distinguished from {learnt.name}" in learnt.selection.reason
    scores = learnt.scorer.score(log.features)
    assert len(np.unique(scores.propensity, axis=0)) == 1 and len(np.unique(scores.value)) == 1
    assert len(np.unique(learnt.personal.score(log.features).propensity[:, 0])) > 10


def test_an_arm_that_was_never_sent_keeps_its_prior(log):
    untried = log.where(log.arm == 0)
    learnt = learn(untried, snapshots_of(untried), CATALOGUE, seed=1)
    for scorer in (learnt.scorer, learnt.personal):
        assert scorer.effects.offsets == (0.0, pytest.approx(0.03))
        assert scorer.effects.terms == ()


def test_too_few_decisions_are_refused(log):
    few = log.where(np.arange(len(log)) < 30)
    with pytest.raises(TrainingError, match="30 closed decisions of 30 customers are too few"):
        learn(few, snapshots_of(few), CATALOGUE, seed=1)


@pytest.mark.parametrize(("label", "word"), [(0.0, "no conversion"), (1.0, "a conversion")])
def test_decisions_that_all_ended_alike_are_refused(log, label, word):
    alike = replace(log, conversion=np.full(len(log), label))
    with pytest.raises(TrainingError, match=word):
        learn(alike, snapshots_of(log), CATALOGUE, seed=1)


def test_conversions_without_value_are_refused(log):
    worthless = replace(log, value=np.zeros(len(log)))
    with pytest.raises(TrainingError, match="no conversion has a value"):
        learn(worthless, snapshots_of(worthless), CATALOGUE, seed=1)


def test_decisions_without_a_choice_are_refused(log):
    forced = replace(log, eligible=log.eligible & [True, False])
    with pytest.raises(TrainingError, match="besides none"):
        learn(forced, snapshots_of(log), CATALOGUE, seed=1)


def test_of_many_decisions_a_sample_of_whole_customers_teaches(log):
    few = learn(log, snapshots_of(log), CATALOGUE, seed=1, most=len(log) // 2)
    sampled = log.sampled(len(log) // 2, seed=1)
    assert len(log) // 3 < len(sampled) <= len(log) // 2
    assert learn(sampled, snapshots_of(log), CATALOGUE, seed=1).selection == few.selection
