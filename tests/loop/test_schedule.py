"""Retraining on a schedule, over a real process."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from features.errors import ConfigurationError
from serving.running.schedule import CronTrigger


def test_the_job_runs_when_it_is_due_and_a_failed_run_does_not_end_the_schedule(make_home: Callable[[], Any]) -> None:
    home = make_home()  # nothing was ingested, so there is nothing to learn from
    command = home.command("schedule", "--cron", "* * * * *")
    process = subprocess.Popen(command, env=home.environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        assert process.stderr is not None
        said = next((line for line in process.stderr if "retrain failed" in line), "")
        assert said and process.poll() is None
    finally:
        process.terminate()
        process.communicate(timeout=30)


def test_a_cron_expression_fires_at_its_times_in_utc() -> None:
    trigger = CronTrigger("30 2 * * 1")
    fires = trigger.get_next_fire_time(None, datetime(2026, 11, 21, tzinfo=UTC))
    assert fires == datetime(2026, 11, 23, 2, 30, tzinfo=UTC)  # a Monday


def test_what_is_no_cron_expression_is_refused_with_an_example() -> None:
    with pytest.raises(ConfigurationError, match="0 3"):
        CronTrigger("every day")
