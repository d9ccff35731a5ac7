"""How many customers' states go from the lake online per second, into SQLite and Redis, against Feast's own way and bare writing?

Ours is the online part of `touchpoint materialize`, where everything is to be written: the latest state of every customer out of
all interactions, compared with what is online, packed, written, and remembered. The history file before it is timed by itself.

- The peer is Feast's `materialize` of fewer customers, from a history file into its own store of the same kind: it reads
  states that are made already. Rates are compared.
- The limit writes the very same bytes, packed beforehand: `executemany` of 1,000 rows a transaction into a new SQLite file, or
  one pipeline of 1,000 SETs. It is compared with our writing alone, which packs the rows that DuckDB gave, under the lock of the
  store; both write at most 100,000 rows, first where there are none, then over them.

Each size is measured in a process of its own, for its peak memory. MATERIALIZE_CUSTOMERS sets the sizes, as in 100000,1000000;
a customer has twenty interactions.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa

from benchmarks.interactions import INTERACTIONS_PER_CUSTOMER, START, UNTIL, make_lake
from benchmarks.ratios import Figure, growth, in_turn, seconds
from benchmarks.store import BareRedis, BareSqlite, Pair, redis_url, stock
from features.lake import Lake
from features.settings import Settings
from features.store import FeatureStore, history_path
from features.store.definitions import entity_key
from features.store.online import OnlineStates
from features.store.registered import Registered
from features.synthetic import synthetic_catalogue
from features.tables import feature_list
from features.tables.batch import Batch, batch_connection

SIZES = tuple(int(size) for size in os.environ.get("MATERIALIZE_CUSTOMERS", "25000,100000").split(","))
ROWS_OF_FEAST, ROWS_PER_BATCH, MOST_BATCHES, ROUNDS = 2_000, 1_000, 100, 3
FEATURES = feature_list(synthetic_catalogue())


def measure() -> dict[str, object]:
    """Time each store at each size."""
    results: dict[str, object] = {"question": "states from the lake online, per second"}
    for kind in ("SQLite", "Redis"):
        told = [_child(kind, size) for size in SIZES]
        if not all(told):
            continue  # no Redis here
        results[kind] = told
        if len(SIZES) > 1:
            exponent = growth(SIZES, [each["online_seconds"] for each in told])
            results[f"{kind}_growth"] = Figure(
                name=f"growth of materializing, {kind}", ours=exponent, unit="exponent", at_most=1.1
            )
    return results


def _child(kind: str, customers: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.materialize", kind, str(customers)]
    told = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    return {**told, "figures": [Figure(**each) for each in told["figures"]]} if told else {}


def _measured(kind: str, customers: int) -> dict[str, Any]:
    with TemporaryDirectory(prefix="touchpoint-") as folder, redis_url(Path(folder)) as url:
        if kind == "Redis" and url is None:
            return {}
        where = url if kind == "Redis" else None
        settings = Settings(home=Path(folder) / "home", online_store=where)
        lake = make_lake(settings.lake_path, INTERACTIONS_PER_CUSTOMER * customers)
        store = FeatureStore(settings, synthetic_catalogue())
        store.apply()
        all_of_it = seconds(lambda: store.materialize(lake, until=UNTIL, on_progress=lambda line: None))
        rates = _rates(store, settings, lake, customers, Path(folder) / "stock")
        online = float(customers / sorted(ours for ours, _ in rates)[ROUNDS // 2])
        size, peak = f"{customers:,} customers, {kind}", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        writing = _writing(settings, lake, Path(folder))
        figures = [
            Figure.of(f"materializing, {size}", f"Feast, {ROWS_OF_FEAST:,} of them", rates, unit="rows/s", at_least=5),
            Figure.of(f"packing and writing, {size}", "the same bytes, bare", writing),
        ]
        seconds_of = {"online_seconds": online, "history_seconds": all_of_it - online}
        return {**seconds_of, "peak_memory_gb": peak, "figures": [asdict(each) for each in figures]}


def _rates(store: FeatureStore, settings: Settings, lake: Lake, customers: int, home: Path) -> list[tuple[float, float]]:
    """Rows per second of ours and of Feast, in turn."""
    feast, marks = stock(store, home, settings.online_store), settings.feast_path / "online_marks.parquet"
    some = f"SELECT DISTINCT customer_id FROM '{history_path(settings.feast_path)}' ORDER BY customer_id LIMIT {ROWS_OF_FEAST}"
    rows = f"SELECT * FROM '{history_path(settings.feast_path)}' SEMI JOIN ({some}) USING (customer_id)"
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({rows}) TO '{history_path(home / 'feast')}' (FORMAT parquet)")

    def ours() -> None:
        marks.unlink()
        store.materialize(lake, until=UNTIL, on_progress=lambda line: None)

    pairs = in_turn(ours, lambda: feast.materialize(start_date=START, end_date=UNTIL), rounds=ROUNDS)
    return [(customers / mine, ROWS_OF_FEAST / theirs) for mine, theirs in pairs]


def _writing(settings: Settings, lake: Lake, folder: Path) -> list[tuple[float, float]]:
    """Seconds of ours and of the bare database, each into one of its own."""
    url = settings.online_store
    apart = Settings(home=folder / "apart", online_store=url and f"{url}/4")
    FeatureStore(apart, synthetic_catalogue()).apply()
    registered, batches = Registered(apart, FEATURES), _batches(settings, lake)
    layout, states = registered.layout, OnlineStates(registered)
    packed = [list(zip(_keys(each), layout.pack_rows(each, each["visible_at"]), strict=True)) for each in batches]
    bare = BareSqlite(folder / "bare.db") if url is None else BareRedis(f"{url}/5")
    return in_turn(lambda: states.write(batches, on_written=lambda rows: None), lambda: _write(bare, packed), rounds=ROUNDS)


def _batches(settings: Settings, lake: Lake) -> list[pa.RecordBatch]:
    """The latest states as the store gets them."""
    with batch_connection(settings.feast_path) as connection:
        batch = Batch(FEATURES, connection, lake.ibis_table(connection, "interactions"))
        return list(islice(batch.stream(batch.changed(until=UNTIL, marks=None), ROWS_PER_BATCH), MOST_BATCHES))


def _keys(batch: pa.RecordBatch) -> list[bytes]:
    return [entity_key(name) for name in batch["customer_id"].to_pylist()]


def _write(bare: BareSqlite | BareRedis, batches: Sequence[Sequence[Pair]]) -> None:
    for rows in batches:
        bare.write(rows)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        with redirect_stdout(sys.stderr):  # Feast tells its progress
            told = _measured(sys.argv[1], int(sys.argv[2]))
        print(json.dumps(told))
    else:
        print(measure())
