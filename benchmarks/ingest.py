"""How long does it take to ingest ten million interactions, against DuckDB that reads, deduplicates and writes them bare?

Both get the same files and the same memory. A hundredth of the rows is there twice; of rows with the same id both keep the
first in the file. Each run is a process of its own, which tells its peak memory; one million rows are run as well, to see
whether memory grows with the file. In the third pair every interaction names a cookie too, which is hashed and linked.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

ROWS = 10_000_000
FEWER_ROWS = 1_000_000
LIMITS = {"parquet": 2.5, "csv": 3.0}

MAPPING = """
name = "shop"
[[interactions]]
message_id = "id"
customer_id = "customer"
touchpoint = "touchpoint"
kind = "kind"
at = "at"
value = "amount"
properties = ["page"]
"""

OURS = """
import json, resource, sys, time, tomllib
from datetime import UTC, datetime
from pathlib import Path
from features.capture import Mapping, ingest
from features.catalogue import parse_catalogue
from features.identity import Names
from features.lake import Lake
touchpoints = [{"name": name, "stage": "purchase"} for name in ("web.page", "store.checkout", "mail.a", "mail.b")]
catalogue = parse_catalogue({"touchpoints": touchpoints})
started = time.perf_counter()
report = ingest([Path(sys.argv[1])], Mapping.model_validate(tomllib.loads(sys.argv[3])), catalogue=catalogue,
    lake=Lake(Path(sys.argv[2])), now=datetime(2024, 6, 1, tzinfo=UTC), clock_skew_seconds=0, on_progress=lambda _: None,
    names=Names(b"a key for measuring", catalogue.identifier_types, region="US"))
seconds = time.perf_counter() - started
rows = report.accepted["interactions"]
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, rows]))
"""

BARE = """
import json, resource, sys, time
import duckdb
source, target, spill = sys.argv[1:4]
reader = f"read_parquet('{source}', file_row_number = true)"
if source.endswith(".csv"):
    reader = f"(SELECT *, row_number() OVER () AS file_row_number FROM read_csv('{source}'))"
connection = duckdb.connect(config={"memory_limit": "2GB", "temp_directory": spill})
started = time.perf_counter()
numbered = f"SELECT *, row_number() OVER (PARTITION BY id ORDER BY file_row_number) AS nth FROM {reader}"
connection.execute(f"COPY (SELECT * FROM ({numbered}) WHERE nth = 1) TO '{target}' (FORMAT parquet)")
seconds = time.perf_counter() - started
rows = connection.execute(f"SELECT count(*) FROM '{target}'").fetchall()[0][0]
print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, rows]))
"""


def measure() -> dict[str, object]:
    """Run both on Parquet and on CSV, in turn."""
    with tempfile.TemporaryDirectory(prefix="touchpoint-") as name:
        folder = Path(name)
        results: dict[str, object] = {"question": f"ingest of {ROWS:,} interactions"}
        for format_, limit in LIMITS.items():
            results |= _compared(folder, format_, MAPPING, format_, limit)
        with_cookies = MAPPING + 'identifiers = {cookie = "cookie"}\n'
        return results | _compared(folder, "parquet", with_cookies, "parquet_with_cookies", None)


def _compared(folder: Path, format_: str, mapping: str, name: str, limit: float | None) -> dict[str, object]:
    _write(folder / f"few.{format_}", FEWER_ROWS)
    _write(folder / f"many.{format_}", ROWS)
    few = _run(OURS, folder / f"few.{format_}", folder / f"{name}-few", mapping)
    bare = _run(BARE, folder / f"many.{format_}", folder / f"{name}.parquet", str(folder / "spill"))
    ours = _run(OURS, folder / f"many.{format_}", folder / f"{name}-many", mapping)
    if ours[2] != bare[2]:
        raise RuntimeError(f"{name}: {ours[2]:,} rows were taken, and {bare[2]:,} written bare; they should be as many")
    return {
        f"{name}_seconds": round(ours[0], 1),
        f"{name}_bare_seconds": round(bare[0], 1),
        f"{name}_ratio": round(ours[0] / bare[0], 2),
        f"{name}_limit": limit,
        f"{name}_peak_gigabytes": round(ours[1] / 1e9, 2),
        f"{name}_peak_gigabytes_of_{FEWER_ROWS}": round(few[1] / 1e9, 2),
    }


def _write(path: Path, rows: int) -> None:
    """Made-up interactions: 500 thousand customers, every hundredth row a copy of the one seven before it."""
    if path.exists():
        return
    query = f"""
        SELECT 'm' || lpad(n::VARCHAR, 10, '0') AS id, 'c' || lpad(((n * 7919) % 500000)::VARCHAR, 7, '0') AS customer,
            'k' || ((n * 7919) % 500000) || '-' || (n % 2) AS cookie,
            ['web.page', 'store.checkout', 'mail.a', 'mail.b'][1 + n % 4] AS touchpoint,
            ['view', 'purchase', 'contact', 'click', 'open'][1 + n % 5] AS kind,
            TIMESTAMP '2023-01-01' + to_seconds((n * 37) % 31000000) AS "at", round((n % 10007) / 7.0, 2) AS amount,
            'https://shop.example/p/' || (n % 5000) AS page
        FROM (SELECT CASE WHEN i % 100 = 7 THEN i - 7 ELSE i END AS n FROM range({rows}) AS numbers(i))"""
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"COPY ({query}) TO '{path}'")


def _run(program: str, *arguments: object) -> tuple[float, int, int]:
    """Seconds, peak memory in bytes, rows."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    seconds, memory, rows = json.loads(
        subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1]
    )
    return seconds, memory, rows
