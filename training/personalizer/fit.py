"""Learns the model of rank events from the journal, and puts it in force.

A ridge regression of the reward on the hashed features of what was shown: the regression that inverse gap weighting asks for.
"""

import json
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from features.errors import ArtifactError
from features.workspace import Workspace
from training.personalizer.events import RankEvent, RewardRules, closed_events
from training.personalizer.hashing import BITS, Columns, columns_of, stacked
from training.personalizer.model import RankModel, model_path, read_model, write_model

MOST_EVENTS = 100_000
"""Learnt from are the latest ones, up to this number."""

ALPHA = 1.0
"""Of the ridge penalty, on columns scaled to at most 1: as much as one event says."""


@dataclass(frozen=True, slots=True)
class LearntRanks:
    """What was learnt.

    Attributes
    ----------
    events : how many it was learnt from.
    rewarded : for how many of them a reward came.
    mean_reward : of all of them.
    version : of the model that is in force now.
    new : whether it changed.
    """

    events: int
    rewarded: int
    mean_reward: float
    version: str
    new: bool


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is kept of an event to learn from it."""

    event_id: str
    columns: Columns
    reward: float
    rewarded: bool


def learn_ranks(workspace: Workspace, *, now: datetime, on_progress: Callable[[str], None]) -> LearntRanks | None:
    """Learn from all rank events that are closed by `now`, and put the model in force; None where there are none.

    From the events that the model in force was learnt from, nothing is learnt again.
    """
    rules = RewardRules.of(workspace.settings)
    shown = deque((_shown(event) for event in closed_events(workspace.journal.ranks, rules, now=now)), maxlen=MOST_EVENTS)
    if not shown:
        return None
    rewards = np.array([each.reward for each in shown])
    fingerprint = _fingerprint(shown)
    path = model_path(workspace.settings)
    new = _fingerprint_in_force(workspace) != fingerprint
    if new:
        on_progress(f"learning from {len(shown):,} rank events")
        model = fit([each.columns for each in shown], rewards, fingerprint=fingerprint)
        _log(workspace, model, rewards, rules, now=now)
        write_model(model, path)
    return LearntRanks(
        events=len(shown),
        rewarded=sum(each.rewarded for each in shown),
        mean_reward=float(rewards.mean()),
        version=fingerprint[:12],
        new=new,
    )


def fit(rows: Sequence[Columns], rewards: NDArray[np.float64], *, fingerprint: str) -> RankModel:
    """The model of these rows and their rewards.

    Parameters
    ----------
    rewards : shape (n,), from -1 to 1.
    """
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import Ridge

    ends, columns, values = stacked(rows)
    used, position = np.unique(columns, return_inverse=True)
    largest = np.zeros(len(used))
    np.maximum.at(largest, position, np.abs(values))
    scale = np.where(largest > 0.0, largest, 1.0)
    inputs = csr_matrix((values / scale[position], position, ends), shape=(len(rows), len(used)))
    ridge = Ridge(alpha=ALPHA, solver="sparse_cg", tol=1e-6).fit(inputs, rewards)
    weights = np.zeros(1 << BITS)
    weights[used] = ridge.coef_ / scale
    return RankModel(weights, float(ridge.intercept_), len(rows), fingerprint)


def _shown(event: RankEvent) -> _Shown:
    question = event.question
    (columns,) = columns_of(question.context, [question.actions[event.chosen]])
    return _Shown(event.event_id, columns, event.reward, event.rewarded)


def _fingerprint(shown: Iterable[_Shown]) -> str:
    digest = sha256()
    for each in shown:
        digest.update(json.dumps([each.event_id, each.reward]).encode())
    return digest.hexdigest()


def _fingerprint_in_force(workspace: Workspace) -> str | None:
    try:
        model = read_model(model_path(workspace.settings))
    except ArtifactError:
        return None  # what cannot be read is written anew
    return None if model is None else model.fingerprint


def _log(workspace: Workspace, model: RankModel, rewards: NDArray[np.float64], rules: RewardRules, *, now: datetime) -> None:
    from training.registry import Registry

    registry = Registry(workspace.settings)
    with registry.run(f"rank events {now:%Y-%m-%d %H:%M}") as run:
        told = {"wait_seconds": rules.wait.total_seconds(), "default": rules.default, "aggregation": rules.aggregation}
        registry.log_parameters(run, told | {"alpha": ALPHA, "fingerprint": model.fingerprint})
        registry.log_values(run, {"events": float(model.events), "mean_reward": float(rewards.mean())})
        registry.log_text(run, "model.json", model.as_json())
