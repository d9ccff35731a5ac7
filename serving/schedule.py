"""Retrains on a cron expression; the scheduler is APScheduler, the job is the same as `touchpoint retrain`."""

from datetime import UTC, datetime

from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.cron import CronTrigger

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
        cron_trigger(cron),
        max_instances=1,
        coalesce=True,
        misfire_grace_time=MISFIRE_GRACE_SECONDS,
    )
    terminal.say(f"retraining at {cron!r} UTC; end with Ctrl-C")
    try:
        scheduler.start()
    except (KeyboardInterrupt, SystemExit):
        terminal.say("schedule ended")


def cron_trigger(cron: str) -> CronTrigger:
    """The trigger of a cron expression: minute, hour, day of month, month, day of week; in UTC.

    >>> cron_trigger("0 3 * * *").get_next_fire_time(None, datetime(2026, 1, 1, 12, tzinfo=UTC)).isoformat()
    '2026-01-02T03:00:00+00:00'
    """
    try:
        return CronTrigger.from_crontab(cron, timezone=UTC)
    except ValueError as error:
        raise ConfigurationError(f"cron {cron!r}: {error}; five fields are needed, e.g. '0 3 * * *'") from None


def _retrain_once(workspace: Workspace, terminal: Terminal) -> None:
    try:
        terminal.result(retrain(workspace, now=datetime.now(UTC), on_progress=terminal.say))
    except TouchpointError as error:
        terminal.say(f"retraining failed: {error}")
