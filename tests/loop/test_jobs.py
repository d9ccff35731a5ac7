"""Jobs are safe to kill, to run again, and to run twice at once."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.lake import SCHEMAS, Lake

KILLS = 5


def contents(home: Any) -> dict[str, list[str]]:
    """Every table of the lake, as sorted rows; but for the log of what was ingested when."""
    lake = Lake(home.path / "lake")
    tables = [table for table in SCHEMAS if table != "arrivals"]
    return {table: sorted(map(repr, lake.read(table).to_pylist())) if lake.exists(table) else [] for table in tables}


def kill_at_random(home: Any, rng: np.random.Generator, *arguments: str, within: float) -> int:
    process = home.start(*arguments)
    time.sleep(float(rng.uniform(0.2, within)))
    os.kill(process.pid, signal.SIGKILL)
    return int(process.wait())


def test_killing_ingest_anywhere_leaves_the_same_lake(make_home: Callable[[], Any]) -> None:
    clean, killed = make_home(), make_home()
    clean.ingest()
    rng = np.random.default_rng(3)
    for _ in range(KILLS):
        for name in ("events", "sends"):
            kill_at_random(killed, rng, *killed.ingest_arguments(name), within=2.5)
    killed.ingest()
    assert contents(killed) == contents(clean)


def test_killing_retrain_anywhere_leaves_a_home_where_it_ends_well(make_home: Callable[[], Any]) -> None:
    home = make_home()
    home.ingest()
    before = contents(home)
    rng = np.random.default_rng(4)
    for _ in range(4):
        kill_at_random(home, rng, "retrain", within=15.0)
    report = home.json("retrain")
    assert report["status"] in ("promoted", "kept") and report["champion"] is not None
    assert contents(home) == before
    reply = home.json("recommend", "customer-000003")
    assert reply["fallback"] is None and reply["features"]["status"] == "fresh"


def test_retraining_on_the_same_data_changes_nothing(trained: Any) -> None:
    first = trained.json("retrain")
    second = trained.json("retrain")
    assert second["status"] == "kept" and second["champion"] == first["champion"] == second["champion"]


def test_the_second_of_two_retrainings_says_so_and_leaves(trained: Any) -> None:
    from filelock import FileLock

    with FileLock(trained.path / "retrain.lock"):
        started = time.monotonic()
        report = trained.json("retrain")
    assert report["status"] == "already_running"
    assert time.monotonic() - started < 30


def test_a_file_of_which_nothing_can_be_used_ends_with_its_reason(make_home: Callable[[], Any], tmp_path: Path) -> None:
    home = make_home()
    orders = tmp_path / "events.csv"
    orders.write_text("message_id,customer_id,touchpoint,kind,at,value,decision_id\n1,ann,web.nowhere,view,2026-01-01,,\n")
    result = home.run("ingest", str(orders), "--source", str(home.files / "events.toml"), code=2)
    assert "every record went to the quarantine" in result.stderr and "web.nowhere" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ingest", "no-such.csv", "--source", "no-such.toml"), "no such file"),
        (("schedule", "--cron", "every day"), "cron"),
        (("recommend", ""), "customer_id"),
        (("explain", "no-such-decision"), "no-such-decision"),
        (("serve", "--host", "0.0.0.0"), "api_key"),
    ],
)
def test_bad_input_ends_with_one_clear_line(trained: Any, arguments: tuple[str, ...], words: str) -> None:
    result = trained.run(*arguments, code=2)
    assert words in result.stderr and "Traceback" not in result.stderr
    assert len([line for line in result.stderr.splitlines() if line.startswith("touchpoint: ")]) == 1
