"""Takes files into the lake: every row becomes a record, a duplicate, or an entry in the quarantine with its reason.

A file is staged outside the lake first, so that one which turns out to be damaged leaves no trace. Then, as the only writer
of the lake, its records are compared with each other and with those in the lake, and appended table by table. To be killed
anywhere in between is harmless: run again, what is there counts as duplicate and the rest follows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

import duckdb

from features.capture.archive import unpacked
from features.capture.arriving import Counts, missing_fields, record_arrival
from features.capture.judging import append_new, judge
from features.capture.mapping import Mapping as SourceMapping
from features.capture.observed import append_links
from features.capture.records import require_catalogued
from features.capture.refusing import quarantine
from features.capture.report import KEEP_NO_MORE_REASONS, IngestReport, total
from features.capture.rows import Rows, absent_columns, open_rows
from features.capture.rules import Setting
from features.capture.staging import identified, leave_out_erased, stage
from features.catalogue import Catalogue
from features.errors import CaptureError
from features.identity import Names
from features.lake import Lake, duckdb_session, literal

_NOBODY: Mapping[str, datetime] = MappingProxyType({})


def ingest(
    files: Sequence[Path],
    mapping: SourceMapping,
    *,
    catalogue: Catalogue,
    lake: Lake,
    now: datetime,
    clock_skew_seconds: float,
    on_progress: Callable[[str], None],
    names: Names | None = None,
    tombstones: Mapping[str, datetime] = _NOBODY,
) -> IngestReport:
    """Take the files into the lake, one after the other, each of them wholly or not at all.

    Parameters
    ----------
    now : records dated later than this, and the clock skew, go to the quarantine.
    names : makes the identifiers of mappings that have some.
    tombstones : when whom was erased, by the digests of their names: what happened to them before is left out.

    Raises
    ------
    ConfigurationError
        When the mapping names a touchpoint or a type of identifiers that the catalogue does not have.
    CaptureError
        When a file is missing, empty, damaged or lacks a mapped column; the files before it were taken.
    """
    require_catalogued(mapping, catalogue)
    for file in files:
        if not file.is_file():
            raise CaptureError(f"{file}: no such file; nothing was taken")
    setting = Setting(mapping, catalogue, now, timedelta(seconds=clock_skew_seconds), names)
    run = _Run(setting, lake, tombstones, on_progress)
    reports = []
    for file in files:
        with TemporaryDirectory(prefix="touchpoint-") as folder:
            for name, path in unpacked(file, Path(folder)):
                reports.append(_ingest_file(run, path, name=name, beside=file.parent))
    return total(reports)


@dataclass(frozen=True, slots=True)
class _Run:
    setting: Setting
    lake: Lake
    tombstones: Mapping[str, datetime]
    on_progress: Callable[[str], None]


def _ingest_file(run: _Run, path: Path, *, name: str, beside: Path) -> IngestReport:
    """Take one file, which messages call `name`; lookups lie `beside` it."""
    run.on_progress(f"{name}: reading")
    setting = run.setting
    with duckdb_session() as connection, TemporaryDirectory(prefix="touchpoint-") as temporary:
        folder = Path(temporary)
        with _refusing(path):
            rows = open_rows(connection, path, setting.mapping, folder=folder, beside=beside)
            rows = identified(connection, rows, setting, folder)
            tables = stage(connection, rows, setting, folder)
            if absent := ", ".join(map(repr, absent_columns(connection, rows, setting.mapping))):
                run.on_progress(f"{name}: no line has a value for {absent}; if that is not so, correct the name in the mapping")
            erased = {table: leave_out_erased(connection, table, setting.names, run.tombstones, folder) for table in tables}
        with run.lake.lock():
            report = _append(connection, run, rows, erased, file=name)
    run.on_progress(
        f"{name}: {sum(report.accepted.values()):,} accepted, {sum(report.duplicate.values()):,} duplicate, "
        f"{sum(report.quarantined.values()):,} quarantined"
    )
    return report


@contextmanager
def _refusing(file: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        cause = str(error).strip().splitlines()[0]
        raise CaptureError(f"{file}: cannot be read: {cause}; nothing of it was taken, export it again") from error


def _append(
    connection: duckdb.DuckDBPyConnection, run: _Run, rows: Rows, erased: Mapping[str, int], *, file: str
) -> IngestReport:
    """Judge what is staged, of the tables of which numbers of `erased` records are given, and append it to the lake."""
    lake, tables = run.lake, list(erased)
    for table in tables:
        judge(connection, table, lake)
    missing = {table: missing_fields(connection, table) for table in tables}
    observed = append_links(connection, tables, lake) if rows.named else 0
    accepted = {table: append_new(connection, table, lake) for table in tables}
    quarantine(connection, tables, rows, run.setting, lake, file=file)
    report = _report(connection, accepted, observed, erased)
    counts = {
        table: Counts(accepted[table], report.duplicate[table], report.quarantined[table], erased[table]) for table in tables
    }
    if "lines" in report.quarantined:
        counts["lines"] = Counts(quarantined=report.quarantined["lines"])
    record_arrival(connection, counts, missing, run.setting, lake, file=file)
    return report


def _report(
    connection: duckdb.DuckDBPyConnection, accepted: Mapping[str, int], observed: int, erased: Mapping[str, int]
) -> IngestReport:
    def count(query: str) -> int:
        return int(connection.execute(query).fetchall()[0][0])

    union = " UNION ALL ".join(
        f"SELECT {literal(table)} AS target, reason FROM refused_{table}" for table in [*accepted, "lines"]
    )
    quarantined = connection.execute(f"SELECT target, count(*) FROM ({union}) GROUP BY target").fetchall()
    reasons = f"SELECT reason, count(*) AS n FROM ({union}) GROUP BY reason ORDER BY n DESC, reason LIMIT {KEEP_NO_MORE_REASONS}"
    links = {"links": accepted.get("links", 0) + observed} if observed else {}
    return IngestReport(
        accepted={**accepted, **links},
        duplicate={table: count(f"SELECT count(*) FROM dropped_{table} WHERE verdict = 'duplicate'") for table in accepted},
        quarantined={table: 0 for table in accepted} | dict(quarantined),
        reasons=dict(connection.execute(reasons).fetchall()),
        erased={table: number for table, number in erased.items() if number},
        unusable_identifiers=sum(
            count(f"SELECT coalesce(sum(unusable), 0) FROM staged_{table} WHERE reason IS NULL") for table in accepted
        ),
    )
