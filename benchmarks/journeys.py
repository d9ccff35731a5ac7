"""The journey map over ten million interactions: at most twice as long as a bare DuckDB query of the transitions?

The peer is one query over the same lake, as somebody would write it who wants transitions only: `lag` over each customer's
interactions in the order of time, and a count of each pair. It knows no journeys, so that a pair may be months apart, leaves ties
in any order, and has neither customers nor times nor conversions. Ours cuts journeys, and gives all of the map: places, moves
with customers, times and conversions, starts, ends and loops. The page, timed as well, is everything that the console shows.

Each size runs in a process of its own; peer and ours take turns, and the quickest of each counts, so that other work on the
machine troubles both alike. `JOURNEYS_INTERACTIONS` sets another size.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
from deltalake import write_deltalake

from features.insights.history import open_history
from features.insights.journeys.journey_map import journey_map
from features.insights.journeys.page import journeys_page
from features.insights.journeys.steps import cut_into_steps
from features.insights.journeys.window import JourneyWindow
from features.insights.look import Look
from features.insights.period import Period
from features.lake import SCHEMAS, Lake, duckdb_session
from features.synthetic import synthetic_catalogue

SIZES = (1_000_000, 10_000_000)
ROUNDS = 3
INTERACTIONS_PER_CUSTOMER = 20
LIMIT = 2.0
START, DAYS = datetime(2023, 1, 1, tzinfo=UTC), 365

INTERACTIONS = """
    SELECT 'm' || i AS message_id, 'c' || (hash(i) % {customers}) AS customer_id,
           {touchpoints}[1 + (hash(i + 1000000000) % {n})::INT] AS touchpoint, split_part(touchpoint, '.', 1) AS channel,
           ['contact', 'open', 'click', 'view', 'view', 'view', 'cart', 'purchase'][1 + (hash(i + 2000000000) % 8)::INT] AS kind,
           make_timestamptz({start} + (hash(i + 3000000000) % {year})::BIGINT) AS "at", "at" AS received_at,
           CASE WHEN kind = 'purchase' THEN (hash(i + 4000000000) % 10000) / 100 END AS value, 'bench' AS source
    FROM range({rows}) AS numbers(i)"""

BARE = """
    SELECT previous, touchpoint, count(*) AS transitions
    FROM (SELECT touchpoint, lag(touchpoint) OVER (PARTITION BY customer_id ORDER BY "at") AS previous FROM {interactions})
    WHERE previous IS NOT NULL GROUP BY ALL"""


def measure(sizes: tuple[int, ...] = SIZES) -> dict[str, object]:
    """Time each size."""
    sizes = (int(os.environ["JOURNEYS_INTERACTIONS"]),) if "JOURNEYS_INTERACTIONS" in os.environ else sizes
    command = [sys.executable, "-m", "benchmarks.journeys"]
    told = [subprocess.run([*command, str(size)], stdout=subprocess.PIPE, check=True).stdout for size in sizes]
    return {
        "question": f"the journey map, against a bare query of the transitions; the limit is {LIMIT:g} times as long",
        "sizes": [json.loads(each) for each in told],
    }


def _measured(size: int) -> dict[str, float]:
    with TemporaryDirectory(prefix="touchpoint-") as folder:
        lake = _lake(Path(folder) / "lake", size)
        until = START + timedelta(days=DAYS)
        look = Look(
            lake=lake,
            catalogue=synthetic_catalogue(),
            period=Period(START, until),
            now=until,
            known_until=until + timedelta(days=DAYS),  # so that all journeys have ended, and all interactions count
        )
        if (counted := _map(look)) != size:
            raise SystemExit(f"the map counts {counted:,} of {size:,} interactions")
        rounds = [(_timed(lambda: _bare(lake)), _timed(lambda: _map(look))) for _ in range(ROUNDS)]
        bare, ours = (min(each[side] for each in rounds) for side in (0, 1))
        bare_cpu, ours_cpu = (min(each[side][1] for each in rounds) for side in (0, 1))
        page, page_cpu = _timed(lambda: journeys_page(look))
    result = {"interactions": size, "bare_seconds": bare[0], "map_seconds": ours[0], "ratio": ours[0] / bare[0], "limit": LIMIT}
    result |= {"bare_cpu_seconds": bare_cpu, "map_cpu_seconds": ours_cpu, "cpu_ratio": ours_cpu / bare_cpu}
    result |= {"page_seconds": page, "page_cpu_seconds": page_cpu}
    result["peak_memory_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {name: round(float(value), 2) for name, value in result.items()}


def _bare(lake: Lake) -> list[Any]:
    with duckdb_session() as connection:
        return connection.execute(BARE.format(interactions=lake.relation("interactions"))).fetchall()


def _map(look: Look) -> int:
    """Make the map; gives how many interactions it counts."""
    with open_history(look.lake, look.catalogue, members=look.members) as connection:
        cut_into_steps(connection, JourneyWindow.of(look))
        places = journey_map(connection).flows.places.values()
    return sum(place.interactions for place in places)


def _timed(make: Callable[[], object]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    make()
    return time.perf_counter() - wall, time.process_time() - cpu


def _lake(path: Path, rows: int) -> Lake:
    touchpoints = [touchpoint.name for touchpoint in synthetic_catalogue().touchpoints]
    given = {"customers": rows // INTERACTIONS_PER_CUSTOMER, "touchpoints": touchpoints, "n": len(touchpoints), "rows": rows}
    names = ", ".join(f'"{name}"' for name in SCHEMAS["interactions"].names)
    with duckdb.connect(config={"memory_limit": "2GB", "temp_directory": str(path.parent / "made")}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        made = INTERACTIONS.format(start=int(START.timestamp()) * 1_000_000, year=DAYS * 86_400_000_000, **given)
        query = f"SELECT {names} FROM (FROM {Lake(path).relation('interactions')} UNION ALL BY NAME ({made}))"
        reader = connection.sql(query).to_arrow_reader(100_000).cast(SCHEMAS["interactions"])
        write_deltalake(path / "interactions", reader)
    return Lake(path)


if __name__ == "__main__":
    print(json.dumps(_measured(int(sys.argv[1])) if len(sys.argv) > 1 else measure()))
