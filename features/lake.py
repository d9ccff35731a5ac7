"""The lake: four append-only Delta tables of everything captured, which other engines can read as well.

An append is one atomic commit: a reader, and a process that starts after a crash, sees all of it or nothing. Rows whose
key is there already are skipped, so that repeating an append changes nothing. One writer at a time, by a lock that dies
with its process: Delta alone would let two concurrent appends of the same rows both succeed. The tables have no
partitions, because partition values live in the log and not in the Parquet files that DuckDB reads.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.dataset as arrow_dataset
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError
from filelock import FileLock, Timeout

from features.errors import ConfigurationError, StoreError

ONLINE = "/online"
"""Stands as the source of the service's own decisions, and as the file of what the service refused; nothing else is named so."""

_TIME = pa.timestamp("us", tz="UTC")
_LOCK_SECONDS = 900.0
_FORBIDDEN_IN_PATHS = frozenset("[]^|%\\")  # deltalake aborts on them, or writes elsewhere
_MEMORY_LIMIT = "2GB"  # beyond it DuckDB spills to disk


def _schema(**types: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, type_) for name, type_ in types.items()])


SCHEMAS: Mapping[str, pa.Schema] = MappingProxyType(
    {
        "interactions": _schema(
            message_id=pa.string(),
            customer_id=pa.string(),
            touchpoint=pa.string(),
            channel=pa.string(),
            kind=pa.string(),
            stage=pa.string(),
            at=_TIME,
            received_at=_TIME,
            value=pa.float64(),
            metric=pa.string(),
            score=pa.float64(),
            decision_id=pa.string(),
            traits=pa.string(),
            properties=pa.string(),
            source=pa.string(),
            position=pa.int64(),
        ),
        "decisions": _schema(
            decision_id=pa.string(),
            customer_id=pa.string(),
            touchpoint=pa.string(),
            at=_TIME,
            received_at=_TIME,
            source=pa.string(),
            wave=pa.string(),
            candidates=pa.list_(pa.string()),
            probability=pa.float64(),
            record=pa.string(),
            position=pa.int64(),
        ),
        "outcomes": _schema(
            message_id=pa.string(),
            decision_id=pa.string(),
            kind=pa.string(),
            at=_TIME,
            received_at=_TIME,
            value=pa.float64(),
            source=pa.string(),
            position=pa.int64(),
        ),
        "quarantine": _schema(
            record_id=pa.string(),
            source=pa.string(),
            file=pa.string(),
            row=pa.int64(),
            reason=pa.string(),
            raw=pa.string(),
        ),
    }
)
"""The columns of every table.

`traits`, `properties`, `record` and `raw` are JSON text; `position` is the journal's, null for what came in files.
"""

KEYS: Mapping[str, str] = MappingProxyType(
    {"interactions": "message_id", "decisions": "decision_id", "outcomes": "message_id", "quarantine": "record_id"}
)
"""The column that names a row: of two rows with the same one, the first is kept."""

_DESCRIBES_CAPTURE = ("received_at", "source", "position", "record")


class Lake:
    """The tables under one folder; nothing is created before the first append."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        if forbidden := _FORBIDDEN_IN_PATHS & set(str(self.path)):
            raise ConfigurationError(
                f"{self.path}: a lake cannot lie in a folder named with {' '.join(sorted(forbidden))}; choose another home"
            )
        self._lock = FileLock(self.path / ".lock", timeout=_LOCK_SECONDS)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only writer; re-entrant within a thread, released by the system when the process dies.

        Raises
        ------
        StoreError
            When another process has held the lock for fifteen minutes.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            with self._lock:
                yield
        except Timeout:
            raise StoreError(
                f"{self.path}: another process has been writing for {_LOCK_SECONDS:g} s; wait for it, or end it, and repeat"
            ) from None

    def append(self, table: str, rows: pa.Table | pa.RecordBatchReader) -> int:
        """Add the rows whose key is new, the first of each key, in one atomic commit; give how many that were.

        Raises
        ------
        StoreError
            When the table cannot be read or written; then nothing was added.
        """
        with self.lock(), duckdb_session() as connection:
            connection.register("incoming", rows)
            # Staged, because the stream can be read once only, and a commit should not happen at all when nothing is new.
            connection.execute(f"CREATE TEMP TABLE fresh AS {self._fresh_rows(table)}")
            count = int(connection.execute("SELECT count(*) FROM fresh").fetchall()[0][0])
            if count:
                ordered = connection.sql("SELECT * EXCLUDE (nth) FROM fresh ORDER BY nth")
                self._commit(table, ordered.to_arrow_reader(100_000).cast(SCHEMAS[table]))
        return count

    def known(self, table: str, rows: pa.Table) -> dict[str, bool]:
        """The keys of rows that are in the table already, each with whether the row there says the same."""
        key, relation = KEYS[table], self.relation(table)
        with duckdb_session() as connection:
            connection.register("incoming", rows)
            # By key alone first, because as a rule there are none
            connection.execute(f"CREATE TEMP TABLE keys AS SELECT {key} FROM {relation} SEMI JOIN incoming USING ({key})")
            if not connection.execute("SELECT 1 FROM keys LIMIT 1").fetchall():
                return {}
            old, new = (
                f"SELECT {key}, {content_digest(table)} AS digest FROM {side} SEMI JOIN keys USING ({key})"
                for side in (relation, "incoming")
            )
            query = f"SELECT {key}, old.digest = new.digest FROM ({old}) AS old JOIN ({new}) AS new USING ({key})"
            return dict(connection.execute(query).fetchall())

    def exists(self, table: str) -> bool:
        """Whether anything was ever appended to the table."""
        return self.version(table) is not None

    def version(self, table: str) -> int | None:
        """The table's version, which grows with every append; None when it does not exist."""
        delta = self._delta(table)
        return None if delta is None else int(delta.version())

    def files(self, table: str) -> list[str]:
        """Paths of the Parquet files that make up the table now."""
        delta = self._delta(table)
        # deltalake gives them URL-encoded, without saying so
        return [] if delta is None else sorted(unquote(uri).removeprefix("file://") for uri in delta.file_uris())

    def read(self, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows of the table, in no promised order, or only some of its columns."""
        names = None if columns is None else list(columns)
        return arrow_dataset.dataset(self.files(table), schema=SCHEMAS[table], format="parquet").to_table(columns=names)

    def last_position(self, table: str) -> int:
        """The highest journal position in the table; 0 when there is none."""
        # The quarantine has rows of both origins: `file` tells them apart, and `row` is the position of what came online.
        column, where = ("row", f"WHERE file = {literal(ONLINE)}") if table == "quarantine" else ("position", "")
        with duckdb_session() as connection:
            query = f'SELECT coalesce(max("{column}"), 0) FROM {self.relation(table)} {where}'
            return int(connection.execute(query).fetchall()[0][0])

    def ibis_table(self, connection: Any, table: str) -> Any:
        """The table as it is now, as an ibis table of a DuckDB connection; without rows when it does not exist."""
        import ibis

        files = self.files(table)
        if not files:
            return ibis.memtable(SCHEMAS[table].empty_table())
        return connection.read_parquet([without_globs(file) for file in files])

    def relation(self, table: str) -> str:
        """The table as it is now, as DuckDB SQL to stand after FROM."""
        files = self.files(table)
        if files:
            return f"read_parquet([{', '.join(literal(without_globs(file)) for file in files)}])"
        empty = ", ".join(f'NULL::{_DUCKDB_TYPES[field.type]} AS "{field.name}"' for field in SCHEMAS[table])
        return f"(SELECT {empty} WHERE false)"

    def _fresh_rows(self, table: str) -> str:
        key = KEYS[table]
        columns = ", ".join(f'"{name}"' for name in SCHEMAS[table].names)
        return f"""
            WITH numbered AS MATERIALIZED (SELECT {columns}, row_number() OVER () AS nth FROM incoming),
                 first AS (SELECT {key}, min(nth) AS nth FROM numbered GROUP BY {key})
            SELECT numbered.* FROM numbered SEMI JOIN first USING (nth)
            ANTI JOIN (SELECT {key} FROM {self.relation(table)}) known USING ({key})"""

    def _commit(self, table: str, rows: pa.RecordBatchReader) -> None:
        try:
            write_deltalake(self.path / table, rows, mode="append")
        except (DeltaError, OSError) as error:
            raise StoreError(f"{self.path / table}: not written, nothing was added: {error}") from error

    def _delta(self, table: str) -> DeltaTable | None:
        if not (self.path / table / "_delta_log").is_dir():
            return None
        try:
            return DeltaTable(self.path / table)
        except TableNotFoundError:
            return None  # the folder of a first append that was killed before its commit
        except (DeltaError, OSError) as error:
            raise StoreError(f"{self.path / table}: not readable as a Delta table: {error}") from error


_DUCKDB_TYPES = {
    pa.string(): "VARCHAR",
    pa.float64(): "DOUBLE",
    pa.int64(): "BIGINT",
    pa.list_(pa.string()): "VARCHAR[]",
    _TIME: "TIMESTAMPTZ",
}


@contextmanager
def duckdb_session() -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB connection with its own bounded memory and spill folder, both gone at the end; its times are UTC."""
    with TemporaryDirectory(prefix="touchpoint-") as folder:
        connection = duckdb.connect(config={"memory_limit": _MEMORY_LIMIT, "temp_directory": folder})
        try:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection
        except (duckdb.Error, pa.ArrowException) as error:
            raise StoreError(f"a table could not be processed: {error}") from error
        finally:
            connection.close()


def content_digest(table: str) -> str:
    """DuckDB SQL of a digest of what a row says; copies of a record have the same, however they were captured."""
    content = ", ".join(f'"{name}"' for name in SCHEMAS[table].names if name not in _DESCRIBES_CAPTURE)
    # 16 bytes each instead of texts, so that files and lakes of many millions of rows are compared in little memory
    return f"md5_number(to_json(row({content}))::VARCHAR)"


def literal(text: str) -> str:
    """`text` as a DuckDB string literal.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def without_globs(path: str) -> str:
    """`path` such that DuckDB does not take it for a pattern.

    >>> without_globs("export[1].csv")
    'export[[]1].csv'
    """
    return re.sub(r"([*?\[])", r"[\1]", path)
