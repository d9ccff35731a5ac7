"""In worlds whose truth is known: learners find what is there, effects are calibrated, and nothing is personalized in vain."""

import numpy as np
import pytest

from features.synthetic import logged_decisions, make_world
from training.arms import arm_columns, with_arms
from training.crossfit import fit_best
from training.learn import learn
from training.learners import CANDIDATES, Evidence, cross_fit_candidates, fit_line, shown_by_conversion
from training.models import BINARY
from training.policy import Terms, value_parts
from training.snapshots import Snapshots
from training.splits import customer_folds

LOGGING = np.array([0.4, 0.15, 0.15, 0.15, 0.15])
PRIOR = np.array([0.0, 0.02, 0.02, 0.1, 0.05])


def snapshots_of(dataset, most=1000):
    rows = np.arange(len(dataset)) < most
    part = dataset.where(rows)
    return Snapshots(
        customer_id=part.customer_id,
        at=part.at,
        churned=1.0 - part.conversion,
        converted=part.conversion > 0,
        value=part.value,
        later_value=part.value,
        features=part.features,
    )


def logged(dataset_of, n, *, seed, homogeneous=False):
    rng = np.random.default_rng(seed)
    world = make_world(n, rng=rng, homogeneous=homogeneous)
    return world, dataset_of(world, logged_decisions(world, n, LOGGING, rng))


@pytest.fixture(scope="module")
def world(dataset_of):
    return logged(dataset_of, 8000, seed=4)


@pytest.fixture(scope="module")
def effects(world):
    """Every learner's effects, by name."""
    dataset = world[1]
    folds = customer_folds(dataset.customer_id, count=3, seed=1)
    inputs, names = with_arms(dataset.features, dataset.arm, dataset.arms), arm_columns(dataset.feature_names, dataset.arms)
    fitted = fit_best(inputs, dataset.conversion, folds, recipe=BINARY, names=names, seed=1)
    evidence = Evidence.of(dataset, fitted.crossed, fitted.predictor.calibration, seed=1)
    raw = cross_fit_candidates(evidence, CANDIDATES, seed=1)
    lines = {name: fit_line(scores, shown_by_conversion(evidence), PRIOR) for name, scores in raw.items()}
    return {each.name: lines[each.name].effects(dataset.arms, each.terms(evidence, seed=1, refit=True)) for each in CANDIDATES}


def error(effects, fresh):
    true = fresh.truth.propensity - fresh.truth.propensity[:, :1]
    return float(((effects.uplift(fresh.covariates) - true)[:, 1:] ** 2).mean())


@pytest.fixture(scope="module")
def fresh():
    return make_world(10_000, rng=np.random.default_rng(77))


@pytest.mark.parametrize("name", [candidate.name for candidate in CANDIDATES if candidate.base is not None])
def test_every_learner_comes_nearer_to_the_true_effects_than_their_averages(effects, fresh, name):
    share = 0.95 if name.startswith("direct") else 0.8  # what is learnt directly is whom to send what, not by how much it helps
    assert error(effects[name], fresh) < share * error(effects["average effects"], fresh)


@pytest.mark.parametrize("name", ["x lightgbm", "dr lightgbm", "dr linear", "t linear", "s linear"])
def test_what_is_expected_to_differ_by_so_much_really_does(effects, fresh, name):
    expected, true = effects[name].uplift(fresh.covariates), fresh.truth.propensity - fresh.truth.propensity[:, :1]
    expected, true = expected - expected.mean(axis=0), true - true.mean(axis=0)
    slope = (expected * true)[:, 1:].sum() / (expected**2)[:, 1:].sum()
    assert slope == pytest.approx(1.0, abs=0.3)


def test_mean_effects_are_recovered(effects, fresh):
    true = (fresh.truth.propensity - fresh.truth.propensity[:, :1]).mean(axis=0)
    assert effects["average effects"].offsets == pytest.approx(true, abs=0.04)


def test_the_selected_policy_earns_more_than_the_best_constant_one_and_its_interval_holds_the_truth(world, fresh):
    known, dataset = world
    learnt = learn(dataset, snapshots_of(dataset), known.catalogue, seed=1)
    assert learnt.scorer is learnt.personal, learnt.selection.in_words()
    net = value_parts(learnt.scorer.score(fresh.covariates), Terms.of(known.catalogue)).net
    earned = fresh.truth.reward[np.arange(len(net)), net.argmax(axis=1)].mean()
    constants = fresh.truth.reward.mean(axis=0)
    best = constants[known.catalogue.arms.index(learnt.selection.constant.removeprefix("always "))]
    winner = next(entry for entry in learnt.selection.personalized if entry.name == learnt.name)
    assert earned > constants.max() + 0.15 * (fresh.truth.reward.max(axis=1).mean() - constants.max())
    assert winner.difference.low < earned - best < winner.difference.high


@pytest.mark.parametrize("seed", range(3))
def test_where_all_are_alike_one_touchpoint_is_chosen_for_all_and_it_is_said(dataset_of, seed):
    world, dataset = logged(dataset_of, 3000, seed=seed, homogeneous=True)
    learnt = learn(dataset, snapshots_of(dataset), world.catalogue, seed=seed)
    net = value_parts(learnt.scorer.score(world.covariates), Terms.of(world.catalogue)).net
    assert len(np.unique(net.argmax(axis=1))) == 1
    assert learnt.name == f"always {world.catalogue.arms[net[0].argmax()]}"
    assert "personalization cannot be distinguished from" in learnt.selection.reason
