"""From the lake to files: the whole history for training, and which customers' latest states the online store lacks.

A customer's interactions may arrive late, dated before the last materialization, so "newer than last time" misses some. What
counts is whether the customer's latest state differs from the one that was last put online; a small file remembers those.
"""

import os
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any

import ibis
import pyarrow as pa

from features.tables.declared import TOTAL
from features.tables.feature import Feature
from features.tables.history import history, latest
from features.tables.state import POSITION, STATE_AT

_MARKS = ("customer_id", STATE_AT, POSITION, TOTAL)
_SPILL = "spill-"
_MEMORY_LIMIT = "2GB"  # beyond it DuckDB spills to disk


class Batch:
    """The lake's interactions at one materialization, and the files made of them.

    Parameters
    ----------
    connection : of ibis to DuckDB, as `batch_connection` gives it.
    interactions : the lake's table on that connection.
    """

    def __init__(self, features: Sequence[Feature], connection: Any, interactions: ibis.Table) -> None:
        self._features = features
        self._connection = connection
        self._interactions = interactions

    def write_history(self, path: Path) -> int:
        """Write every state that ever was to `path`, at once or not at all; give the number of rows."""
        self._write(history(self._features, self._interactions), path)
        return int(self._connection.read_parquet(path).count().execute())

    def changed(self, *, until: datetime, marks: Path | None, again: Collection[str] = ()) -> ibis.Table:
        """Latest states as of `until` that differ from what `marks` says of the last time; all of them without marks.

        Parameters
        ----------
        again : whose states are among them in any case.
        """
        current = self._connection.create_table("latest", self._latest(until), temp=True)
        if marks is None or not marks.exists():
            return current
        online = self._connection.read_parquet(marks)
        if again:
            online = online.anti_join(ibis.memtable({"customer_id": sorted(again)}), "customer_id")
        # the number of interactions changes with every one that is added, however old it is
        return current.anti_join(online, list(_MARKS))

    def complete_until(self, until: datetime, *, conversion: Sequence[str]) -> datetime | None:
        """The end of the files, after which more is still to come; None where nothing is: what arrives online is always complete.

        Judged by the clock, an old extract would look fresh, and whoever buys after its end would count as lost. Conversions
        that came online after the files ended show that the files are the past.
        """
        table = visible(self._interactions, until)
        seen, from_file = ibis.greatest(table.at, table.received_at), table.position.isnull()
        converted = ~from_file & table.kind.isin(list(conversion))
        ends = table.aggregate(files=seen.max(where=from_file), online=seen.max(where=converted)).to_pyarrow().to_pylist()[0]
        if ends["files"] is None or (ends["online"] is not None and ends["online"] > ends["files"]):
            return None
        end: datetime = ends["files"].astimezone(UTC)
        return end

    def stream(self, table: ibis.Table, rows: int) -> Iterator[pa.RecordBatch]:
        """The rows of a table, about so many at a time; ibis itself does not know how to with this DuckDB."""
        yield from self._connection.con.sql(self._connection.compile(table)).to_arrow_reader(rows)

    def write_marks(self, path: Path) -> None:
        """Remember that all latest states, as `changed` last saw them, are online."""
        self._write(self._connection.table("latest").select(*_MARKS), path)

    def _latest(self, until: datetime) -> ibis.Table:
        return latest(self._features, visible(self._interactions, until))

    def _write(self, table: ibis.Table, path: Path) -> None:
        unfinished = path.with_name(f"{path.name}.unfinished")
        self._connection.to_parquet(table, unfinished)
        os.replace(unfinished, path)


def visible(interactions: ibis.Table, until: datetime) -> ibis.Table:
    """The interactions that a state as of `until` has in it.

    The online state takes the journal in order, since its `position` stands for everything up to there: an interaction
    that is dated into the future holds back those of the same customer behind it, and readers take them from the journal.
    """
    table = interactions.mutate(
        seen=ibis.greatest(interactions.at, interactions.received_at) <= ibis.literal(until, type="timestamp('UTC')")
    )
    unseen = table.seen.ifelse(ibis.null("int64"), table.position)
    table = table.mutate(barrier=unseen.min().over(ibis.window(group_by="customer_id")))
    in_order = table.position.isnull() | table.barrier.isnull() | (table.position < table.barrier)
    return table.filter(table.seen & in_order).drop("seen", "barrier")


def ignore_warnings_of_ibis() -> None:
    """Do not show what ibis 12 still calls of DuckDB 2; importing Feast turns such warnings on for everybody."""
    warnings.filterwarnings("ignore", message="fetch_arrow_table", category=DeprecationWarning)


@contextmanager
def batch_connection(folder: Path) -> Iterator[Any]:
    """An ibis connection to a DuckDB of its own, with bounded memory, that spills into a folder of its own within `folder`."""
    ignore_warnings_of_ibis()
    with TemporaryDirectory(prefix=f"{_SPILL}{os.getpid()}-", dir=folder) as spill:
        connection = ibis.duckdb.connect(temp_directory=spill, memory_limit=_MEMORY_LIMIT)
        try:
            yield connection
        finally:
            connection.disconnect()


def remove_spilled(folder: Path) -> None:
    """Remove what processes that were killed have left of their spilling."""
    for left in folder.glob(f"{_SPILL}*"):
        if not _is_running(int(left.name.removeprefix(_SPILL).partition("-")[0])):
            rmtree(left)


def _is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
