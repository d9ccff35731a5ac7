"""Spark gives the states that DuckDB gives: of every time and the latest, and puts the same online."""

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from features.catalogue import parse_catalogue
from features.lake import SCHEMAS, Lake
from features.settings import Settings
from features.spark import SparkStates
from features.store import FeatureStore
from features.tables import all_columns, feature_list
from features.tables.batch import Batch, batch_connection, visible
from features.tables.history import latest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or (shutil.which("java") is None and "JAVA_HOME" not in os.environ),
    reason="no Spark: the extra `spark` (pyspark) is not installed, or there is no Java 17 or 21",
)

START, UNTIL = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)
CATALOGUE = parse_catalogue(
    {
        "touchpoints": [
            {"name": "web.page", "stage": "consideration"},
            {"name": "email.offer", "stage": "retention", "recommendable": True},
        ],
        "traits": {"age": {"type": "category", "categories": ["young", "old"]}, "income": {"type": "number"}},
    }
)
FEATURES = feature_list(CATALOGUE)


def _world(rows: int = 400) -> pa.Table:
    """Late, doubled, future-dated and simultaneous interactions, with nulls in everything that may be null."""
    rng = np.random.default_rng(5)
    kinds = ["view", "purchase", "cart", "contact", "click", "rating", "call", "profile"]
    made: list[dict[str, Any]] = []
    for number in range(rows):
        at = START + timedelta(days=int(rng.integers(0, 90)), microseconds=int(rng.integers(0, 2)))
        row: dict[str, Any] = {"message_id": f"m{number}", "customer_id": f"c{rng.integers(0, 20)}", "source": "test", "at": at}
        row["touchpoint"] = str(rng.choice(["web.page", "email.offer"]))
        row["channel"], row["kind"] = row["touchpoint"].split(".")[0], str(rng.choice(kinds))
        row["stage"] = rng.choice([None, "awareness", "purchase"])
        row["received_at"] = at + timedelta(days=int(rng.choice([0, 0, 0, 5, 40])))
        row["value"] = None if rng.random() < 0.5 else float(rng.integers(0, 9999)) / 100
        row["metric"] = None if row["kind"] != "rating" else str(rng.choice(["nps", "csat"]))
        row["score"] = None if row["metric"] is None else float(rng.integers(1, 5))
        row["sentiment"] = None if rng.random() < 0.7 else float(rng.choice([-0.5, 0.25, 1.0]))
        row["traits"] = rng.choice([None, "{}", '{"age":"old"}', '{"age":"yo\\"ung é","income":"12.5"}'])
        row["position"] = None if rng.random() < 0.5 else number
        made.append(row)
    doubled = [each | {"received_at": each["received_at"] + timedelta(days=3)} for each in made[::17]]
    return pa.Table.from_pylist([*made, *doubled], schema=SCHEMAS["interactions"])


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    from pyspark.sql import SparkSession

    options = {"spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "1", "spark.driver.memory": "1g"}
    options |= {"spark.sql.codegen.wholeStage": "false"}  # code of a hundred and fifty columns takes longer than these few rows
    builder = SparkSession.builder.master("local[2]").config(map=options)
    made = builder.getOrCreate()
    yield made
    made.stop()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home whose lake holds doubled messages, as an append by Delta itself would leave them."""
    from deltalake import write_deltalake

    settings = Settings(home=tmp_path / "home")
    write_deltalake(settings.lake_path / "interactions", _world())
    return settings


def _assert_same(found: pa.Table, expected: pa.Table, *keys: str) -> None:
    found, expected = (each.sort_by([(key, "ascending") for key in keys]) for each in (found, expected))
    assert found.column_names == expected.column_names and found.num_rows == expected.num_rows > 0
    for column in all_columns(FEATURES):
        ours, theirs = found[column.name].to_pylist(), expected[column.name].to_pylist()
        if column.dtype == "float":
            np.testing.assert_allclose(np.array(ours, float), np.array(theirs, float), rtol=1e-9, atol=1e-12, err_msg=column.name)
        else:
            assert ours == theirs, column.name


def test_history_latest_states_and_online_rows_are_those_of_duckdb(settings: Settings, session: Any, tmp_path: Path) -> None:
    lake = Lake(settings.lake_path)
    batch = SparkStates(FEATURES, session, lake)
    rows = batch.write_history(str(tmp_path / "spark"))
    with batch_connection(tmp_path) as connection:
        interactions = lake.ibis_table(connection, "interactions")
        assert Batch(FEATURES, connection, interactions).write_history(tmp_path / "duckdb.parquet") == rows
        now = connection.to_pyarrow(latest(FEATURES, visible(interactions, UNTIL)))
    _assert_same(
        parquet.read_table(tmp_path / "spark"), parquet.read_table(tmp_path / "duckdb.parquet"), "customer_id", "visible_at"
    )
    _assert_same(batch.latest(UNTIL).toArrow(), now, "customer_id")
    names = now["customer_id"].to_pylist()
    assert batch.write_online(settings, UNTIL) == len(names)
    online = pa.Table.from_pylist(FeatureStore(settings, CATALOGUE).online_states(names))
    order = now.select([column.name for column in all_columns(FEATURES)])
    _assert_same(
        online.select(order.column_names).append_column("name", pa.array(names)),
        order.append_column("name", pa.array(names)),
        "name",
    )


def test_a_materialization_by_spark_leaves_what_one_by_duckdb_does(settings: Settings, session: Any, tmp_path: Path) -> None:
    lake, store = Lake(settings.lake_path), FeatureStore(settings, CATALOGUE)
    report = store.materialize(lake, until=UNTIL, on_progress=lambda message: None, spark=session)
    again = store.materialize(lake, until=UNTIL, on_progress=lambda message: None)
    assert (report.history_rows, again.history_rows) == (parquet.read_metadata(store._history).num_rows, None)
    assert report.watermark == again.watermark
    assert (report.customers, again.customers) == (20, 0)  # DuckDB finds that nothing has changed
    assert not list((settings.feast_path).glob("spill-*"))
