"""How fields of a source were distributed lately, and before that."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from features.lake import Lake
from features.quality.alarms import BEFORE_DAYS, RECENT_DAYS

if TYPE_CHECKING:
    import duckdb

DISTRIBUTED = ("value", "kind", "touchpoint")
"""Fields of which the distribution is watched."""

_BINS = 10
_MOST_CATEGORIES = 50


@dataclass(frozen=True, slots=True)
class Compared:
    """How a field of a source was distributed in the last days and in those before: records per bin, shape (n,) both."""

    source: str
    field: str
    bins: tuple[str, ...]
    recent: NDArray[np.float64]
    before: NDArray[np.float64]


def measure_distributions(connection: "duckdb.DuckDBPyConnection", lake: Lake, *, until: datetime) -> list[Compared]:
    """The distributions of the last 7 days and of the 28 before, of every source and field that has any."""
    return [compared for field in DISTRIBUTED for compared in _distributions(connection, lake, field, until)]


def _distributions(connection: "duckdb.DuckDBPyConnection", lake: Lake, field: str, until: datetime) -> list[Compared]:
    start = until - timedelta(days=RECENT_DAYS)
    rows = connection.execute(
        f"""WITH known AS (SELECT source, {field} AS v, received_at >= $start AS recent FROM {lake.relation("interactions")}
            WHERE received_at >= $since AND received_at < $until AND {field} IS NOT NULL),
        binned AS ({_BY_TENTH if field == "value" else _BY_CATEGORY})
        SELECT source, bin, count(*) FILTER (recent) AS n, count(*) FILTER (NOT recent) AS m FROM binned
        GROUP BY source, bin ORDER BY source, bin""",
        {"start": start, "since": start - timedelta(days=BEFORE_DAYS), "until": until},
    ).fetchall()
    by_source: dict[str, list[tuple[str, int, int]]] = {}
    for source, bin_, recent, before in rows:
        by_source.setdefault(source, []).append((bin_, recent, before))
    return [
        Compared(
            source, field, tuple(row[0] for row in counts), *(np.array([row[k] for row in counts], dtype=float) for k in (1, 2))
        )
        for source, counts in by_source.items()
    ]


# Tenths of what was before: a bin holds values up to and with its edge, and equal edges make one bin.
_BY_TENTH = f"""
    SELECT known.source, coalesce(recent, false) AS recent, printf('%02d', len(list_filter(edges, lambda edge: edge < v))) AS bin
    FROM known JOIN (SELECT source,
            list_distinct(approx_quantile(v, {[round(k / _BINS, 1) for k in range(1, _BINS)]}) FILTER (NOT recent)) AS edges
        FROM known GROUP BY source) USING (source)"""

# The rare ones are taken together, because each of them says nothing.
_BY_CATEGORY = f"""
    SELECT known.source, recent, CASE WHEN nth <= {_MOST_CATEGORIES} THEN v ELSE '(others)' END AS bin
    FROM known JOIN (SELECT source, v, row_number() OVER (PARTITION BY source ORDER BY count(*) DESC, v) AS nth
        FROM known GROUP BY source, v) USING (source, v)"""
