"""Decisions as the Open Bandit Pipeline's feedback: its dictionary's names, as arrays of one NPZ file.

References
----------
Yuta Saito, Shunsuke Aihara, Megumi Matsutani and Yusuke Narita, "Open Bandit Dataset and Pipeline: Towards Realistic and
Reproducible Off-Policy Evaluation", 2021.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.domain import Channel
from serving.exporting.decisions import LoggedDecisions


def feedback(decisions: LoggedDecisions) -> dict[str, NDArray[Any]]:
    """The arrays, by name.

    Beside those of the feedback there are `pi_b` (the logging policy's probabilities, as its estimators take an action
    distribution), `eligible` (what could be chosen: its policies take everything for eligible), `known` (where `context` is
    no stand-in for what was unknown) and the names of rows, columns and actions.
    """
    dataset = decisions.dataset
    names, described = _actions(decisions)
    return {
        "n_rounds": np.array(len(dataset)),
        "n_actions": np.array(len(dataset.arms)),
        "action": dataset.arm,
        "position": np.zeros(len(dataset), dtype=np.int64),
        "reward": dataset.reward,
        "pscore": dataset.probability,
        "context": np.nan_to_num(dataset.features),
        "action_context": described,
        "pi_b": dataset.probabilities[:, :, None],
        "eligible": dataset.eligible,
        "known": ~np.isnan(dataset.features),
        "actions": np.array(dataset.arms, dtype=np.str_),
        "context_names": np.array(dataset.feature_names, dtype=np.str_),
        "action_context_names": names,
        "decision_id": np.array(dataset.decision_id, dtype=np.str_),
    }


def _actions(decisions: LoggedDecisions) -> tuple[NDArray[np.str_], NDArray[np.float64]]:
    """What describes the actions: their cost, and the channel as one column each; shape (k, columns)."""
    found = [decisions.catalogue.touchpoint(arm) for arm in decisions.dataset.arms]
    channels = [channel for channel in Channel if any(each is not None and each.channel == channel for each in found)]
    rows = [
        [0.0 if each is None else each.cost, *(each is not None and each.channel == one for one in channels)] for each in found
    ]
    names = np.array(["cost", *(f"channel_{channel.value}" for channel in channels)], dtype=np.str_)
    return names, np.array(rows, dtype=np.float64)
