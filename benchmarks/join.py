"""States as of given times, the rows that models learn from: how much slower than SQL written by hand?

The first limit is one DuckDB query of the same columns over the same lake, straight to the times asked for, without care for
doubled messages or for ages of decades. The second is an ASOF join over the history file, which has to be written first. The peer
is Feast's own join over that file, on fewer rows. There is one question to ten interactions.
Ours gives NumPy arrays, theirs are Arrow tables.

`TOUCHPOINT_BENCH_SIZES` may name other numbers of interactions, such as `100000`.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.interactions import INTERACTIONS_PER_CUSTOMER, START, YEAR, by_hand, make_lake, require_the_same, us
from benchmarks.ratios import Figure, growth, in_turn
from features.lake import Lake
from features.settings import Settings
from features.store.definitions import SERVICE, definitions, history_path, open_feast
from features.store.offline import states_as_of
from features.synthetic import synthetic_catalogue
from features.tables import TOTAL, Feature, feature_list
from features.tables.batch import Batch, batch_connection

SIZES = tuple(int(size) for size in os.environ.get("TOUCHPOINT_BENCH_SIZES", "100000 1000000 10000000").split())
ROUNDS = {100_000: 5, 1_000_000: 3}
INTERACTIONS_PER_QUESTION, ROWS_OF_FEAST = 10, 10_000
LARGEST_WITH_HISTORY = 1_000_000
ASOF = "SELECT * FROM asked ASOF LEFT JOIN history ON asker = customer_id AND until >= state_at"


def measure(sizes: tuple[int, ...] = SIZES) -> dict[str, object]:
    """Time each size, and compare the sizes."""
    command = [sys.executable, "-m", "benchmarks.join"]
    told = [subprocess.run([*command, str(size)], stdout=subprocess.PIPE, check=True).stdout for size in sizes]
    each = [[Figure(**figure) for figure in json.loads(result)] for result in told]
    figures = [figure for some in each for figure in some]
    if len(sizes) > 1:
        times = [some[0].ours for some in each]
        figures.append(Figure(name="states as of times: growth exponent", ours=growth(sizes, times), unit="", at_most=1.1))
    return {"question": "states as of given times, against SQL written by hand", "figures": figures}


def _measured(size: int) -> list[Figure]:
    features, questions = feature_list(synthetic_catalogue()), size // INTERACTIONS_PER_QUESTION
    with TemporaryDirectory(prefix="touchpoint-") as folder:
        home, rng = Path(folder), np.random.default_rng(1)
        lake = make_lake(home / "lake", size)
        names = np.array([f"c{n}" for n in rng.integers(0, size // INTERACTIONS_PER_CUSTOMER, questions)], dtype=object)
        at, rows = rng.integers(us(START), us(START) + YEAR, questions), np.arange(questions)
        asked = pa.table({"row": rows, "asker": pa.array(names, pa.string()), "until": at})

        def ours() -> Any:
            return states_as_of(features, lake, home, rows=rows, identifiers=names, at=at)

        sql = by_hand(features, lake, "SELECT * FROM asked", "row")
        states = ours()  # loads what is loaded once
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        require_the_same(states[TOTAL], _table(home, sql, asked)[TOTAL].to_numpy())
        title, rounds = f"states as of times, {size:,} interactions", ROUNDS.get(size, 1)
        pairs = in_turn(ours, lambda: _table(home, sql, asked), rounds=rounds)
        figures = [
            Figure.of(title, "one DuckDB query by hand", pairs, at_most=1.5),
            Figure(name=f"{title}: peak memory", ours=peak, unit="GB"),
        ]
        if size <= LARGEST_WITH_HISTORY:
            path = _history(features, lake, home)
            over = f"WITH history AS (FROM '{path}') {ASOF}"
            pairs = in_turn(ours, lambda: _table(home, over, asked), rounds=rounds)
            figures.append(Figure.of(title, "ASOF join over the history file, once it is there", pairs))
            few = min(ROWS_OF_FEAST, questions)
            first = {"rows": rows[:few], "identifiers": names[:few], "at": at[:few]}
            theirs = _feast(features, home, names[:few], at[:few])
            pairs = in_turn(lambda: states_as_of(features, lake, home, **first), theirs, rounds=1)
            figures.append(Figure.of(f"{title}, {few:,} rows", "Feast's own join over the history file", pairs))
    return figures


def _table(folder: Path, sql: str, asked: pa.Table) -> pa.Table:
    """The answer to a query, on a connection as the store has them."""
    with batch_connection(folder) as connection:
        connection.con.register("asked", asked)
        return connection.con.sql(sql).to_arrow_table()


def _history(features: tuple[Feature, ...], lake: Lake, home: Path) -> Path:
    folder = Settings(home=home).feast_path
    folder.mkdir()
    with batch_connection(folder) as connection:
        Batch(features, connection, lake.ibis_table(connection, "interactions")).write_history(history_path(folder))
    return history_path(folder)


def _feast(features: tuple[Feature, ...], home: Path, names: np.ndarray, at: np.ndarray) -> Callable[[], object]:
    feast = open_feast(home, {})
    feast.apply(list(definitions(features, Settings(home=home).feast_path)))
    asked = pd.DataFrame({"customer_id": names, "event_timestamp": pd.Series(at.astype("datetime64[us]")).dt.tz_localize("UTC")})
    service = feast.get_feature_service(SERVICE)
    return lambda: feast.get_historical_features(entity_df=asked, features=service).to_arrow()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps([asdict(figure) for figure in _measured(int(sys.argv[1]))]))
    else:
        print(json.dumps(measure(), default=asdict))
