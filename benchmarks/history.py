"""Feature states as of given times, and the latest of every customer: how much slower than SQL written by hand?

The peer is one DuckDB query of the same columns over the same lake, as somebody would write it who needs them once: conditional
sums, extremes and latest values, decayed straight to the time asked for, without care for doubled messages or for ages of
decades. All run one after the other, each size in a process of its own. Feast's own join is timed on fewer rows.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from deltalake import write_deltalake

from features.instants import DAY
from features.lake import SCHEMAS, Lake
from features.settings import Settings
from features.store.definitions import SERVICE, definitions, history_path, open_feast
from features.store.offline import states_as_of
from features.synthetic import synthetic_catalogue
from features.tables import TOTAL, Feature, feature_list, latest, matrix, read
from features.tables.batch import Batch, batch_connection
from features.tables.extremes import Current, Extreme
from features.tables.feature import folds_of
from features.tables.folds import Count, DecayedSum, Fold, Total
from features.tables.where import Where

Made = TypeVar("Made")

SIZES = (1_000_000, 10_000_000)
INTERACTIONS_PER_CUSTOMER, INTERACTIONS_PER_QUESTION = 20, 10
ROWS_OF_FEAST = 10_000
START, YEAR = datetime(2023, 1, 1, tzinfo=UTC), 365 * DAY
UNTIL = datetime(2024, 1, 1, tzinfo=UTC)

INTERACTIONS = """
    SELECT 'm' || i AS message_id, 'c' || (hash(i) % {customers}) AS customer_id,
           {touchpoints}[1 + (hash(i, 1) % {n})::INT] AS touchpoint, split_part(touchpoint, '.', 1) AS channel,
           ['contact', 'open', 'click', 'view', 'visit', 'cart', 'purchase', 'call'][1 + (hash(i, 2) % 8)::INT] AS kind,
           [NULL, 'awareness', 'consideration', 'purchase'][1 + (hash(i, 3) % 4)::INT] AS stage,
           make_timestamptz({start} + (hash(i, 4) % {year})::BIGINT) AS "at", "at" AS received_at,
           CASE WHEN kind = 'purchase' THEN (hash(i, 5) % 10000) / 100 END AS value,
           CASE WHEN kind = 'call' THEN (hash(i, 6) % 200) / 100 - 1 END AS sentiment, 'bench' AS source
    FROM range({rows}) AS numbers(i)"""


def measure(sizes: tuple[int, ...] = SIZES) -> dict[str, object]:
    """Time each size, and compare the sizes."""
    command = [sys.executable, "-m", "benchmarks.history"]
    told = [subprocess.run([*command, str(size)], stdout=subprocess.PIPE, check=True).stdout for size in sizes]
    results = [json.loads(each) for each in told]
    measures = [f"{what}_{clock}" for what in ("as_of", "latest") for clock in ("seconds", "cpu_seconds")]
    return {
        "question": "states as of given times, and the latest of every customer, against SQL written by hand",
        "sizes": results,
        "growth": {"interactions": sizes[-1] / sizes[0]}
        | {each: round(results[-1][each] / results[0][each], 1) for each in measures},
    }


def _measured(size: int) -> dict[str, float]:
    features, questions = feature_list(synthetic_catalogue()), size // INTERACTIONS_PER_QUESTION
    with TemporaryDirectory(prefix="touchpoint-") as folder:
        home = Path(folder)
        lake, rng = _lake(home / "lake", size), np.random.default_rng(1)
        names = np.array([f"c{n}" for n in rng.integers(0, size // INTERACTIONS_PER_CUSTOMER, questions)], dtype=object)
        at, rows = rng.integers(_us(START), _us(START) + YEAR, questions), np.arange(questions)
        states_as_of(features, lake, home, rows=rows[:1], identifiers=names[:1], at=at[:1])  # loads what is loaded once
        states, ours = _timed("as_of", lambda: states_as_of(features, lake, home, rows=rows, identifiers=names, at=at))
        _, reading = _timed("reading", lambda: matrix(features, read(features, states, at)))
        now, ours_now = _timed(
            "latest", lambda: _table(home, lambda it: it.compile(latest(features, lake.ibis_table(it, "interactions"))))
        )
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        questions_asked = pa.table({"row": rows, "asker": pa.array(names, pa.string()), "until": at})
        sql = _by_hand(features, lake, "SELECT * FROM asked", "row")
        table, hand = _timed("as_of_by_hand", lambda: _table(home, lambda it: sql, asked=questions_asked))
        last = "SELECT DISTINCT customer_id AS asker, max(known) OVER () AS until FROM rows"
        sql_now = _by_hand(features, lake, last, "customer_id")
        table_now, hand_now = _timed("latest_by_hand", lambda: _table(home, lambda it: sql_now))
        _require_the_same(states[TOTAL], table[TOTAL].to_numpy())
        _require_the_same(now[TOTAL].to_numpy(), table_now[TOTAL].to_numpy())
        result = {"interactions": size, "questions": questions, "columns": len(table.column_names), "peak_memory_gb": peak}
        result |= ours | hand | ours_now | hand_now | reading
        result["as_of_ratio"] = result["as_of_seconds"] / result["as_of_by_hand_seconds"]
        result["latest_ratio"] = result["latest_seconds"] / result["latest_by_hand_seconds"]
        if size == SIZES[0]:
            result |= _feast(features, lake, home, names[:ROWS_OF_FEAST], at[:ROWS_OF_FEAST])
    return {name: round(float(value), 2) for name, value in result.items()}


def _table(folder: Path, query: Callable[[Any], str], **tables: pa.Table) -> pa.Table:
    """The answer to a query, on a connection as the store has them."""
    with batch_connection(folder) as connection:
        for name, table in tables.items():
            connection.con.register(name, table)
        return connection.con.sql(query(connection)).to_arrow_table()


def _require_the_same(ours: Any, by_hand: Any) -> None:
    if np.nansum(np.asarray(ours, dtype=float)) != np.nansum(np.asarray(by_hand, dtype=float)):
        raise SystemExit("the two do not count the same interactions")


def _feast(features: tuple[Feature, ...], lake: Lake, home: Path, names: np.ndarray, at: np.ndarray) -> dict[str, float]:
    """Seconds for the history file, and for Feast's own join over it."""
    folder = Settings(home=home).feast_path
    folder.mkdir()
    with batch_connection(folder) as connection:
        batch = Batch(features, connection, lake.ibis_table(connection, "interactions"))
        _, writing = _timed("history_file", lambda: batch.write_history(history_path(folder)))
    feast = open_feast(home, {})
    feast.apply(list(definitions(features, folder)))
    asked = pd.DataFrame({"customer_id": names, "event_timestamp": pd.Series(at.astype("datetime64[us]")).dt.tz_localize("UTC")})
    service = feast.get_feature_service(SERVICE)
    _, joining = _timed(
        f"feast_join_of_{len(names)}", lambda: feast.get_historical_features(entity_df=asked, features=service).to_arrow()
    )
    return writing | joining


def _by_hand(features: tuple[Feature, ...], lake: Lake, questions: str, key: str) -> str:
    """SQL of all state columns, decayed to the time of the question."""
    folds = folds_of(features)
    half_lives = sorted({fold.half_life_days for fold in folds if isinstance(fold, DecayedSum)})
    weights = ", ".join(f"pow(2, (us - until) / {days * DAY:.0f}) AS left_{days:.0f}" for days in half_lives)
    columns = ",\n".join(column for fold in folds for column in _column(fold))
    return f"""
        WITH interactions AS (FROM {lake.relation("interactions")}),
             rows AS (SELECT *, epoch_us("at") AS us, epoch_us(greatest("at", received_at)) AS known FROM interactions),
             questions AS ({questions}),
             weighted AS (SELECT *, {weights} FROM rows JOIN questions ON customer_id = asker AND known <= until)
        SELECT {key}, max(known) AS state_at, max(coalesce(position, 0)) AS position, {columns} FROM weighted GROUP BY {key}"""


def _column(fold: Fold) -> list[str]:
    when = _condition(fold.where)
    match fold:
        case DecayedSum():
            weight = f"left_{fold.half_life_days:.0f}" + ("" if fold.of == "count" else f" * coalesce({fold.of}, 0)")
            return [f"sum(CASE WHEN {when} THEN {weight} ELSE 0 END) AS {fold.name}"]
        case Count():
            return [f"sum(CASE WHEN {when} THEN 1 ELSE 0 END) AS {fold.name}"]
        case Total():
            return [f"sum(CASE WHEN {when} THEN coalesce({fold.of}, 0) ELSE 0 END) AS {fold.name}"]
        case Extreme():
            return [f"{'min' if fold.which == 'first' else 'max'}(CASE WHEN {when} THEN us END) AS {fold.name}"]
        case Current():
            said = f"(traits->>'$.{fold.trait}')" if fold.trait else fold.of
            since = f"CASE WHEN {when} AND {said} IS NOT NULL THEN us END"
            return [f"arg_max({said}, {since}) AS {fold.name}", f"max({since}) AS {fold.time_name}"]
    raise SystemExit(f"{fold}: write its column by hand")


def _condition(where: Where) -> str:
    conditions = [f"kind IN ({', '.join(repr(kind.value) for kind in where.kinds)})"] if where.kinds else []
    for column, wanted in (("channel", where.channel), ("stage", where.stage), ("metric", where.metric)):
        conditions += [f"{column} = '{wanted}'"] if wanted else []
    return " AND ".join([*conditions, *(["sentiment IS NOT NULL"] if where.sentiment else [])]) or "true"


def _lake(path: Path, rows: int) -> Lake:
    touchpoints = [touchpoint.name for touchpoint in synthetic_catalogue().touchpoints]
    given = {"customers": rows // INTERACTIONS_PER_CUSTOMER, "touchpoints": touchpoints, "n": len(touchpoints), "rows": rows}
    names = [f'"{name}"' for name in SCHEMAS["interactions"].names]
    with duckdb.connect(config={"memory_limit": "2GB", "temp_directory": str(path.parent / "made")}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        empty = Lake(path).relation("interactions")
        made = INTERACTIONS.format(start=_us(START), year=YEAR, **given)
        query = f"SELECT {', '.join(names)} FROM (FROM {empty} UNION ALL BY NAME ({made}))"
        reader = connection.sql(query).to_arrow_reader(100_000).cast(SCHEMAS["interactions"])
        write_deltalake(path / "interactions", reader)
    return Lake(path)


def _timed(what: str, make: Callable[[], Made]) -> tuple[Made, dict[str, float]]:
    wall, cpu = time.perf_counter(), time.process_time()
    made = make()
    return made, {f"{what}_seconds": time.perf_counter() - wall, f"{what}_cpu_seconds": time.process_time() - cpu}


def _us(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000


if __name__ == "__main__":
    print(json.dumps(_measured(int(sys.argv[1])) if len(sys.argv) > 1 else measure()))
