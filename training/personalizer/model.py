"""The learnt model: one weight per column, kept as JSON; nothing in the file is code."""

import json
import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.errors import ArtifactError
from features.settings import Settings
from training.personalizer.hashing import BITS, columns_of
from training.personalizer.question import RankQuestion

FORMAT = 1


@dataclass(frozen=True, slots=True, eq=False)
class RankModel:
    """A linear model of the reward.

    Attributes
    ----------
    weights : shape (2 ** BITS,), reward per unit of each column.
    events : how many it was learnt from.
    fingerprint : of these events; the same ones give the same digits.
    """

    weights: NDArray[np.float64]
    intercept: float
    events: int
    fingerprint: str

    @property
    def version(self) -> str:
        """Twelve hexadecimal digits that change with what was learnt from."""
        return self.fingerprint[:12]

    def rewards(self, question: RankQuestion) -> NDArray[np.float64]:
        """Shape (k,), what each action is expected to bring: from -1 to 1, as rewards are."""
        found = [self.intercept + self.weights[row.index] @ row.value for row in columns_of(question.context, question.actions)]
        return np.clip(found, -1.0, 1.0)

    def as_json(self) -> str:
        """All of it, with the SHA-256 of what counts."""
        found = np.flatnonzero(self.weights)
        model: dict[str, Any] = {
            "format": FORMAT,
            "bits": BITS,
            "events": self.events,
            "fingerprint": self.fingerprint,
            "intercept": self.intercept,
            "columns": found.tolist(),
            "weights": self.weights[found].tolist(),
        }
        return json.dumps({"sha256": _digest(model), "model": model})


def model_path(settings: Settings) -> Path:
    """Where the model in force lies."""
    return settings.home / "personalizer" / "model.json"


def write_model(model: RankModel, path: Path) -> None:
    """Put a model in force: all of it, or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_text(model.as_json(), encoding="utf-8")
    os.replace(unfinished, path)


def read_model(path: Path) -> RankModel | None:
    """The model in force; None before anything was learnt.

    Raises
    ------
    ArtifactError
        When the file is not one that was written here, whole.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError(f"{path}: cannot be read ({error}); 'touchpoint retrain' writes it anew") from None
    return _model(text, path)


def _model(text: str, path: Path) -> RankModel:
    try:
        kept = json.loads(text)
        model = kept["model"]
        if kept["sha256"] != _digest(model) or (model["format"], model["bits"]) != (FORMAT, BITS):
            raise ValueError("it is not what was written, or of another version of this software")
        weights = np.zeros(1 << BITS)
        weights[model["columns"]] = model["weights"]
        return RankModel(weights, float(model["intercept"]), int(model["events"]), str(model["fingerprint"]))
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ArtifactError(
            f"{path}: no model of rank events ({error}); remove it, 'touchpoint retrain' writes it anew"
        ) from None


def _digest(model: dict[str, Any]) -> str:
    return sha256(json.dumps(model, sort_keys=True).encode()).hexdigest()
