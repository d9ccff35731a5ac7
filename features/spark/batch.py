"""From the lake to the history and to the online store, by Spark."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ibis

from features.errors import StoreError
from features.lake import Lake
from features.settings import Settings
from features.spark.session import taught
from features.tables import Feature, history, latest
from features.tables.batch import Batch, visible

if TYPE_CHECKING:
    import pyarrow as pa

_VIEW = "touchpoint_interactions"


class SparkStates:
    """The states of a lake as it is now, in a session of Spark.

    Delta's own reader is not needed: the lake says which Parquet files make up the table, and Spark reads those.

    Parameters
    ----------
    session : a `SparkSession` of Spark 4; its executors must see the lake's files, and have this package installed.

    Raises
    ------
    StoreError
        When the lake has no interactions yet.
    """

    def __init__(self, features: tuple[Feature, ...], session: Any, lake: Lake) -> None:
        files = lake.files("interactions")
        if not files:
            raise StoreError(f"{lake.path}: no interactions yet; ingest some first")
        self._features, self._session, self._connection = features, session, taught(session)
        # files of an earlier version lack columns
        session.read.option("mergeSchema", True).parquet(*files).createOrReplaceTempView(_VIEW)

    def history(self) -> Any:
        """Every state that ever was, as a data frame of Spark's."""
        return self._frame(history(self._features, self._connection.table(_VIEW)))

    def latest(self, until: datetime) -> Any:
        """The latest states as of a time, as a data frame of Spark's."""
        return self._frame(latest(self._features, visible(self._connection.table(_VIEW), until)))

    def write_history(self, path: str) -> int:
        """Write every state that ever was to a folder of Parquet files that must not exist yet; give the number of rows."""
        self.history().write.parquet(path)
        return int(self._session.read.parquet(path).count())

    def write_online(self, settings: Settings, until: datetime) -> int:
        """Write the latest states as of a time into the online store of a home, each partition from where it was made.

        For more customers than one machine can write: `SparkBatch` writes what has changed, from here. Whatever is online is
        written over, so do it while nobody else writes. The marks of `touchpoint materialize` stay as they are: the next one
        writes again what it finds changed since its own last run.

        Returns
        -------
        How many states were written.
        """
        from features.store.registered import Registered

        features = self._features
        Registered(settings, features).apply()

        def write(batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
            import pyarrow as pa

            from features.store.online import OnlineStates

            written: list[int] = []
            OnlineStates(Registered(settings, features)).write(batches, on_written=written.append)
            yield pa.RecordBatch.from_pydict({"rows": pa.array(written[-1:], pa.int64())})

        return sum(row.rows for row in self.latest(until).mapInArrow(write, "rows long").collect())

    def _frame(self, table: Any) -> Any:
        return self._session.sql(self._connection.compile(table))


class SparkBatch(Batch):
    """A materialization whose states Spark makes; what is new in them is found, and written, as always."""

    def __init__(self, features: Sequence[Feature], connection: Any, lake: Lake, session: Any) -> None:
        super().__init__(features, connection, lake.ibis_table(connection, "interactions"))
        self._states = SparkStates(tuple(features), session, lake)
        (spills,) = connection.con.execute("SELECT current_setting('temp_directory')").fetchone()
        self._folder = Path(spills)  # what lies there goes with the connection, also where the process is killed

    def write_history(self, path: Path) -> int:
        """Write every state that ever was to `path`, at once or not at all; give the number of rows."""
        made = self._made("history", self._states.history())
        self._write(made, path)
        return int(made.count().execute())

    def _latest(self, until: datetime) -> ibis.Table:
        return self._made("latest", self._states.latest(until))

    def _made(self, name: str, frame: Any) -> ibis.Table:
        """What Spark made, as files that DuckDB reads."""
        files = self._folder / name
        frame.write.mode("overwrite").parquet(str(files))
        return self._connection.read_parquet(str(files / "*.parquet"), table_name=f"spark_{name}")
