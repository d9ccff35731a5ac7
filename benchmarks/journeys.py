"""The journey map over up to ten million interactions: at most twice as long as a bare DuckDB query of the transitions?

The peer is one query over the same lake, as somebody would write it who wants transitions only: `lag` over each customer's
interactions in the order of time, and a count of each pair. It knows no journeys, so that a pair may be months apart, leaves ties
in any order, and has neither customers nor times nor conversions. Ours cuts journeys, and gives all of the map: places, moves
with customers, times and conversions, starts, ends and loops. The page, timed as well, is everything that the console shows.

Each size runs in a process of its own; ours and the peer take turns. Small sizes are mostly fixed costs, which flatter growth, so
growth from the second largest size to the largest is told as well. `JOURNEYS_INTERACTIONS="100000 1000000"` sets other sizes.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
from deltalake import write_deltalake

from benchmarks.ratios import Figure, growth, in_turn, seconds
from features.insights.history import open_history
from features.insights.journeys.journey_map import journey_map
from features.insights.journeys.page import journeys_page
from features.insights.journeys.steps import cut_into_steps
from features.insights.journeys.window import JourneyWindow
from features.insights.look import Look
from features.insights.period import Period
from features.lake import SCHEMAS, Lake, duckdb_session
from features.synthetic import synthetic_catalogue

SIZES = (100_000, 1_000_000, 10_000_000)
ROUNDS = 3
INTERACTIONS_PER_CUSTOMER = 20
LIMIT, EXPONENT = 2.0, 1.1
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


def measure(sizes: Sequence[int] = SIZES) -> dict[str, object]:
    """Time each size."""
    found = measured_sizes("benchmarks.journeys", os.environ.get("JOURNEYS_INTERACTIONS"), sizes)
    figures = [
        *figures_of("journey map", "a bare query of the transitions", found, at_most=LIMIT),
        *(Figure(name=f"journeys page, {words(size)}", ours=each["page"], unit="s") for size, each in found.items()),
    ]
    return {"question": "the journey map against a bare query of the transitions", "figures": figures}


def measured_sizes(module: str, asked: str | None, sizes: Sequence[int]) -> dict[int, dict[str, Any]]:
    """What a module tells of each size, each in a process of its own.

    Parameters
    ----------
    asked : sizes that somebody wants instead, with blanks between them.
    """
    wanted = [int(size) for size in asked.split()] if asked else sizes
    command = [sys.executable, "-m", module]
    told = {size: subprocess.run([*command, str(size)], stdout=subprocess.PIPE, check=True).stdout for size in wanted}
    return {size: json.loads(each) for size, each in told.items()}


def figures_of(name: str, against: str, found: Mapping[int, Mapping[str, Any]], *, at_most: float | None) -> Iterator[Figure]:
    """Time against the peer's and peak memory of each size, and how both times grow."""
    for size, each in found.items():
        yield Figure.of(f"{name}, {words(size)}", against, each["pairs"], at_most=at_most)
        yield Figure(name=f"{name}, {words(size)}: peak memory", ours=each["peak_gb"], unit="GB")
    ends = list(found)
    for sizes in dict.fromkeys((tuple(ends), tuple(ends[-2:]))) if len(ends) > 1 else ():
        ours, theirs = (growth(sizes, times) for times in _medians(found, sizes))
        span = f"from {words(sizes[0])} to {words(sizes[-1])}"
        yield Figure(name=f"{name}: growth exponent {span}; the peer's is {theirs:.2f}", ours=ours, unit="", at_most=EXPONENT)


def words(size: int) -> str:
    """A number of interactions in words."""
    return f"{size / 1e6:g} M interactions" if size >= 1e6 else f"{size / 1e3:g} thousand interactions"


def peak_gb() -> float:
    """The most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def make_lake(path: Path, rows: int) -> Lake:
    """A year of random interactions, so many."""
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


def look_at_all(lake: Lake) -> Look:
    """The year of `make_lake`; all journeys have ended, and all interactions count."""
    until = START + timedelta(days=DAYS)
    known = until + timedelta(days=DAYS)
    return Look(lake=lake, catalogue=synthetic_catalogue(), period=Period(START, until), now=known, known_until=known)


def _medians(found: Mapping[int, Mapping[str, Any]], sizes: Sequence[int]) -> tuple[list[float], list[float]]:
    of = [Figure.of("", "", found[size]["pairs"]) for size in sizes]
    return [each.ours for each in of], [each.theirs or 0.0 for each in of]


def _measured(size: int) -> dict[str, Any]:
    with TemporaryDirectory(prefix="touchpoint-") as folder:
        lake = make_lake(Path(folder) / "lake", size)
        look = look_at_all(lake)
        if (counted := _map(look)) != size:
            raise SystemExit(f"the map counts {counted:,} of {size:,} interactions")
        pairs = in_turn(lambda: _map(look), lambda: _bare(lake), rounds=ROUNDS)
        peak = peak_gb()
        return {"pairs": pairs, "peak_gb": peak, "page": seconds(lambda: journeys_page(look))}


def _bare(lake: Lake) -> list[Any]:
    with duckdb_session() as connection:
        return connection.execute(BARE.format(interactions=lake.relation("interactions"))).fetchall()


def _map(look: Look) -> int:
    """Make the map; gives how many interactions it counts."""
    with open_history(look.lake, look.catalogue, members=look.members) as connection:
        cut_into_steps(connection, JourneyWindow.of(look))
        places = journey_map(connection).flows.places.values()
    return sum(place.interactions for place in places)


if __name__ == "__main__":
    print(json.dumps(_measured(int(sys.argv[1]))))
