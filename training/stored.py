"""Models as text: which kind a text holds, and several models whose mean is one."""

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.errors import ArtifactError
from training.linear import KIND, Linear
from training.models import Booster, Model

Floats = NDArray[np.float64]

_BLEND = "blend"


@dataclass(frozen=True, slots=True)
class Blend:
    """The mean of several models' raw scores."""

    models: tuple[Model, ...]

    @property
    def text(self) -> str:
        """The models' texts, as JSON."""
        return json.dumps({"kind": _BLEND, "models": [model.text for model in self.models]}) + "\n"

    @property
    def width(self) -> int:
        """The number of features that each of them reads."""
        return self.models[0].width

    def raw(self, features: Floats) -> Floats:
        """Raw scores, shape (n,), before link and calibration."""
        return np.asarray(np.mean([model.raw(features) for model in self.models], axis=0))

    def contributions(self, features: Floats) -> Floats:
        """Each feature's part in the raw score, shape (n, d + 1); the last column is the base, rows sum to the raw score."""
        return np.asarray(np.mean([model.contributions(features) for model in self.models], axis=0))

    def part(self, columns: range) -> "Blend":
        """What of each of them reads any of some columns."""
        return Blend(tuple(model.part(columns) for model in self.models))

    def importances(self) -> Floats:
        """The mean of each feature's share of what every model relies on, shape (d,)."""
        each = [model.importances() for model in self.models]
        return np.asarray(np.mean([found / max(found.sum(), 1e-12) for found in each], axis=0))


def load_model(text: str) -> Model:
    """Read a model of any kind; nothing but numbers is read.

    Raises
    ------
    ArtifactError
        When the text holds none.
    """
    if not text.startswith("{"):
        return Booster.load(text)
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ArtifactError(f"a model's text is not readable as JSON ({error}); train and register it again") from None
    kind, parts = values.get("kind"), values.get("models")
    if kind == KIND:
        return Linear.load(text)
    if kind != _BLEND or not isinstance(parts, list) or not parts or not all(isinstance(part, str) for part in parts):
        raise ArtifactError(f"a model of kind {kind!r} is not known, or holds no models; train and register it again")
    models = tuple(load_model(part) for part in parts)
    if len({model.width for model in models}) > 1:
        raise ArtifactError("models of different width cannot be one; train and register it again")
    return Blend(models)
