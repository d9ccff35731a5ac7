"""Decisions as dsjson, one line of JSON each, as Vowpal Wabbit reads them with `--dsjson --cb_explore_adf`.

References
----------
Vowpal Wabbit wiki, "Decision Service JSON format".
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from features.domain import NONE
from features.instants import moment
from features.tables import Feature
from serving.exporting.decisions import LoggedDecisions
from training.personalizer import RankEvent


def decision_lines(decisions: LoggedDecisions) -> Iterator[str]:
    """One line per decision: the customer's features are shared, the eligible touchpoints are the actions."""
    dataset, arms = decisions.dataset, [_touchpoint(decisions, arm) for arm in decisions.dataset.arms]
    for row in range(len(dataset)):
        candidates = np.flatnonzero(dataset.eligible[row])
        customer = _customer(decisions.features, dataset.features[row])
        yield _line(
            event_id=str(dataset.decision_id[row]),
            at=moment(int(dataset.at[row])),
            context={"Customer": customer, "_multi": [arms[index] for index in candidates]},
            chances=dataset.probabilities[row, candidates].tolist(),
            chosen=int(np.flatnonzero(candidates == dataset.arm[row])[0]),
            reward=float(dataset.reward[row]),
            policy=decisions.policies[row],
        )


def rank_lines(events: Iterator[RankEvent]) -> Iterator[str]:
    """One line per rank event, with namespaces as Azure Personalizer's own logs have them; what was excluded is left out."""
    for event in events:
        free = np.flatnonzero(event.question.eligible).tolist()
        actions = [event.question.actions[index] for index in free]
        multi = [{"_tag": each.id, "i": {"constant": 1, "id": each.id}, "j": each.features} for each in actions]
        yield _line(
            event_id=event.event_id,
            at=event.at,
            context={"FromUrl": event.question.context, "_multi": multi},
            chances=[event.probabilities[index] for index in free],
            chosen=free.index(event.chosen),
            reward=event.reward,
            policy=event.policy,
        )


def _line(
    *,
    event_id: str,
    at: datetime,
    context: Mapping[str, Any],
    chances: Sequence[float],
    chosen: int,
    reward: float,
    policy: str,
) -> str:
    order = [chosen, *(index for index in range(len(chances)) if index != chosen)]
    document = {
        "_label_cost": -reward + 0.0,  # never -0.0
        "_label_probability": chances[chosen],
        "_label_Action": chosen + 1,
        "_labelIndex": chosen,
        "o": [{"v": reward, "EventId": event_id, "ActionTaken": False}],
        "Timestamp": at.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "Version": "1",
        "EventId": event_id,
        "a": [index + 1 for index in order],
        "c": context,
        "p": [chances[index] for index in order],
        "VWState": {"m": policy},
        "pdrop": 0.0,
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _customer(features: Sequence[Feature], values: Any) -> dict[str, float | str]:
    """What was known, by feature; a category in its own words."""
    return {
        feature.name: feature.categories[int(value)] if feature.categories else float(value)
        for feature, value in zip(features, values, strict=True)
        if not np.isnan(value)
    }


def _touchpoint(decisions: LoggedDecisions, arm: str) -> dict[str, Any]:
    found = decisions.catalogue.touchpoint(arm)
    if found is None:
        return {"_tag": NONE, "Touchpoint": {"name": NONE, "cost": 0.0}}
    described = {"name": arm, "channel": found.channel.value, "stage": found.stage.value, "cost": found.cost}
    return {"_tag": arm, "Touchpoint": described}
