"""The page of data quality: what came, how fresh and how complete it is, and what waits in the quarantine.

The numbers are those of `touchpoint quality` and `touchpoint quarantine list`. Of refused records only the reasons are shown.
"""

import shlex
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from features.insights import Card, Column, Page, Section, Table, Unit
from features.insights.figures import lines
from features.insights.look import Look
from features.lake import ONLINE, duckdb_session
from features.quality import Alarm, AlarmKind, QualityReport, quality_report
from features.quarantine import Group, Listing, Selection, list_refused
from features.workspace import Workspace
from training.insights.quality_customers import customers_section, decisions_section

_MOST_LINES = 8
_MOST_REASONS = 100

_TO_DO = {
    AlarmKind.QUIET: "look at the export of this source and its key; sent later, nothing counts twice",
    AlarmKind.VOLUME: "compare with what the source itself counts for that day",
    AlarmKind.REJECTS: "touchpoint quarantine list --of {source}",
    AlarmKind.LATE: "send more often; decisions do not see what is late",
    AlarmKind.MISSING: "compare the mapping's columns with a new file of the source",
    AlarmKind.DRIFT: "touchpoint quality; then compare the mapping with a new file of the source",
}


def quality_page(look: Look, workspace: Workspace) -> Page:
    """Everything about what came in; of an empty home, what to do about it."""
    report = quality_report(look.lake, catalogue=look.catalogue, now=look.now)
    refused = list_refused(look.lake, Selection(), limit=0)
    sources = _sources(look)
    return Page(
        name="quality",
        title="Data quality",
        lead="Whether what comes in can be relied upon: freshness, volume, what was refused and why, and who is known by what.",
        cards=(_alarm_card(report), _refused_card(refused), *_fresh_card(sources, look.now)),
        sections=(
            _alarms(report),
            _freshness(sources, look.now),
            _quarantine(look, refused),
            _days(report),
            _arrivals(look),
            customers_section(look, workspace.settings.identity_path),
            decisions_section(look),
        ),
    )


def _alarm_card(report: QualityReport) -> Card:
    first = f"first: {report.alarms[0].source}, {report.alarms[0].message}" if report.alarms else "no source raises one"
    return Card(title="Alarms of sources", value=len(report.alarms), unit=Unit.COUNT, note=first, alarm=bool(report.alarms))


def _refused_card(refused: Listing) -> Card:
    note = "wait in the quarantine" if refused.total else "the quarantine is empty"
    return Card(title="Refused records", value=refused.total, unit=Unit.COUNT, note=note, alarm=bool(refused.total))


def _fresh_card(sources: list[dict[str, Any]], now: datetime) -> Iterator[Card]:
    if sources:
        last = max(sources, key=lambda row: row["last"])
        note = f"{_named(last['source'])}, at {last['last']:%Y-%m-%d %H:%M} UTC"
        yield Card(title="Last record", value=_days_since(last["last"], now), unit=Unit.DAYS, note=note)


def _alarms(report: QualityReport) -> Section:
    columns = (
        Column("source", "Source"),
        Column("kind", "Kind"),
        Column("message", "What is wrong"),
        Column("excess", "Times its limit", Unit.NUMBER, "the figure over its limit; the larger, the more urgent"),
        Column("to_do", "What to do"),
    )
    rows = tuple((each.source, str(each.kind), each.message, each.excess, _to_do(each)) for each in report.alarms)
    words = (f"Alarms: {len(report.alarms)}. The last 7 days are compared with what came before.",) if rows else ()
    empty = (
        "No source raises an alarm."
        if report.last
        else "No source gave a sign of life in the last 28 days: run 'touchpoint ingest'."
    )
    table = Table(name="alarms", title="Alarms", columns=columns, rows=rows, note="As 'touchpoint quality' tells it.")
    return Section(name="alarms", title="What should somebody look at?", words=words, tables=(table,), empty=empty)


def _to_do(alarm: Alarm) -> str:
    return _TO_DO[alarm.kind].format(source=shlex.quote(alarm.source))


def _sources(look: Look) -> list[dict[str, Any]]:
    relations = {name: look.lake.relation(name) for name in ("interactions", "decisions", "outcomes", "consents")}
    parts = [
        f"""select source, count(*) as records, max(received_at) as last, max("at") as happened from {rows} group by source"""
        for rows in relations.values()
    ]
    query = f"""select source, sum(records)::bigint as records, max(last) as last, max(happened) as happened
        from ({" union all ".join(parts)}) where source is not null group by source order by last desc, source"""
    with duckdb_session() as connection:
        found: list[dict[str, Any]] = connection.sql(query).to_arrow_table().to_pylist()
    return found


def _freshness(sources: list[dict[str, Any]], now: datetime) -> Section:
    columns = (
        Column("source", "Source"),
        Column("records", "Records", Unit.COUNT, "interactions, decisions, outcomes and consents in the lake"),
        Column("last", "Last received", Unit.TIME),
        Column("age", "Received ago", Unit.DAYS, "until the look"),
        Column("happened", "Latest time in it", Unit.TIME, "when the newest of its records happened"),
    )
    rows = tuple(
        (
            _named(row["source"]),
            row["records"],
            row["last"].isoformat(),
            _days_since(row["last"], now),
            row["happened"].isoformat(),
        )
        for row in sources
    )
    table = Table(
        name="freshness",
        title="Sources",
        columns=columns,
        rows=rows,
        note="What the journal took since the last compaction is not in it.",
    )
    empty = "Nothing came in yet: run 'touchpoint ingest', or post to /v1/interactions."
    return Section(name="freshness", title="How fresh is each source?", tables=(table,), empty=empty)


def _quarantine(look: Look, refused: Listing) -> Section:
    columns = (
        Column("source", "Source"),
        Column("reason", "Reason", explains="without the values in it"),
        Column("records", "Waiting", Unit.COUNT),
        Column("first", "First", Unit.TIME),
        Column("last", "Last", Unit.TIME),
        Column("command", "To look at them"),
    )
    shown = refused.groups[:_MOST_REASONS]
    rows = tuple((each.source, each.reason, each.records, _time(each.first), _time(each.last), _command(each)) for each in shown)
    words = (
        f"{refused.total:,} records wait, for {len(refused.groups)} reasons.",
        "Correct the mapping or the catalogue, then 'touchpoint quarantine replay --of SOURCE --source MAPPING.toml'; "
        "what is of no use, 'touchpoint quarantine discard --of SOURCE --because WHY'.",
    )
    resolved = Table(
        name="resolved",
        title="What became of others",
        columns=(Column("resolution", "Resolution"), Column("records", "Records", Unit.COUNT)),
        rows=tuple(_resolved(look)),
    )
    table = Table(name="quarantine", title="Refused records by reason", columns=columns, rows=rows)
    tables = (table, resolved) if resolved.rows else (table,)
    empty = "Nothing waits in the quarantine."
    return Section(name="quarantine", title="What was refused, and why?", words=words if rows else (), tables=tables, empty=empty)


def _command(group: Group) -> str:
    """The command that lists exactly these records; the reason is quoted for the shell, whatever is in it."""
    return f"touchpoint quarantine list --of {shlex.quote(group.source)} --reason {shlex.quote(group.reason)}"


def _resolved(look: Look) -> list[tuple[str, int]]:
    query = f"select resolution, count(*) from {look.lake.relation('resolutions')} group by resolution order by resolution"
    with duckdb_session() as connection:
        return [(str(name), int(count)) for name, count in connection.execute(query).fetchall()]


def _days(report: QualityReport) -> Section:
    columns = (
        Column("source", "Source"),
        Column("day", "Day", Unit.TIME),
        Column("volume", "Interactions", Unit.COUNT, "that became known on that day (UTC)"),
        Column("accepted", "Accepted", Unit.COUNT, "records of all kinds in files taken on that day"),
        Column("duplicate", "Duplicates", Unit.COUNT, "of these files"),
        Column("rejected", "Refused", Unit.COUNT, "records that went to the quarantine"),
        Column(
            "late_share", "Late by a day", Unit.SHARE, "interactions known more than a day after they happened / interactions"
        ),
    )
    rows = tuple(
        (each.source, each.day.isoformat(), each.volume, each.accepted, each.duplicate, each.rejected, each.late_share)
        for each in report.days
    )
    table = Table(name="days", title="Sources by day", columns=columns, rows=rows)
    volumes = _volumes(report)
    largest = sorted((each for each in volumes if volumes[each]), key=lambda source: (-volumes[source], source))[:_MOST_LINES]
    drawn = tuple(_every_day(report, largest))
    volume = Table(name="volume", title="The largest sources", columns=columns[:3], rows=drawn)
    figures = (lines(volume, "Interactions by day", x="day", value="volume", split="source"),) if drawn else ()
    empty = "Nothing became known in the last 28 days: run 'touchpoint ingest'."
    return Section(name="days", title="How much came, day by day?", figures=figures, tables=(table, volume), empty=empty)


def _every_day(report: QualityReport, sources: list[str]) -> Iterator[tuple[str, str, int]]:
    """A day on which nothing came is a 0, which a line between the days around it would hide."""
    known = {(each.source, each.day): each.volume for each in report.days if each.volume}
    days = [day for _, day in known]
    for source in sources:
        for ahead in range((max(days) - min(days)).days + 1):
            day = min(days) + timedelta(days=ahead)
            yield source, day.isoformat(), known.get((source, day), 0)


def _volumes(report: QualityReport) -> dict[str, int]:
    volumes: dict[str, int] = {}
    for each in report.days:
        volumes[each.source] = volumes.get(each.source, 0) + each.volume
    return volumes


def _arrivals(look: Look) -> Section:
    columns = (
        Column("source", "Source"),
        Column("target", "Filled"),
        Column("files", "Files", Unit.COUNT),
        Column("last", "Last file", Unit.TIME),
        Column("records", "Records", Unit.COUNT, "in these files"),
        Column("accepted", "Accepted", Unit.COUNT),
        Column("duplicate", "Duplicates", Unit.COUNT),
        Column("quarantined", "Refused", Unit.COUNT),
        Column("erased", "Of the erased", Unit.COUNT, "records of people who were erased, and therefore not taken"),
    )
    query = f"""select source, target, count(distinct file) as files, max(received_at) as last, sum("rows") as records,
            sum(accepted) as accepted, sum(duplicate) as duplicate, sum(quarantined) as quarantined,
            sum(coalesce(erased, 0)) as erased
        from {look.lake.relation("arrivals")} group by source, target order by last desc, source, target"""
    with duckdb_session() as connection:
        found = connection.sql(query).to_arrow_table().to_pylist()
    records = [
        {
            name: value.isoformat() if name == "last" else value if isinstance(value, str) else int(value or 0)
            for name, value in row.items()
        }
        for row in found
    ]
    table = Table.of("arrivals", "Files by source", columns, records)
    empty = "No file was taken yet: run 'touchpoint ingest FILES --source MAPPING.toml'."
    return Section(name="arrivals", title="Which files arrived?", tables=(table,), empty=empty)


def _named(source: str) -> str:
    return "the service's decisions" if source == ONLINE else source


def _days_since(at: datetime, now: datetime) -> float:
    return max((now - at).total_seconds(), 0.0) / 86_400


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
