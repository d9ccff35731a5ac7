"""Is a policy personalized where customers differ, and only there, after a first log that is small and lopsided?

In the known world, and in the one where all customers are alike: 5,000 decisions, most of them of what costs little, and what the
policy that is learnt from them really earns.
"""

import numpy as np

from benchmarks.public import dataset_of, snapshots_of
from features.synthetic import World, costs_of, logged_decisions, make_world
from training.dataset import Dataset
from training.learn import learn
from training.policy import Terms, value_parts

LOGS, DECISIONS = 40, 5000
LOGGING = np.array([0.35, 0.30, 0.25, 0.02, 0.08])  # none, email, social, call, mail


def measure() -> dict[str, object]:
    """Both worlds."""
    return {
        "question": f"{LOGS} logs of {DECISIONS:,} decisions each; values are exact, per decision",
        "customers_differ": _played(homogeneous=False),
        "customers_are_alike": _played(homogeneous=True),
    }


def _played(*, homogeneous: bool) -> dict[str, object]:
    personalized, values, constants, oracles = 0, [], [], []
    for seed in range(LOGS):
        rng = np.random.default_rng(seed)
        world = make_world(DECISIONS, rng=rng, homogeneous=homogeneous)
        decisions = _logged(world, rng)
        learnt = learn(decisions, snapshots_of(decisions), world.catalogue, seed=seed)
        net_values = value_parts(learnt.scorer.score(world.covariates), Terms.of(world.catalogue)).net
        personalized += learnt.scorer is learnt.personal
        values.append(world.value_of(np.eye(len(LOGGING))[net_values.argmax(axis=1)]))
        constants.append(world.truth.reward.mean(axis=0).max())
        oracles.append(world.truth.reward.max(axis=1).mean())
    means = {"value": values, "best_constant": constants, "oracle": oracles}
    return {"personalized": personalized} | {name: round(float(np.mean(found)), 3) for name, found in means.items()}


def _logged(world: World, rng: np.random.Generator) -> Dataset:
    log = logged_decisions(world, DECISIONS, LOGGING, rng)
    money = (log.rewards + costs_of(world.catalogue)[log.actions]) / world.catalogue.objective.margin
    people = np.array(world.customers, dtype=object)[log.customers]
    bought, features = log.converted.astype(np.float64), world.covariates[log.customers]
    return dataset_of(world.catalogue, people, log.actions, np.array(log.all_probabilities), bought, money, log.rewards, features)
