"""What holds for every learner on every base; a new one is one more entry of `CANDIDATES`."""

from dataclasses import replace

import numpy as np
import pytest

from features.synthetic import logged_decisions, make_world
from training.arms import arm_columns, with_arms
from training.artifact import Provenance, read_artifact, write_artifact
from training.calibration import Calibration, Link
from training.crossfit import fit_best
from training.learners import AVERAGE, CANDIDATES, Evidence, cross_fit_candidates, fit_line, shown_by_conversion
from training.linear import Linear
from training.models import BINARY, Predictor
from training.policy import Policy
from training.sides import Sides
from training.splits import customer_folds
from training.uplift import UpliftScorer

LOGGING = np.array([0.35, 0.3, 0.0, 0.05, 0.3])  # nobody has ever got the second arm
PRIOR = np.array([0.0, 0.02, 0.07, 0.1, 0.05])


@pytest.fixture(scope="module")
def evidence(dataset_of):
    rng = np.random.default_rng(3)
    world = make_world(3000, rng=rng)
    dataset = dataset_of(world, logged_decisions(world, 3000, LOGGING, rng))
    eligible = dataset.eligible.copy()
    eligible[:, 3] = (rng.random(len(dataset)) < 0.5) | (dataset.arm == 3)
    gaps = np.where(rng.random(dataset.features.shape) < 0.1, np.nan, dataset.features)
    dataset = replace(dataset, eligible=eligible, features=gaps)
    folds = customer_folds(dataset.customer_id, count=3, seed=1)
    inputs, names = with_arms(dataset.features, dataset.arm, dataset.arms), arm_columns(dataset.feature_names, dataset.arms)
    fitted = fit_best(inputs, dataset.conversion, folds, recipe=BINARY, names=names, seed=1)
    return Evidence.of(dataset, fitted.crossed, fitted.predictor.calibration, seed=1)


@pytest.fixture(scope="module", params=CANDIDATES, ids=lambda candidate: candidate.name)
def learnt(request, evidence):
    """A candidate, its out-of-fold scores, and its effects; those that found nothing get a slope, so that they are tested too."""
    candidate = request.param
    raw = cross_fit_candidates(evidence, [candidate], seed=5)[candidate.name]
    line = fit_line(raw, shown_by_conversion(evidence), PRIOR)
    line = replace(line, slope=max(line.slope, 0.01))
    return candidate, raw, line.effects(evidence.arms, candidate.terms(evidence, seed=5, refit=True))


def test_every_learner_tells_customers_apart_out_of_fold(learnt, evidence):
    candidate, raw, _ = learnt
    assert raw.shape == evidence.eligible.shape
    assert np.isfinite(raw).all()
    assert (raw[:, [0, 2]] == 0.0).all()
    assert (raw.std(axis=0)[[1, 4]] > 0).all() == (candidate is not AVERAGE)


def test_every_learner_leaves_nothing_to_an_arm_that_was_never_tried_but_its_prior(learnt, evidence):
    uplift = learnt[2].uplift(evidence.features)
    assert uplift[:, 2] == pytest.approx(np.full(len(evidence), 0.07))
    assert (uplift[:, 0] == 0.0).all()


def test_every_learners_contributions_sum_to_its_uplift(learnt, evidence):
    _, _, effects = learnt
    features = evidence.features[:200]
    for arm in range(1, 5):
        parts = effects.contributions(features, arm)
        assert parts.shape == (200, features.shape[1] + 1)
        np.testing.assert_allclose(parts.sum(axis=1), effects.uplift(features)[:, arm], rtol=0, atol=1e-6)


def test_every_learner_repeats_itself(learnt, evidence):
    candidate, raw, effects = learnt
    again = candidate.terms(evidence, seed=5, refit=True)
    assert [term.model.text for term in again] == [term.model.text for term in effects.terms]
    assert [term.weights for term in again] == [term.weights for term in effects.terms]
    assert (cross_fit_candidates(evidence, [candidate], seed=5)[candidate.name] == raw).all()


def test_every_learner_judges_customers_that_it_has_not_seen(learnt, evidence):
    candidate, raw, _ = learnt
    fold = evidence.folds == 0
    other = replace(evidence, conversion=np.where(fold, 1 - evidence.conversion, evidence.conversion))
    other = replace(other, effects=np.where(fold[:, None], -evidence.effects, evidence.effects))
    other = replace(other, money=np.where(fold[:, None], -evidence.money, evidence.money))
    assert (cross_fit_candidates(other, [candidate], seed=5)[candidate.name][fold] == raw[fold]).all()


def test_every_learners_policy_is_the_same_after_writing_and_reading(learnt, evidence, tmp_path):
    candidate, _, effects = learnt
    world = make_world(10, rng=np.random.default_rng(0))
    width, k = evidence.features.shape[1], len(evidence.arms)

    def constant(value, columns=width):
        return Predictor(Linear.constant(columns, value), Calibration(Link.IDENTITY))

    scorer = UpliftScorer(
        arms=evidence.arms,
        feature_names=tuple(f"f{index}" for index in range(width)),
        conversion=constant(0.3, width + k - 1),
        effects=effects,
        sides=Sides(
            {"value": constant(60.0), "churn": constant(0.1)},
            {"churn_change": (0.0,) * k, "unsubscribe": (0.0,) * k, "contact_columns": ()},
        ),
    )
    policy = Policy.of(world.catalogue, scorer, name=candidate.name, version="unregistered")
    now = np.datetime64("2024-05-01").astype("datetime64[us]").item()
    provenance = Provenance(
        fingerprint="f", catalogue_version="c", created_at=now, trained_until=now, selection=f"personalized by {candidate.name}"
    )
    digest = write_artifact(tmp_path / "policy", policy, provenance)
    again = read_artifact(tmp_path / "policy", digest, catalogue=world.catalogue, version="1")
    before, after = (each.decide(evidence.features, evidence.eligible) for each in (policy, again))
    assert (before.probabilities == after.probabilities).all()
    assert (before.scores.uplift == after.scores.uplift).all()
