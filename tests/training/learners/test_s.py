from dataclasses import replace

import numpy as np
import pytest

from features.synthetic import logged_decisions, make_world
from training.arms import with_arms
from training.calibration import Calibration
from training.crossfit import cross_fit
from training.effects import raw_effects
from training.learners import Evidence
from training.learners.regression import Base, Task
from training.learners.s import fit_s
from training.models import BINARY, with_trees
from training.splits import customer_folds

CALL = 3


def correlation_of_call(dataset_of, *, share, alike):
    """Between what is learnt of the call and the truth, where all contacts change the same, or the call the opposite."""
    rng = np.random.default_rng(17)
    world = make_world(4000, rng=rng)
    effect = np.where(world.truth.types == 0, 0.3, 0.0)[:, None]
    signs = np.array([0.0, 1.0, 1.0, 1.0 if alike else -1.0, 1.0])
    propensity = np.clip(0.3 + effect * signs, 0.0, 1.0)
    world = replace(world, truth=replace(world.truth, propensity=propensity))
    rest = (1.0 - share) / 4
    log = logged_decisions(world, 6000, np.array([rest, rest, rest, share, rest]), rng)
    dataset = dataset_of(world, log)
    folds = customer_folds(dataset.customer_id, count=3, seed=1)
    inputs = with_arms(dataset.features, dataset.arm, dataset.arms)
    crossed = cross_fit(inputs, dataset.conversion, folds, recipe=with_trees(BINARY, 1), seed=1)
    evidence = Evidence.of(dataset, crossed, Calibration(BINARY.link), seed=1)
    terms = fit_s(evidence, Task(Base.LINEAR, seed=1, refit=True))
    learnt = raw_effects(terms, evidence.features, evidence.arms)[:, CALL]
    truth = propensity[log.customers, CALL] - propensity[log.customers, 0]
    return float(np.corrcoef(learnt, truth)[0, 1])


def test_an_arm_with_few_decisions_leans_on_the_others(dataset_of):
    assert correlation_of_call(dataset_of, share=0.02, alike=True) > 0.6


@pytest.mark.parametrize("alike", [True, False])
def test_an_arm_with_enough_decisions_speaks_for_itself(dataset_of, alike):
    assert correlation_of_call(dataset_of, share=0.25, alike=alike) > 0.6
