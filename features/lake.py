"""The lake: append-only Delta tables of everything captured, which other engines can read as well.

An append is one atomic commit: a reader, and a process that starts after a crash, sees all of it or nothing. Rows whose
key is there already are skipped, so that repeating an append changes nothing. One writer at a time, by a lock that dies
with its process: Delta alone would let two concurrent appends of the same rows both succeed. The tables have no
partitions, because partition values live in the log and not in the Parquet files that DuckDB reads.

DuckDB writes the Parquet files, Delta the commit that makes them part of the table; a file without a commit is not. A table
that an earlier version wrote is read with NULL in the columns that it does not have, and gets them at the next append.
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import duckdb
import pyarrow as pa
import pyarrow.dataset as arrow_dataset
import pyarrow.parquet as parquet
from deltalake import DeltaTable, Schema
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, create_table_with_add_actions
from filelock import FileLock, Timeout

from features.errors import ConfigurationError, StoreError
from features.lake_tables import DUCKDB_TYPES, KEYS, SCHEMAS, content_digest

__all__ = ["KEYS", "ONLINE", "SCHEMAS", "Lake", "content_digest", "duckdb_session", "literal", "without_globs"]

ONLINE = "/online"
"""Stands as the source of the service's own decisions, and as the file of what the service refused; nothing else is named so."""

_LOCK_SECONDS = 900.0
_FORBIDDEN_IN_PATHS = frozenset("[]^|%\\")  # deltalake aborts on them, or writes elsewhere
_MEMORY_LIMIT = "2GB"  # beyond it DuckDB spills to disk


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

    def append(
        self, table: str, rows: pa.Table | pa.RecordBatchReader, *, connection: duckdb.DuckDBPyConnection | None = None
    ) -> int:
        """Add the rows whose key is new, the first of each key, in one atomic commit; give how many that were.

        Parameters
        ----------
        connection : saves opening one; it must not be the one that a stream of rows comes from.

        Raises
        ------
        StoreError
            When the table cannot be read or written; then nothing was added.
        """
        with self.lock(), nullcontext(connection) if connection else duckdb_session() as session:
            session.register("incoming", rows)
            # Staged, because the stream can be read once only, and a commit should not happen at all when nothing is new.
            session.execute(f"CREATE OR REPLACE TEMP TABLE fresh AS {self._fresh_rows(table)}")
            session.unregister("incoming")
            if not session.execute("SELECT 1 FROM fresh LIMIT 1").fetchall():
                return 0
            return self._commit(table, session, "SELECT * EXCLUDE (nth) FROM fresh ORDER BY nth")

    def write(self, table: str, connection: duckdb.DuckDBPyConnection, query: str) -> int:
        """Add the rows of a query in one atomic commit, however many they are; give their number.

        For who holds the lock and knows that every key is new and occurs once.

        Raises
        ------
        StoreError
            When the table cannot be read or written; then nothing was added.
        """
        with self.lock():
            return self._commit(table, connection, query)

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
        if "position" not in SCHEMAS[table].names and table != "quarantine":
            return 0
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
        if _complete(table, files):
            return connection.read_parquet([without_globs(file) for file in files])
        found = connection.read_parquet([without_globs(file) for file in files], union_by_name=True)
        schema = ibis.memtable(SCHEMAS[table].empty_table()).schema()
        lacking = {name: ibis.null(type_) for name, type_ in schema.items() if name not in found.columns}
        return found.mutate(**lacking).select(*schema)

    def relation(self, table: str) -> str:
        """The table as it is now, as DuckDB SQL to stand after FROM."""
        files = self.files(table)
        listed = f"[{', '.join(literal(without_globs(file)) for file in files)}]"
        if files and _complete(table, files):
            return f"read_parquet({listed})"
        empty = ", ".join(f'NULL::{DUCKDB_TYPES[field.type]} AS "{field.name}"' for field in SCHEMAS[table])
        older = f" UNION ALL BY NAME SELECT * FROM read_parquet({listed}, union_by_name = true)" if files else ""
        return f"(SELECT * FROM (SELECT {empty} WHERE false){older})"

    def _fresh_rows(self, table: str) -> str:
        key = KEYS[table]
        columns = ", ".join(f'"{name}"' for name in SCHEMAS[table].names)
        return f"""
            WITH numbered AS MATERIALIZED (SELECT {columns}, row_number() OVER () AS nth FROM incoming),
                 first AS (SELECT {key}, min(nth) AS nth FROM numbered GROUP BY {key})
            SELECT numbered.* FROM numbered SEMI JOIN first USING (nth)
            ANTI JOIN (SELECT {key} FROM {self.relation(table)}) known USING ({key})"""

    def _commit(self, table: str, connection: duckdb.DuckDBPyConnection, query: str) -> int:
        columns = ", ".join(f'"{field.name}"::{DUCKDB_TYPES[field.type]} AS "{field.name}"' for field in SCHEMAS[table])
        path = self.path / table / f"part-{uuid4()}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        copy = f"COPY (SELECT {columns} FROM ({query})) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)"
        try:
            count = int(connection.execute(copy).fetchall()[0][0])
            _flush(path)
        except BaseException as error:
            path.unlink(missing_ok=True)
            if isinstance(error, OSError | duckdb.IOException):
                raise StoreError(f"{self.path / table}: not written, nothing was added: {error}") from error
            raise
        if count:  # from here on the file may be part of the table, and stays
            self._add(table, path, count)
        else:
            path.unlink()
        return count

    def _add(self, table: str, path: Path, rows: int) -> None:
        size, stats = path.stat().st_size, json.dumps({"numRecords": rows})
        added = AddAction(path.name, size, {}, path.stat().st_mtime_ns // 1_000_000, True, stats)
        schema, delta = Schema.from_arrow(SCHEMAS[table]), self._delta(table)
        try:
            if delta is None:
                create_table_with_add_actions(str(path.parent), schema, [added], mode="append")
                return
            known = {field.name for field in delta.schema().fields}
            if new := [field for field in schema.fields if field.name not in known]:
                delta.alter.add_columns(new)
            delta.create_write_transaction([added], "append", schema)
        except (DeltaError, OSError) as error:
            raise StoreError(f"{path.parent}: not written, nothing was added: {error}") from error

    def _delta(self, table: str) -> DeltaTable | None:
        if not (self.path / table / "_delta_log").is_dir():
            return None
        try:
            return DeltaTable(self.path / table)
        except TableNotFoundError:
            return None  # the folder of a first append that was killed before its commit
        except (DeltaError, OSError) as error:
            raise StoreError(f"{self.path / table}: not readable as a Delta table: {error}") from error


def _complete(table: str, files: Sequence[str]) -> bool:
    """Whether all the files have all the columns."""
    return all(_columns(file).issuperset(SCHEMAS[table].names) for file in files)


@lru_cache(maxsize=10_000)
def _columns(file: str) -> frozenset[str]:  # such a file never changes
    return frozenset(parquet.read_schema(file).names)


def _flush(path: Path) -> None:
    """Have the system write the file, and its name in the folder, to disk."""
    for each in (path, path.parent):
        handle = os.open(each, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


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
