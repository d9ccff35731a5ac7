"""Turns of several processes at one file: one at a time, given back by whoever dies, and refused after a while."""

import subprocess
import sys
from pathlib import Path

import pytest

from features.errors import StoreError
from features.journal.turn import ProcessTurn

HOLD = "import sys; from pathlib import Path; from features.journal.turn import ProcessTurn\n"
HOLD += "with ProcessTurn(Path(sys.argv[1]), seconds=9).taken():\n    print('held', flush=True); sys.stdin.read()\n"


def test_a_second_process_waits_until_the_first_gives_its_turn_back_or_dies(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    first = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert first.stdout is not None and first.stdout.readline() == b"held\n"
    with (
        pytest.raises(StoreError, match=r"another process has been writing for 0\.05 s"),
        ProcessTurn(path, seconds=0.05).taken(),
    ):
        pass
    first.kill()
    first.communicate()
    with ProcessTurn(path, seconds=5).taken():
        pass


def test_a_turn_can_be_taken_again_after_it_was_closed(tmp_path: Path) -> None:
    turn = ProcessTurn(tmp_path / "journal.db", seconds=1)
    for _ in range(2):
        with turn.taken():
            pass
        turn.close()


def test_where_there_is_no_file_nobody_waits() -> None:
    with ProcessTurn(None, seconds=0).taken():
        pass
