"""A rank question: a context, and actions of which one is to be shown."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Features = Sequence[Mapping[str, Any]]
"""What describes a thing, as JSON objects: texts, numbers, truth values, lists of numbers, and objects of these."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be shown."""

    id: str
    features: Features


@dataclass(frozen=True, slots=True)
class RankQuestion:
    """What is asked; the first action that is not excluded is what would be shown without a policy.

    Attributes
    ----------
    actions : their ids differ.
    excluded : ids that may not be chosen; at least one action is not among them.
    """

    context: Features
    actions: tuple[Action, ...]
    excluded: frozenset[str] = frozenset()

    @property
    def eligible(self) -> NDArray[np.bool_]:
        """Shape (k,), which actions may be chosen."""
        return np.array([action.id not in self.excluded for action in self.actions])

    def as_json(self) -> str:
        """The same text for the same question."""
        actions = [{"id": action.id, "features": action.features} for action in self.actions]
        asked = {"contextFeatures": self.context, "actions": actions, "excludedActions": sorted(self.excluded)}
        return json.dumps(asked, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> "RankQuestion":
        """The question of `as_json`."""
        asked = json.loads(text)
        actions = tuple(Action(each["id"], each["features"]) for each in asked["actions"])
        return cls(asked["contextFeatures"], actions, frozenset(asked["excludedActions"]))
