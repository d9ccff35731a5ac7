"""What is measured of every source, as DuckDB queries over the lake's tables; only counts per source, day and bin leave them.

Times are those at which records became known, in UTC. What is counted where:

- volume, lateness, missing fields, distributions: the interactions in the lake; what the journal took since the last compaction
  is not among them yet.
- rejects: the quarantine, which keeps a refused record once, however often it came.
- duplicates: of files only, by `arrivals`; what came twice online is answered by the journal, and never reaches the lake.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from features.lake import Lake
from features.quality.alarms import LATE_HOURS, Share
from features.quality.reasons import without_values

if TYPE_CHECKING:
    import duckdb

OPTIONAL = ("value", "stage", "decision_id", "metric", "sentiment", "identifiers")
"""Fields that an interaction may lack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDay:
    """One day of one source.

    Attributes
    ----------
    volume : interactions that became known.
    accepted, duplicate : records of all kinds in the files that were taken on that day.
    rejected : records that went to the quarantine, and `reasons` how many for which reason, without the values in it.
    late_median_hours, late_p95_hours : from when an interaction happened to when it became known; approximate.
    late_share : interactions known more than a day after they happened, 0 to 1.
    missing : share of the interactions without the field, 0 to 1; of other records in the files that were taken on that day as
        `outcomes.value`.
    """

    source: str
    day: date
    volume: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    late_median_hours: float | None = None
    late_p95_hours: float | None = None
    late_share: float | None = None
    missing: Mapping[str, float] = field(default_factory=dict)


def measure_days(connection: "duckdb.DuckDBPyConnection", lake: Lake, *, since: datetime, until: datetime) -> list[SourceDay]:
    """Every day of every source on which anything came, in order."""
    days: dict[tuple[str, date], dict[str, Any]] = {}
    for measured in (_interactions(connection, lake, since, until), _arrivals(connection, lake, since, until)):
        for key, figures in measured.items():
            days.setdefault(key, {}).update(figures)
    for key, reasons in _reasons(connection, lake, since, until).items():
        days.setdefault(key, {}).update(rejected=sum(reasons.values()), reasons=reasons)
    for key, missing in _missing_in_files(connection, lake, since, until).items():
        days[key]["missing"] = {**days[key].get("missing", {}), **missing}
    return [SourceDay(source=source, day=day, **days[source, day]) for source, day in sorted(days)]


def _interactions(
    connection: "duckdb.DuckDBPyConnection", lake: Lake, since: datetime, until: datetime
) -> dict[tuple[str, date], dict[str, object]]:
    missing = ", ".join(f"1 - count({field}) / count(*)" for field in OPTIONAL)
    rows = connection.execute(
        f"""SELECT source, day, count(*), approx_quantile(hours, 0.5), approx_quantile(hours, 0.95),
            count(*) FILTER (hours > {LATE_HOURS!r}) / count(*), {missing}
        FROM (SELECT *, received_at::DATE AS day, greatest(epoch(received_at - "at"), 0) / 3600 AS hours
            FROM {lake.relation("interactions")} WHERE received_at >= ? AND received_at < ?)
        GROUP BY source, day""",
        [since, until],
    ).fetchall()
    return {
        (source, day): {
            "volume": volume,
            "late_median_hours": median,
            "late_p95_hours": p95,
            "late_share": share,
            "missing": dict(zip(OPTIONAL, lacking, strict=True)),
        }
        for source, day, volume, median, p95, share, *lacking in rows
    }


def _arrivals(
    connection: "duckdb.DuckDBPyConnection", lake: Lake, since: datetime, until: datetime
) -> dict[tuple[str, date], dict[str, object]]:
    rows = connection.execute(
        f"""SELECT source, received_at::DATE AS day, sum(accepted)::BIGINT, sum(duplicate)::BIGINT
        FROM {lake.relation("arrivals")} WHERE received_at >= ? AND received_at < ? GROUP BY source, day""",
        [since, until],
    ).fetchall()
    return {(source, day): {"accepted": accepted, "duplicate": duplicate} for source, day, accepted, duplicate in rows}


def _missing_in_files(
    connection: "duckdb.DuckDBPyConnection", lake: Lake, since: datetime, until: datetime
) -> dict[tuple[str, date], dict[str, float]]:
    # Interactions are counted themselves, because those that came online are in no file.
    rows = connection.execute(
        f"""WITH taken AS (SELECT source, received_at::DATE AS day, target, accepted, coalesce(missing, '{{}}') AS missing
            FROM {lake.relation("arrivals")} WHERE received_at >= ? AND received_at < ? AND target <> 'interactions'),
        whole AS (SELECT source, day, target, sum(accepted) AS accepted FROM taken GROUP BY ALL),
        lacking AS (SELECT source, day, target, member.key AS field, sum(member.value::BIGINT) AS n
            FROM taken, json_each(missing) AS member GROUP BY ALL)
        SELECT source, day, target || '.' || field, n / accepted FROM lacking JOIN whole USING (source, day, target)
        WHERE accepted > 0 ORDER BY ALL""",
        [since, until],
    ).fetchall()
    found: dict[tuple[str, date], dict[str, float]] = {}
    for source, day, name, share in rows:
        found.setdefault((source, day), {})[name] = share
    return found


def _reasons(
    connection: "duckdb.DuckDBPyConnection", lake: Lake, since: datetime, until: datetime
) -> dict[tuple[str, date], dict[str, int]]:
    rows = connection.execute(
        f"""SELECT source, received_at::DATE AS day, {without_values("reason")} AS plain, count(*) AS n
        FROM {lake.relation("quarantine")} WHERE received_at >= ? AND received_at < ?
        GROUP BY source, day, plain ORDER BY n DESC, plain""",
        [since, until],
    ).fetchall()
    found: dict[tuple[str, date], dict[str, int]] = {}
    for source, day, reason, count in rows:
        found.setdefault((source, day), {})[reason] = count
    return found


def measure_shares(days: list[SourceDay], source: str, *, since: date, until: date) -> dict[str, Share]:
    """Shares of a source over some days: late ones and missing fields of its interactions, rejects of all that came."""
    of_source = [day for day in days if day.source == source and since <= day.day < until]
    volume = sum(day.volume for day in of_source)
    rejected = sum(day.rejected for day in of_source)
    # Files say what came when they were taken; where there were none, what became known is what came.
    came = sum(max(day.volume, day.accepted + day.duplicate) for day in of_source)
    shares = {
        field: Share(round(sum(day.volume * day.missing.get(field, 0.0) for day in of_source)), volume) for field in OPTIONAL
    }
    late = round(sum(day.volume * (day.late_share or 0.0) for day in of_source))
    return shares | {"late": Share(late, volume), "rejected": Share(rejected, came + rejected)}
