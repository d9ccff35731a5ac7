"""The model in force follows its file."""

import logging
import os
from pathlib import Path

import numpy as np
import pytest

from serving.personalizer import LiveRankModel
from training.personalizer import RankModel
from training.personalizer.hashing import BITS
from training.personalizer.model import write_model


def put(path: Path, fingerprint: str) -> None:
    write_model(RankModel(np.zeros(1 << BITS), 0.0, 1, fingerprint), path)


def test_a_model_is_in_force_from_the_call_after_it_was_written(tmp_path: Path) -> None:
    live = LiveRankModel(tmp_path / "model.json")
    assert live.current is None
    for fingerprint in ("a", "b"):
        put(tmp_path / "model.json", fingerprint)
        assert live.current is not None and live.current.version == fingerprint
        assert live.current is live.current


def test_on_a_file_that_cannot_be_used_the_old_model_stays_and_the_log_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "model.json"
    put(path, "a")
    live = LiveRankModel(path)
    before = live.current
    path.write_text("spoilt")
    os.utime(path, ns=(1, 1))  # another time, however coarse the clock
    with caplog.at_level(logging.WARNING):
        assert live.current is before and live.current is before
    assert len(caplog.records) == 1 and "old" in caplog.text
    put(path, "b")
    assert live.current is not None and live.current.version == "b"


def test_when_the_file_is_removed_nothing_is_in_force(tmp_path: Path) -> None:
    put(tmp_path / "model.json", "a")
    live = LiveRankModel(tmp_path / "model.json")
    assert live.current is not None
    (tmp_path / "model.json").unlink()
    assert live.current is None
