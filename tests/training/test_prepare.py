from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from training.dataset import load_dataset
from training.prepare import prepare, with_probabilities


def test_the_controls_of_a_wave_whose_contacts_were_logged_had_their_chance_of_a_contact(log):
    # three tenths of the wave, by lot, were contacted and carry that probability; the others follow from the wave
    arm = (np.random.default_rng(2).random(len(log)) < 0.3).astype(np.int64)
    contacted = arm == 1
    wave = replace(
        log,
        arm=arm,
        wave=np.full(len(log), "w", dtype=object),
        implied=~contacted,
        estimated=~contacted,
        probability=np.where(contacted, 0.3, np.nan),
        probabilities=np.full((len(log), 2), np.nan),
    )
    complete, _ = with_probabilities(wave, seed=1)
    assert (complete.probability[contacted] == 0.3).all()
    assert complete.probability[~contacted].mean() == pytest.approx(0.7, abs=0.02)


def test_what_customers_did_since_the_last_closed_decision_gives_another_fingerprint(home):
    def prepared(until):
        given = {"catalogue": home.catalogue, "lake": home.lake, "store": home.store, "seed": 1}
        return prepare(**given, until=until, on_progress=lambda line: None)

    sooner, later = prepared(home.until - timedelta(days=5)), prepared(home.until)
    assert sooner.dataset.fingerprint == later.dataset.fingerprint
    assert sooner.fingerprint != later.fingerprint
    assert prepared(home.until).fingerprint == later.fingerprint


def test_what_is_lost_with_who_leaves_is_in_the_reward_where_the_catalogue_looks_so_far_ahead(home):
    objective = home.catalogue.objective.model_copy(update={"lifetime_days": 365})
    catalogue = home.catalogue.model_copy(update={"objective": objective})
    dataset = prepare(
        catalogue=catalogue, lake=home.lake, store=home.store, until=home.until, seed=1, on_progress=lambda line: None
    ).dataset
    plain = load_dataset(home.lake, home.store, catalogue, until=home.until)
    lost = plain.reward - dataset.reward
    assert (lost[plain.churned == 0] == 0).all()
    assert (lost[plain.churned == 1] > 0).all()
    # of the churn window's 56 days a customer who stays brings half the money as profit, 337 / 56 times over
    later = 0.5 * (365 - 28) / 56 * plain.value[plain.conversion > 0].mean()
    assert lost[plain.churned == 1].mean() == pytest.approx(later, rel=0.6)
