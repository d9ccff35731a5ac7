"""Retrains on a cron expression; the scheduler is APScheduler, the job is the same as `touchpoint retrain`."""

from datetime import UTC, datetime

from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.base import BaseTrigger
from cronsim import CronSim, CronSimError

from features.errors import ConfigurationError, TouchpointError
from features.workspace import Workspace
from serving.terminal import Terminal
from training.retrain import retrain

MISFIRE_GRACE_SECONDS = 3600


def run_schedule(workspace: Workspace, *, cron: str, terminal: Terminal) -> None:
    """Run until interrupted; a failed run is told and the next one still comes.

    Raises
    ------
    ConfigurationError
        When `cron` is not a cron expression of five fields.
    """
    scheduler = BlockingScheduler(timezone=UTC)
    scheduler.add_job(
        lambda: _retrain_once(workspace, terminal),
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


def _retrain_once(workspace: Workspace, terminal: Terminal) -> None:
    try:
        terminal.result(retrain(workspace, now=datetime.now(UTC), on_progress=terminal.say))
    except TouchpointError as error:
        terminal.say(f"retraining failed: {error}")
