"""The model's file."""

import json
from pathlib import Path

import numpy as np
import pytest

from features.errors import ArtifactError
from training.personalizer import Action, RankModel, RankQuestion, read_model
from training.personalizer.hashing import BITS
from training.personalizer.model import write_model

QUESTION = RankQuestion([{"a": 2.0}], (Action("x", [{"b": 3}]), Action("y", [{"c": "d"}])))


def some_model() -> RankModel:
    return RankModel(np.random.default_rng(1).normal(0, 0.05, 1 << BITS), 0.1, 50, "ab" * 32)


def test_a_model_that_was_written_is_read_with_every_digit(tmp_path: Path) -> None:
    path = tmp_path / "home" / "model.json"
    write_model(some_model(), path)
    found = read_model(path)
    assert found is not None
    assert np.array_equal(found.weights, some_model().weights)
    assert (found.intercept, found.events, found.fingerprint, found.version) == (0.1, 50, "ab" * 32, "abababababab")
    assert np.array_equal(found.rewards(QUESTION), some_model().rewards(QUESTION))
    assert [each.name for each in path.parent.iterdir()] == ["model.json"]


def test_expected_rewards_stay_within_what_rewards_can_be() -> None:
    model = RankModel(np.ones(1 << BITS), 5.0, 50, "")
    assert model.rewards(QUESTION).tolist() == [1.0, 1.0]


def test_there_is_no_model_before_one_is_written(tmp_path: Path) -> None:
    assert read_model(tmp_path / "model.json") is None


def _changed(text: str, **changes: object) -> str:
    kept = json.loads(text)
    return json.dumps({**kept, "model": {**kept["model"], **changes}})


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: _changed(text, intercept=0.2),
        lambda text: _changed(text, format=2),
        lambda text: '{"sha256": "", "model": null}',
    ],
)
def test_a_file_that_is_not_as_it_was_written_is_refused(tmp_path: Path, spoil: object) -> None:
    path = tmp_path / "model.json"
    write_model(RankModel(np.ones(1 << BITS), 0.1, 50, "ab"), path)
    path.write_text(spoil(path.read_text()))  # type: ignore[operator]
    with pytest.raises(ArtifactError, match="retrain"):
        read_model(path)
