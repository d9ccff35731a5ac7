"""The data quality report: what came from every source on every day, and what somebody should look at, most urgent first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from features.catalogue import Catalogue
from features.lake import Lake, duckdb_session
from features.quality.alarms import (
    BEFORE_DAYS,
    RECENT_DAYS,
    WEEKS,
    Alarm,
    AlarmKind,
    drift_excess,
    quiet_limit_hours,
    share_excess,
    volume_excess,
)
from features.quality.days import OPTIONAL, SourceDay, measure_days, measure_shares
from features.quality.distributions import Compared, measure_distributions
from features.quality.life import Life, measure_life

_HISTORY = timedelta(days=RECENT_DAYS + 7 * WEEKS)
_REJECTS_LIMIT = 0.05
_SHARE_LIMIT = 0.1


@dataclass(frozen=True, slots=True)
class QualityReport:
    """How good the data of every source is.

    Attributes
    ----------
    at : when the report was made.
    alarms : what somebody should look at, the most urgent first.
    days : what came, by source and day, of the days asked for.
    last : when each source last gave a sign of life: when its newest record happened.
    """

    at: datetime
    alarms: tuple[Alarm, ...]
    days: tuple[SourceDay, ...]
    last: Mapping[str, datetime]

    def in_words(self) -> str:
        """The alarms, then each source and day of the last week in a line, then why records were rejected."""
        alarms = [f"{alarm.kind.value}: {alarm.source}: {alarm.message}" for alarm in self.alarms] or ["no alarm"]
        first = (self.at - timedelta(days=RECENT_DAYS)).date()
        week = [day for day in self.days if day.day >= first]
        return "\n".join([*alarms, "", *_table(week), "", *_most_frequent_reasons(self.days)]).strip()


def quality_report(lake: Lake, *, catalogue: Catalogue, now: datetime, days: int = 28) -> QualityReport:
    """Measure every source and compare its last 7 days with what came before.

    What came online counts from its compaction on, so compact before. Records that came twice are counted for files only, and a
    record is rejected once, however often it came.

    Parameters
    ----------
    days : so many days are told, today included; a source that was silent for longer is taken to have ended, unless the catalogue
        says how long it may be silent: then that alone rules.
    """
    since = min(now - _HISTORY, now - timedelta(days=days))
    with duckdb_session() as connection:
        measured = measure_days(connection, lake, since=since, until=now)
        lives = measure_life(connection, lake, since=since, until=now)
        distributions = measure_distributions(connection, lake, until=now)
    first = (now - timedelta(days=days - 1)).date()
    told = tuple(day for day in measured if day.day >= first)
    recent = {source: life for source, life in lives.items() if life.last.date() >= first or _quiet_hours(source, catalogue)}
    judged = sorted(recent.keys() | {day.source for day in told})
    alarms = [
        *(alarm for source, life in recent.items() for alarm in _quiet(source, life, catalogue, now)),
        *(alarm for source in judged for alarm in _of_days(source, measured, now)),
        *(alarm for compared in distributions if compared.source in judged for alarm in _drift(compared)),
    ]
    return QualityReport(
        at=now,
        alarms=tuple(sorted(alarms, key=lambda alarm: (-alarm.excess, alarm.source, alarm.kind))),
        days=told,
        last={source: life.last for source, life in sorted(recent.items())},
    )


def _quiet(source: str, life: Life, catalogue: Catalogue, now: datetime) -> Iterator[Alarm]:
    expected = _quiet_hours(source, catalogue)
    limit = expected or quiet_limit_hours(life.gaps, life.weekly_longest, life.weekly_oldest, life.weekly_waits)
    silent = (now - life.last) / timedelta(hours=1)
    if limit is not None and silent > limit:
        origin = "set in the catalogue" if expected else "twice its usual longest pause"
        message = f"nothing for {_hours(silent)}; the limit is {_hours(limit)}, {origin}"
        yield Alarm(source=source, kind=AlarmKind.QUIET, excess=silent / limit, message=message)


def _quiet_hours(source: str, catalogue: Catalogue) -> float | None:
    return catalogue.sources[source].quiet_hours if source in catalogue.sources else None


def _of_days(source: str, days: list[SourceDay], now: datetime) -> Iterator[Alarm]:
    yield from _volume(source, {day.day: day.volume for day in days if day.source == source and day.volume}, now)
    # Whole days, so that both sides have whole weeks
    end = now.date()
    start = end - timedelta(days=RECENT_DAYS)
    recent = measure_shares(days, source, since=start, until=end + timedelta(days=1))
    before = measure_shares(days, source, since=start - timedelta(days=BEFORE_DAYS), until=start)
    watched = [
        ("rejected", AlarmKind.REJECTS, _REJECTS_LIMIT, "rejected"),
        ("late", AlarmKind.LATE, _SHARE_LIMIT, "late by a day"),
    ]
    watched += [(field, AlarmKind.MISSING, _SHARE_LIMIT, f"without {field}") for field in OPTIONAL]
    for name, kind, limit, words in watched:
        excess = share_excess(recent[name], before[name], limit=limit)
        if excess is not None and excess > 1:
            message = (
                f"{recent[name].value:.1%} of {recent[name].whole:,} are {words} in the last {RECENT_DAYS} days, "
                f"{before[name].value:.1%} in the {BEFORE_DAYS} before"
            )
            yield Alarm(source=source, kind=kind, excess=excess, message=message)


def _volume(source: str, volumes: Mapping[date, int], now: datetime) -> Iterator[Alarm]:
    """The worst of the last days; a day is judged when a later one began to come in, since before it may not be complete."""
    if not volumes:
        return
    first, end = min(volumes), min(max(volumes), now.date())
    counts = np.array([volumes.get(first + timedelta(days=k), 0) for k in range((end - first).days)], dtype=float)
    judged = []
    for back in range(min(RECENT_DAYS, len(counts))):
        found = volume_excess(counts[: len(counts) - back])
        if found is not None:
            judged.append((abs(found[0]), end - timedelta(days=back + 1), found[1]))
    excess, day, expected = max(judged, default=(0.0, end, 0.0))
    if excess > 1:
        message = f"{volumes.get(day, 0):,} records on {day}; its weekday usually brings {expected:,.0f}"
        yield Alarm(source=source, kind=AlarmKind.VOLUME, excess=excess, message=message)


def _drift(compared: Compared) -> Iterator[Alarm]:
    found = drift_excess(compared.recent, compared.before)
    if found is None or found[0] <= 1:
        return
    excess, index = found
    message = (
        f"{compared.field}: population stability index {index:.2f} of the last {RECENT_DAYS} days to the {BEFORE_DAYS} before"
    )
    if compared.field != "value":
        shift = compared.recent / compared.recent.sum() - compared.before / compared.before.sum()
        most = int(np.abs(shift).argmax())
        message += f", most of it {compared.bins[most]!r}, {shift[most]:+.1%}"
    yield Alarm(source=compared.source, kind=AlarmKind.DRIFT, excess=excess, message=message)


def _hours(hours: float) -> str:
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.1f} days"


_COLUMNS = ("source", "day", "volume", "accepted", "duplicate", "rejected", "late p50 h", "late p95 h", "late > 1 day")


def _table(days: Sequence[SourceDay]) -> list[str]:
    rows = [_COLUMNS, *(_cells(day) for day in days)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(_COLUMNS))]
    return [
        "  ".join(
            cell.ljust(width) if k < 2 else cell.rjust(width) for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def _cells(day: SourceDay) -> tuple[str, ...]:
    numbers = (day.volume, day.accepted, day.duplicate, day.rejected)
    late = ("-" if hours is None else f"{hours:.1f}" for hours in (day.late_median_hours, day.late_p95_hours))
    share = "-" if day.late_share is None else f"{day.late_share:.1%}"
    return (day.source, day.day.isoformat(), *(f"{number:,}" for number in numbers), *late, share)


def _most_frequent_reasons(days: Sequence[SourceDay]) -> list[str]:
    counts: dict[tuple[str, str], int] = {}
    for day in days:
        for reason, count in day.reasons.items():
            counts[day.source, reason] = counts.get((day.source, reason), 0) + count
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [f"rejected {count:,} x {source}: {reason}" for (source, reason), count in ranked]
