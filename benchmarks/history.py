"""Feature history, and the latest state of every customer: how much slower than SQL written by hand?

The limit is one DuckDB query of the same columns over the same lake, as somebody would write it who needs them once: cumulative
conditional sums, extremes and latest values over a named window, or grouped for the latest, decayed from a fixed day, without
care for doubled messages, for two values said in the same microsecond, or for ages of decades. Both write Parquet, under the same
memory limit. Each size runs in a process of its own. `join` asks the same of states as of given times.

`TOUCHPOINT_BENCH_SIZES` may name other numbers of interactions, such as `100000`.
"""

import json
import os
import resource
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.interactions import START, by_hand, condition, make_lake, require_the_same, us
from benchmarks.ratios import Figure, growth, in_turn
from features.instants import DAY
from features.lake import Lake
from features.synthetic import synthetic_catalogue
from features.tables import TOTAL, Feature, feature_list, latest
from features.tables.batch import Batch, batch_connection
from features.tables.extremes import Current, Extreme
from features.tables.feature import folds_of
from features.tables.folds import Count, DecayedSum, Fold, Total

SIZES = tuple(int(size) for size in os.environ.get("TOUCHPOINT_BENCH_SIZES", "100000 1000000 10000000").split())
ROUNDS = {100_000: 5, 1_000_000: 3}


def measure(sizes: tuple[int, ...] = SIZES) -> dict[str, object]:
    """Time each size, and compare the sizes."""
    command = [sys.executable, "-m", "benchmarks.history"]
    results = [json.loads(subprocess.run([*command, str(size)], stdout=subprocess.PIPE, check=True).stdout) for size in sizes]
    figures = [Figure(**each) for result in results for each in result["figures"]]
    for what in ("feature history", "latest states"):
        times = [figure.ours for figure in figures if figure.name.startswith(f"{what},") and figure.unit == "s"]
        if len(sizes) > 1:
            figures.append(Figure(name=f"{what}: growth exponent", ours=growth(sizes, times), unit="", at_most=1.1))
    return {"question": "feature history and latest states, against SQL written by hand", "figures": figures}


def _measured(size: int) -> list[Figure]:
    features = feature_list(synthetic_catalogue())
    with TemporaryDirectory(prefix="touchpoint-") as folder:
        home = Path(folder)
        lake, rounds = make_lake(home / "lake", size), ROUNDS.get(size, 1)
        ours, theirs = home / "ours.parquet", home / "theirs.parquet"
        sql = _history_by_hand(features, lake)
        pairs = in_turn(lambda: _write_history(features, lake, ours), lambda: _copy(home, sql, theirs), rounds=rounds)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        with batch_connection(home) as connection:
            sums = [connection.con.sql(f"SELECT sum({TOTAL}) FROM '{path}'").fetchall()[0][0] for path in (ours, theirs)]
        require_the_same(*sums)
        last = "SELECT DISTINCT customer_id AS asker, max(known) OVER () AS until FROM rows"
        sql_now = by_hand(features, lake, last, "customer_id")
        now = in_turn(lambda: _write_latest(features, lake, ours), lambda: _copy(home, sql_now, theirs), rounds=rounds)
    title = f"{size:,} interactions"
    return [
        Figure.of(f"feature history, {title}", "one DuckDB query by hand", pairs, at_most=1.5),
        Figure.of(f"latest states, {title}", "one DuckDB query by hand", now, at_most=1.5),
        Figure(name=f"feature history, {title}: peak memory of both", ours=peak, unit="GB"),
    ]


def _write_history(features: tuple[Feature, ...], lake: Lake, path: Path) -> None:
    with batch_connection(path.parent) as connection:
        Batch(features, connection, lake.ibis_table(connection, "interactions")).write_history(path)


def _write_latest(features: tuple[Feature, ...], lake: Lake, path: Path) -> None:
    with batch_connection(path.parent) as connection:
        connection.to_parquet(latest(features, lake.ibis_table(connection, "interactions")), path)


def _copy(folder: Path, sql: str, path: Path) -> None:
    with batch_connection(folder) as connection:
        connection.con.execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet)")


def _history_by_hand(features: tuple[Feature, ...], lake: Lake) -> str:
    """SQL of every state that ever was."""
    folds, since = folds_of(features), us(START)
    half_lives = sorted({fold.half_life_days for fold in folds if isinstance(fold, DecayedSum)})
    weights = ", ".join(
        f"pow(2, (us - {since}) / {days * DAY:.0f}) AS grown_{days:.0f},"
        f" pow(2, ({since} - known) / {days * DAY:.0f}) AS left_{days:.0f}"
        for days in half_lives
    )
    columns = ",\n".join(column for fold in folds for column in _column(fold))
    return f"""
        WITH rows AS (SELECT *, epoch_us("at") AS us, epoch_us(greatest("at", received_at)) AS known
                      FROM {lake.relation("interactions")}),
             weighted AS (SELECT *, {weights} FROM rows)
        SELECT customer_id, greatest("at", received_at) AS visible_at, known AS state_at,
               max(coalesce(position, 0)) OVER w AS position, {columns}
        FROM weighted
        WINDOW w AS (PARTITION BY customer_id ORDER BY known, message_id ROWS UNBOUNDED PRECEDING)
        QUALIFY lead(known) OVER (PARTITION BY customer_id ORDER BY known, message_id) IS DISTINCT FROM known"""


def _column(fold: Fold) -> list[str]:
    when = condition(fold.where)
    match fold:
        case DecayedSum():
            days = f"{fold.half_life_days:.0f}"
            weight = f"grown_{days}" + ("" if fold.of == "count" else f" * coalesce({fold.of}, 0)")
            return [f"sum(CASE WHEN {when} THEN {weight} ELSE 0 END) OVER w * left_{days} AS {fold.name}"]
        case Count():
            return [f"count(*) FILTER ({when}) OVER w AS {fold.name}"]
        case Total():
            return [f"sum(CASE WHEN {when} THEN coalesce({fold.of}, 0) ELSE 0 END) OVER w AS {fold.name}"]
        case Extreme():
            return [f"{'min' if fold.which == 'first' else 'max'}(CASE WHEN {when} THEN us END) OVER w AS {fold.name}"]
        case Current():
            said: Any = f"(traits->>'$.{fold.trait}')" if fold.trait else fold.of
            when = f"CASE WHEN {when} AND {said} IS NOT NULL THEN us END"
            return [f"arg_max({said}, {when}) OVER w AS {fold.name}", f"max({when}) OVER w AS {fold.time_name}"]
    raise SystemExit(f"{fold}: write its column by hand")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps({"figures": [asdict(figure) for figure in _measured(int(sys.argv[1]))]}))
    else:
        print(json.dumps(measure(), default=asdict))
