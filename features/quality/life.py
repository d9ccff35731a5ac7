"""When a source last gave a sign of life, and which pauses it usually makes."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from features.lake import ONLINE, Lake, literal

if TYPE_CHECKING:
    import duckdb

REPLAYED = "replayed.jsonl"
"""Stands as the file of what was replayed out of the quarantine, which is no sign of life of its source."""

_WEEKS_OF_GAPS = 4


@dataclass(frozen=True, slots=True)
class Life:
    """When a source gave signs of life.

    Attributes
    ----------
    last : the last one; a record online, or a file of which something was taken.
    gaps : how many pauses of a minute or more it made in the four weeks before.
    weekly_longest : the longest pause of each of those weeks, hours.
    """

    last: datetime
    gaps: int
    weekly_longest: tuple[float, ...]


def measure_life(connection: "duckdb.DuckDBPyConnection", lake: Lake, *, since: datetime, until: datetime) -> dict[str, Life]:
    """When every source last gave a sign of life, and the pauses that it made before."""
    # Of files it counts when they were taken: their records carry times of their own, which say nothing about the export.
    minute = "time_bucket(INTERVAL 1 MINUTE, received_at)"
    relations = {table: lake.relation(table) for table in ("interactions", "quarantine", "arrivals")}
    week = f"datediff('hour', shown, last) // {7 * 24}"
    rows = connection.execute(
        f"""WITH shown AS (
            SELECT source, {minute} AS shown, max(received_at) AS latest FROM {relations["interactions"]}
                WHERE received_at BETWEEN $since AND $until
                    AND (position IS NOT NULL OR source NOT IN (SELECT source FROM {relations["arrivals"]})) GROUP BY ALL
            UNION SELECT source, {minute}, max(received_at) FROM {relations["quarantine"]}
                WHERE received_at BETWEEN $since AND $until AND file = {literal(ONLINE)} GROUP BY ALL
            UNION SELECT source, {minute}, max(received_at) FROM {relations["arrivals"]}
                WHERE received_at BETWEEN $since AND $until
                    AND accepted + quarantined > 0 AND file IS DISTINCT FROM $replayed GROUP BY ALL),
        pauses AS (SELECT source, shown, max(latest) OVER (PARTITION BY source) AS last,
                epoch(shown - lag(shown) OVER (PARTITION BY source ORDER BY shown)) / 3600 AS pause FROM shown),
        weeks AS (SELECT source, any_value(last) AS last, max(pause) AS longest, count(pause) FILTER (pause > 0) AS gaps
            FROM pauses WHERE {week} < {_WEEKS_OF_GAPS} GROUP BY source, {week})
        SELECT source, any_value(last), sum(gaps)::BIGINT, coalesce(list(longest) FILTER (longest > 0), [])
        FROM weeks GROUP BY source""",
        {"since": since, "until": until, "replayed": REPLAYED},
    ).fetchall()
    return {source: Life(last, gaps, tuple(longest)) for source, last, gaps, longest in rows}
