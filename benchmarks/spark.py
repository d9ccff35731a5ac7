"""Feature history and latest states by Spark on both cores of one machine: how much slower than DuckDB with the same?

Both write Parquet from the same lake. Spark's session is started before; its first run, which compiles its code, is not counted.
On one machine DuckDB should win: Spark is for what no longer fits one. `TOUCHPOINT_BENCH_SIZES` may name other sizes.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

from benchmarks.interactions import make_lake
from benchmarks.ratios import Figure, in_turn
from features.spark import SparkStates
from features.synthetic import synthetic_catalogue
from features.tables import feature_list
from features.tables.batch import Batch, batch_connection, visible
from features.tables.history import latest

SIZE = int(os.environ.get("TOUCHPOINT_BENCH_SIZES", "1000000").split()[0])
UNTIL = datetime(2024, 1, 1, tzinfo=UTC)


def measure(size: int = SIZE, rounds: int = 3) -> dict[str, object]:
    """Time both, in turn."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    from pyspark.sql import SparkSession

    options = {"spark.ui.enabled": "false", "spark.driver.memory": "3g", "spark.sql.shuffle.partitions": "8"}
    session = SparkSession.builder.master("local[2]").config(map=options).getOrCreate()
    features = feature_list(synthetic_catalogue())
    try:
        with TemporaryDirectory(prefix="touchpoint-") as folder:
            home = Path(folder)
            lake = make_lake(home / "lake", size)
            batch = SparkStates(features, session, lake)

            def spark_history() -> None:
                rmtree(home / "spark", ignore_errors=True)
                batch.write_history(str(home / "spark"))

            def spark_latest() -> None:
                batch.latest(UNTIL).write.mode("overwrite").parquet(str(home / "now"))

            def duckdb_history() -> None:
                with batch_connection(home) as connection:
                    Batch(features, connection, lake.ibis_table(connection, "interactions")).write_history(
                        home / "history.parquet"
                    )

            def duckdb_latest() -> None:
                with batch_connection(home) as connection:
                    interactions = visible(lake.ibis_table(connection, "interactions"), UNTIL)
                    connection.to_parquet(latest(features, interactions), home / "now.parquet")

            spark_latest()
            title = f"{size:,} interactions, two cores"
            history = in_turn(spark_history, duckdb_history, rounds=rounds)
            now = in_turn(spark_latest, duckdb_latest, rounds=rounds)
    finally:
        session.stop()
    figures = [Figure.of(f"history by Spark, {title}", "DuckDB", history), Figure.of(f"latest by Spark, {title}", "DuckDB", now)]
    return {"question": "the same declarations on Spark and on DuckDB, one machine", "figures": figures}
