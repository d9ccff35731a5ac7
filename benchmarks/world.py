"""In a world whose truth is known: how much of what an oracle would gain does the whole loop learn, and at what price?

Every round each customer gets one decision of the real decider and answers it as the truth has it; then comes the real
retraining: journal, lake, Feast, learners, gate, MLflow. The peer is Vowpal Wabbit's SquareCB on the same customers, with the
same chances of what they answer, which learns from every answer at the end of its round; of several settings the best counts.

`WORLD="customers=1000 rounds=6" make bench ARGS=world` makes it smaller; `homogeneous=1` takes a world in which all are alike.
"""

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers import ask_peer
from features.settings import Settings
from features.synthetic import World, costs_of, make_world, purchase_values
from features.synthetic_records import COMPLAINT_RATES, OPEN_RATES, journeys, respond
from features.workspace import Workspace
from serving.assembly import Assembly, assemble
from serving.deciding.compose import Question
from serving.deciding.record import DecisionRecord
from training.retrain import retrain

START = datetime(2024, 1, 1, 12, tzinfo=UTC)
GAP = timedelta(days=35)  # every outcome window of 28 days is closed when the next round begins
CATALOGUE = """
[objective]
window_days = 28
margin = 0.5
churn_days = 28

[exploration]
sharpness = {sharpness}
growth = {growth}
floor = {floor}

[gate]
tolerance = {tolerance}
"""


def measure() -> dict[str, object]:
    """Play all rounds, ours and the peer's."""
    given = {"customers": 5000.0, "rounds": 20.0, "homogeneous": 0.0}
    given |= {"sharpness": 0.8, "growth": 1.1, "floor": 0.004, "tolerance": 0.3}
    given |= {name: float(value) for name, value in (pair.split("=") for pair in os.environ.get("WORLD", "").split())}
    rng = np.random.default_rng(3)
    world = make_world(int(given["customers"]), rng=rng, homogeneous=bool(given["homogeneous"]))
    rounds = int(given["rounds"])
    reward = world.truth.reward
    oracle, constant = float(reward.max(axis=1).mean()), float(reward.mean(axis=0).max())
    with TemporaryDirectory(prefix="touchpoint-") as folder:
        played = list(_play(world, Path(folder), rounds, given))
        peer = ask_peer("vowpal_world", requirements=("vowpalwabbit==9.11.9", "numpy<3"), arrays=_chances(world, rounds))
    values = np.array([value for value, _ in played])
    greedy = np.array([best for _, best in played])
    regret = float((oracle - values).sum() * len(world.index))
    return {
        "question": f"{rounds} rounds of {len(world.index):,} decisions",
        "oracle": round(oracle, 3),
        "best_constant": round(constant, 3),
        "values": [round(float(value), 3) for value in values],
        "share_of_oracles_gain_at_the_end": round((values[-1] - constant) / max(oracle - constant, 1e-9), 3),
        "without_exploration": round((greedy[-1] - constant) / max(oracle - constant, 1e-9), 3),
        "regret": round(regret),
        "regret_of_vowpal_wabbit": round(peer["best"]["regret"]),
        "its_setting": {name: peer["best"][name] for name in ("gamma_scale", "rate")},
        "ratio": round(regret / peer["best"]["regret"], 3),
    }


def _play(world: World, home: Path, rounds: int, given: dict[str, float]) -> Iterator[tuple[float, float]]:
    """Of each round, the true expected profit per decision, as it chose and as it would choose without exploration."""
    workspace, rng = _workspace(world, home, given), np.random.default_rng(7)
    workspace.journal.append_interactions(journeys(world, until=START, rng=rng))
    for number in range(rounds):
        at = START + number * GAP
        report = retrain(workspace, now=at, on_progress=lambda words: None) if number else None
        assembly = assemble(workspace)
        assembly.live.refresh()
        records = [_decide(assembly, customer, number, at) for customer in world.customers]
        happened = [
            each
            for record in records
            for each in respond(world, record.customer_id, record.chosen, at, rng, decision_id=record.decision_id)
        ]
        workspace.journal.append_interactions(happened)
        value, best = _values(world, records)
        words = (
            "priors" if report is None else f"{report.status}: {report.reasons[1] if len(report.reasons) > 1 else report.reasons}"
        )
        print(f"round {number}: {value:.3f} ({best:.3f} without exploration); {words}", file=sys.stderr, flush=True)
        yield value, best


def _workspace(world: World, home: Path, given: dict[str, float]) -> Workspace:
    tables = [CATALOGUE.format(**given)]
    for touchpoint in world.catalogue.touchpoints:
        keys = touchpoint.model_dump(mode="json", exclude_defaults=True)
        tables.append("[[touchpoints]]\n" + "\n".join(f"{key} = {_toml(value)}" for key, value in keys.items()))
    home.joinpath("catalogue.toml").write_text("\n".join(tables), encoding="utf-8")
    workspace = Workspace(Settings(home=home, features_max_age_seconds=365 * 86400.0))
    workspace.store.apply()
    return workspace


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool | float | int) else f'"{value}"'


def _decide(assembly: Assembly, customer: str, number: int, at: datetime) -> DecisionRecord:
    return assembly.decider.decide(Question(decision_id=f"{customer}/{number}", customer_id=customer, at=at), now=at)


def _values(world: World, records: list[DecisionRecord]) -> tuple[float, float]:
    arms = world.catalogue.arms
    rows = [world.index[record.customer_id] for record in records]
    probabilities = np.array(
        [[next(each.probability for each in record.candidates if each.touchpoint == arm) for arm in arms] for record in records]
    )
    priorities = np.array(
        [[next(each.priority for each in record.candidates if each.touchpoint == arm) for arm in arms] for record in records]
    )
    reward = world.truth.reward[rows]
    best = reward[np.arange(len(rows)), priorities.argmax(axis=1)]
    return float((probabilities * reward).sum(axis=1).mean()), float(best.mean())


def _chances(world: World, rounds: int) -> dict[str, NDArray[Any]]:
    """What the peer is told of the world, and the chances of everything that may happen in it."""
    rng, n, truth = np.random.default_rng(7), len(world.index), world.truth
    return {
        "covariates": world.covariates,
        "propensity": truth.propensity,
        "spends": truth.spends,
        "costs": costs_of(world.catalogue),
        "margin": np.array(world.catalogue.objective.margin),
        "draws": rng.random((rounds, n)),
        "buys": rng.random((rounds, n)),
        "opens": rng.random((rounds, n)),
        "complains": rng.random((rounds, n)),
        "amounts": np.array([purchase_values(truth.spends, rng) for _ in range(rounds)]),
        "open_rates": np.array(OPEN_RATES)[truth.types],
        "complaint_rates": np.array(COMPLAINT_RATES)[truth.types],
    }
