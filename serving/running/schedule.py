"""Retrains on a cron expression; the scheduler is APScheduler, the job is `touchpoint retrain`, then `touchpoint report`."""

import os
import subprocess
import sys
from datetime import UTC, datetime

from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.base import BaseTrigger
from cronsim import CronSim, CronSimError

from features.errors import ConfigurationError
from features.settings import Settings
from serving.running.terminal import Terminal

MISFIRE_GRACE_SECONDS = 3600
STEPS = ("retrain", "report")
"""What a run does; the second shows what there is also where the first failed."""


def run_schedule(settings: Settings, *, cron: str, terminal: Terminal) -> None:
    """Run until interrupted; a failed run is told and the next one still comes.

    Raises
    ------
    ConfigurationError
        When `cron` is not a cron expression of five fields.
    """
    scheduler = BlockingScheduler(timezone=UTC)
    scheduler.add_job(
        lambda: _work_once(settings, terminal),
        CronTrigger(cron),
        max_instances=1,
        coalesce=True,
        misfire_grace_time=MISFIRE_GRACE_SECONDS,
    )
    terminal.say(f"retraining at {cron!r} UTC; end with Ctrl-C")
    try:
        scheduler.start()
    except (KeyboardInterrupt, SystemExit):
        terminal.say("schedule ended")


class CronTrigger(BaseTrigger):  # type: ignore[misc]
    """Fires when a cron expression says, in UTC: minute, hour, day of month, month, day of week (0 and 7 are Sunday).

    Raises
    ------
    ConfigurationError
        When it is no cron expression.

    Examples
    --------
    >>> trigger = CronTrigger("0 3 * * 1")
    >>> trigger.get_next_fire_time(None, datetime(2026, 11, 21, tzinfo=UTC)).isoformat()
    '2026-11-23T03:00:00+00:00'
    """

    def __init__(self, cron: str) -> None:
        self.cron = cron
        self.get_next_fire_time(None, datetime(2000, 1, 1, tzinfo=UTC))

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The first time after `now`, and after the last one; None when there will be none."""
        after = max(previous_fire_time or now, now).astimezone(UTC)
        try:
            return next(CronSim(self.cron, after), None)
        except CronSimError as error:
            raise ConfigurationError(f"cron {self.cron!r}: {error}; five fields are needed, e.g. '0 3 * * *'") from None


def _work_once(settings: Settings, terminal: Terminal) -> None:
    """Each step in a process of its own, which reads the catalogue anew and leaves no memory behind."""
    for step in STEPS:
        command = [sys.executable, "-P", "-m", "serving.cli", step, *(["--json"] if terminal.as_json else [])]
        code = subprocess.run(command, env=os.environ | {"TOUCHPOINT_HOME": str(settings.home)}).returncode
        if code:
            terminal.say(f"{step} failed with code {code}; the next run will try again")
