"""Takes files into the lake: every row becomes a record, a duplicate, or an entry in the quarantine with its reason.

A file is staged outside the lake first, so that one which turns out to be damaged leaves no trace. Then, as the only writer
of the lake, its records are compared with each other and with those in the lake, and appended table by table. To be killed
anywhere in between is harmless: run again, what is there counts as duplicate and the rest follows.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from features.capture.expressions import escaped
from features.capture.mapping import Mapping as SourceMapping
from features.capture.records import require_catalogued, select_records
from features.capture.rows import Rows, open_rows
from features.capture.rules import Setting
from features.catalogue import Catalogue
from features.errors import CaptureError
from features.lake import KEYS, SCHEMAS, Lake, content_digest, duckdb_session, literal

_KEEP_NO_MORE_REASONS = 50


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of the records.

    Attributes
    ----------
    accepted, duplicate, quarantined : numbers by table; lines that could not be read at all count as `lines`.
    reasons : the most frequent reasons of the quarantine, with their numbers.
    """

    accepted: Mapping[str, int]
    duplicate: Mapping[str, int]
    quarantined: Mapping[str, int]
    reasons: Mapping[str, int]


def ingest(
    files: Sequence[Path],
    mapping: SourceMapping,
    *,
    catalogue: Catalogue,
    lake: Lake,
    now: datetime,
    clock_skew_seconds: float,
    on_progress: Callable[[str], None],
) -> IngestReport:
    """Take the files into the lake, one after the other, each of them wholly or not at all.

    Parameters
    ----------
    now : records dated later than this, and the clock skew, go to the quarantine.

    Raises
    ------
    ConfigurationError
        When the mapping names a touchpoint that the catalogue does not have.
    CaptureError
        When a file is missing, empty, damaged or lacks a mapped column; the files before it were taken.
    """
    require_catalogued(mapping, catalogue)
    for file in files:
        if not file.is_file():
            raise CaptureError(f"{file}: no such file; nothing was taken")
    setting = Setting(mapping, catalogue, now, timedelta(seconds=clock_skew_seconds))
    return _total([_ingest_file(file, setting, lake, on_progress) for file in files])


def _ingest_file(file: Path, setting: Setting, lake: Lake, on_progress: Callable[[str], None]) -> IngestReport:
    on_progress(f"{file.name}: reading")
    with duckdb_session() as connection, TemporaryDirectory(prefix="touchpoint-") as folder:
        with _refusing(file):
            rows = open_rows(connection, file, setting.mapping, Path(folder))
            tables = _stage(connection, rows, setting)
            for (column,) in connection.execute(rows.absent).fetchall() if rows.absent else ():
                on_progress(
                    f"{file.name}: no line has a value for {column!r}; if that is not so, correct the name in the mapping"
                )
        with lake.lock():
            counts = {table: _append(connection, table, lake) for table in tables}
            _quarantine(connection, [*tables, "lines"], file, setting.mapping.name, lake)
        report = _report(connection, counts)
    on_progress(
        f"{file.name}: {sum(report.accepted.values()):,} accepted, {sum(report.duplicate.values()):,} duplicate, "
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


def _stage(connection: duckdb.DuckDBPyConnection, rows: Rows, setting: Setting) -> list[str]:
    """Make the tables `staged_<table>`, and `refused_lines` of what could not be read; give the names of the former."""
    sections = list(setting.mapping.sections())
    queries: dict[str, list[str]] = {}
    for nth, (table, name, section) in enumerate(sections):
        ordinal = f"row * {len(sections)} + {nth}"
        queries.setdefault(table, []).append(select_records(table, section, rows, setting, name=name, ordinal=ordinal))
    for table, parts in queries.items():
        union = " UNION ALL ".join(f"({part})" for part in parts)
        connection.execute(f"CREATE TEMP TABLE staged_{table} AS {union}")
    unreadable = rows.unreadable or "SELECT 0::BIGINT AS row, '' AS raw, '' AS reason WHERE false"
    lines = f"SELECT row::BIGINT AS ordinal, row::BIGINT AS row, raw, reason FROM ({unreadable})"
    connection.execute(f"CREATE TEMP TABLE refused_lines AS {lines}")
    return list(queries)


def _append(connection: duckdb.DuckDBPyConnection, table: str, lake: Lake) -> tuple[int, int]:
    """Judge the staged records of a table and append the new ones; give the numbers of new ones and of duplicates."""
    connection.execute(f"CREATE TEMP TABLE judged_{table} AS {_judged(table, lake)}")
    columns = ", ".join('NULL::BIGINT AS "position"' if name == "position" else f'"{name}"' for name in SCHEMAS[table].names)
    new = f"SELECT ordinal FROM judged_{table} WHERE verdict = 'new'"
    fresh = f"SELECT {columns} FROM staged_{table} SEMI JOIN ({new}) USING (ordinal) ORDER BY ordinal"
    lake.append(table, connection.sql(fresh).to_arrow_reader(100_000))
    connection.execute(f"CREATE TEMP TABLE refused_{table} AS {_refused(table)}")
    verdicts = dict(connection.execute(f"SELECT verdict, count(*) FROM judged_{table} GROUP BY verdict").fetchall())
    return verdicts.get("new", 0), verdicts.get("duplicate", 0)


def _judged(table: str, lake: Lake) -> str:
    """Query for `ordinal` and `verdict` of every good record: new, duplicate, or conflict with another of the same key."""
    hashes = f"md5_number({KEYS[table]}) AS key, {content_digest(table)} AS digest"
    return f"""
        WITH good AS MATERIALIZED (SELECT ordinal, {hashes} FROM staged_{table} WHERE reason IS NULL),
             earliest AS (SELECT key, min(ordinal) AS ordinal FROM good GROUP BY key),
             first AS MATERIALIZED (SELECT good.* FROM good SEMI JOIN earliest USING (ordinal)),
             known AS (SELECT * FROM (SELECT {hashes} FROM {lake.relation(table)}) AS stored SEMI JOIN first USING (key))
        SELECT good.ordinal, CASE
            WHEN good.digest <> coalesce(known.digest, first.digest) THEN 'conflict'
            WHEN known.key IS NULL AND good.ordinal = first.ordinal THEN 'new'
            ELSE 'duplicate' END AS verdict
        FROM good JOIN first ON good.key = first.key LEFT JOIN known ON good.key = known.key"""


def _refused(table: str) -> str:
    key = KEYS[table]
    words = f"""'{key} ''' || left({key}, 80) || ''' was used before for another record, which is kept; '
        || 'name this one differently, or, after a change of the mapping, start a new lake'"""
    return f"""
        SELECT ordinal, row, raw, reason FROM staged_{table} WHERE reason IS NOT NULL
        UNION ALL
        SELECT ordinal, row, raw, {words} FROM staged_{table}
        SEMI JOIN (FROM judged_{table} WHERE verdict = 'conflict') USING (ordinal)"""


def _quarantine(connection: duckdb.DuckDBPyConnection, tables: Sequence[str], file: Path, source: str, lake: Lake) -> None:
    refused = " UNION ALL ".join(f"SELECT {literal(table)} AS target, * FROM refused_{table}" for table in tables)
    identity = f"sha256(to_json([{escaped(source)}, target, raw, reason])::VARCHAR)"
    lake.append(
        "quarantine",
        connection.sql(
            f"""SELECT {identity} AS record_id, {escaped(source)} AS source, {literal(file.name)} AS file, row, reason, raw
            FROM ({refused}) ORDER BY target, ordinal"""
        ).to_arrow_reader(100_000),
    )


def _report(connection: duckdb.DuckDBPyConnection, counts: Mapping[str, tuple[int, int]]) -> IngestReport:
    tables = [*counts, "lines"]
    union = " UNION ALL ".join(f"SELECT {literal(table)} AS target, reason FROM refused_{table}" for table in tables)
    quarantined = connection.execute(f"SELECT target, count(*) FROM ({union}) GROUP BY target").fetchall()
    query = f"SELECT reason, count(*) AS n FROM ({union}) GROUP BY reason ORDER BY n DESC, reason LIMIT {_KEEP_NO_MORE_REASONS}"
    return IngestReport(
        accepted={table: new for table, (new, _) in counts.items()},
        duplicate={table: duplicate for table, (_, duplicate) in counts.items()},
        quarantined={table: 0 for table in counts} | dict(quarantined),
        reasons=dict(connection.execute(query).fetchall()),
    )


def _total(reports: Sequence[IngestReport]) -> IngestReport:
    def added(numbers: Iterator[Mapping[str, int]]) -> dict[str, int]:
        total: Counter[str] = Counter()
        for each in numbers:
            total.update(each)
        return dict(total)

    reasons = Counter(added(report.reasons for report in reports))
    return IngestReport(
        accepted=added(report.accepted for report in reports),
        duplicate=added(report.duplicate for report in reports),
        quarantined=added(report.quarantined for report in reports),
        reasons=dict(reasons.most_common(_KEEP_NO_MORE_REASONS)),
    )
