from dataclasses import replace

import numpy as np
import pytest

from training.sides.churn import MeanEffects, churn_changes, churn_effects

PRIOR = np.array([0.0, -0.02])


def test_a_change_is_drawn_towards_its_prior_as_far_as_the_data_leave_it_open():
    effects = MeanEffects(means=np.array([0.0, 0.04, 0.04, np.nan]), errors=np.array([0.0, 0.01, 0.02, np.nan]))
    shrunk = effects.shrunk(np.array([0.0, 0.0, 0.0, -0.3]), prior_error=0.01)
    assert shrunk == pytest.approx([0.0, 0.02, 0.008, -0.3])


def test_an_arm_that_was_never_sent_keeps_its_prior(log):
    untried = log.where(log.arm == 0)
    assert churn_changes(untried, prior=PRIOR, seed=1).tolist() == PRIOR.tolist()


def test_where_churn_is_not_looked_at_the_prior_holds(log):
    unknown = replace(log, churned=np.full(len(log), np.nan))
    assert churn_changes(unknown, prior=PRIOR, seed=1).tolist() == PRIOR.tolist()


def test_decisions_without_a_choice_say_nothing_of_what_a_contact_changes(log):
    # all who were mailed because it was mandatory stay: were they compared with others, mail would seem to keep customers
    compelled = np.arange(len(log)) % 4 == 0
    forced = replace(
        log,
        eligible=np.where(compelled[:, None], [False, True], log.eligible),
        arm=np.where(compelled, 1, log.arm),
        probabilities=np.where(compelled[:, None], [0.0, 1.0], log.probabilities),
        churned=np.where(compelled, 0.0, log.churned),
    )
    effects, others = churn_effects(forced, seed=1), churn_effects(log.where(~compelled), seed=1)
    assert effects.means[1] == pytest.approx(others.means[1], abs=0.01)


def test_the_error_counts_customers_so_that_telling_everything_twice_proves_nothing_more(log):
    twice = np.r_[np.arange(len(log)), np.arange(len(log))]
    once, again = churn_effects(log, seed=1), churn_effects(log.where(twice), seed=1)
    assert again.errors[1] == pytest.approx(once.errors[1], rel=0.1)
