"""When a source last gave a sign of life, and how long it usually gives none.

A sign of life is a record, at the time at which it happened, never later than it became known: a file that comes today with
records that end ten days ago is none of today. A source that tells but profiles, which say nothing of when, lives by its files.

Two things let time pass without a sign although nothing is wrong, and both are measured: pauses between records, and the wait
until the next ones are known, such as that for the next file of a weekly export.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from features.lake import ONLINE, Lake, literal

if TYPE_CHECKING:
    import duckdb

REPLAYED = "replayed.jsonl"
"""Stands as the file of what was replayed out of the quarantine, which is no sign of life of its source."""

_WEEKS = 4
_LEAST_WAITS = 2  # one is no habit: history that is loaded, and loaded again a month later, is no monthly export
_IN_FILES = ("outcomes", "consents", "decisions", "links")


@dataclass(frozen=True, slots=True)
class Life:
    """When a source gave signs of life.

    Attributes
    ----------
    last : the last one.
    gaps : how many pauses of a minute or more there were between signs in the last four weeks that have any.
    weekly_longest : the longest pause of each of those weeks, hours.
    weekly_oldest : how old the newest record had become when the next became known, the most of each week, hours.
    weekly_waits : the longest time between two files of each week, hours; nothing of sources that speak online.
    """

    last: datetime
    gaps: int = 0
    weekly_longest: tuple[float, ...] = ()
    weekly_oldest: tuple[float, ...] = ()
    weekly_waits: tuple[float, ...] = ()


def measure_life(connection: "duckdb.DuckDBPyConnection", lake: Lake, *, since: datetime, until: datetime) -> dict[str, Life]:
    """When every source last gave a sign of life, of all history, and the pauses and waits since `since`."""
    records = _records(lake)
    last = f"SELECT source, max(sign) AS last FROM ({records}) GROUP BY source"
    connection.execute(f"CREATE TEMP TABLE lasting AS {last}", {"until": until})
    connection.execute(f"CREATE TEMP TABLE signs AS {_signs(records)}", {"since": since, "until": until})
    connection.execute(f"CREATE TEMP TABLE files AS {_files(lake)}", {"since": since, "until": until})
    connection.execute("INSERT INTO lasting SELECT source, max(latest) FROM files WHERE untimed GROUP BY source")
    connection.execute("INSERT INTO signs SELECT source, known, known, latest, false FROM files WHERE untimed")
    weeks: dict[str, dict[str, tuple[int, list[float]]]] = {}
    for source, what, count, longest in connection.execute(_PAUSES).fetchall():
        weeks.setdefault(source, {})[what] = count, longest
    return {
        source: _life(last, weeks.get(source, {}))
        for source, last in connection.execute("SELECT source, last FROM lasting ORDER BY source").fetchall()
    }


def _life(last: datetime, weeks: dict[str, tuple[int, list[float]]]) -> Life:
    gaps, longest = weeks.get("gap", (0, []))
    oldest, waits = (of if count >= _LEAST_WAITS else [] for count, of in (weeks.get(what, (0, [])) for what in ("age", "wait")))
    return Life(last, gaps, tuple(longest), tuple(oldest), tuple(waits))


def _records(lake: Lake) -> str:
    """Everything that tells of a time: its source, the sign of life, when that was known, and whether online."""
    in_files = " ".join(
        f"""UNION ALL SELECT source, least("at", received_at), received_at, false FROM {lake.relation(table)}
            WHERE position IS NULL AND received_at <= $until"""
        for table in _IN_FILES
    )
    return f"""SELECT source, least("at", received_at) AS sign, received_at AS known, position IS NOT NULL AS online
            FROM {lake.relation("interactions")} WHERE received_at <= $until AND (kind <> 'profile' OR position IS NOT NULL)
        {in_files}
        UNION ALL SELECT source, received_at, received_at, true FROM {lake.relation("quarantine")}
            WHERE received_at <= $until AND file = {literal(ONLINE)}"""


def _signs(records: str) -> str:
    sign, known = (f"time_bucket(INTERVAL 1 MINUTE, records.{name})" for name in ("sign", "known"))
    return f"""SELECT source, {sign} AS sign, {known} AS known, max(records.sign) AS newest, bool_or(online) AS online
        FROM ({records}) AS records WHERE records.known >= $since GROUP BY source, {sign}, {known}"""


def _files(lake: Lake) -> str:
    return f"""SELECT source, time_bucket(INTERVAL 1 MINUTE, received_at) AS known, max(received_at) AS latest,
            source NOT IN (SELECT source FROM lasting) AS untimed
        FROM {lake.relation("arrivals")} WHERE received_at BETWEEN $since AND $until
            AND accepted + quarantined > 0 AND file IS DISTINCT FROM {literal(REPLAYED)} GROUP BY ALL"""


# The first day of a source brings history, perhaps in many files; it tells nothing of when the next will come.
_PAUSES = f"""
WITH known AS (SELECT source, known, max(newest) AS newest FROM signs GROUP BY ALL),
    ages AS (SELECT *, min(known) OVER (PARTITION BY source) AS first, max(newest) OVER (PARTITION BY source ORDER BY known
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM known),
    waits AS (SELECT source, known, min(known) OVER (PARTITION BY source) AS first,
        lag(known) OVER (PARTITION BY source ORDER BY known) AS before
        FROM files WHERE source NOT IN (SELECT source FROM signs WHERE online)),
    pauses AS (
        SELECT source, 'gap' AS what, sign AS ends, sign - lag(sign) OVER (PARTITION BY source ORDER BY sign) AS pause
            FROM (SELECT DISTINCT source, sign FROM signs)
        UNION ALL SELECT source, 'age', known, known - before FROM ages WHERE newest > before AND known > first + INTERVAL 1 DAY
        UNION ALL SELECT source, 'wait', known, known - before FROM waits WHERE known > first + INTERVAL 1 DAY),
    of_weeks AS (SELECT *, datediff('hour', ends, max(ends) OVER (PARTITION BY source, what)) // {7 * 24} AS week FROM pauses),
    weeks AS (SELECT source, what, week, count(pause) AS n, max(epoch(pause)) / 3600 AS longest
        FROM of_weeks WHERE week < {_WEEKS} GROUP BY ALL)
SELECT source, what, sum(n)::BIGINT, coalesce(list(longest) FILTER (longest > 0), []) FROM weeks GROUP BY source, what
"""
