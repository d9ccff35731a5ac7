"""Online rows in the home's SQLite file: one machine, several processes."""

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from features.errors import StoreError
from features.store.packing import FORMAT, Layout

_LOCK_SECONDS = 30.0
_BUSY_SECONDS = 10.0
_POLL_SECONDS = 0.01
_LOOK_BYTES = 1 << 24
_FEW = 100  # keys worth looking for
_KEYS_PER_QUERY = 1_000
_LAYOUTS = "packed_layouts"


class SqliteRows:
    """The file `online.db`, a table for each view and a row for each identifier.

    Each thread has a connection of its own, and the file a write-ahead log: readers wait for nobody, and nobody for them.
    """

    name = "sqlite"
    errors: tuple[type[Exception], ...] = (sqlite3.Error, OSError)
    configuration: Mapping[str, Any] = {}  # Feast's `online_store`, as feature_repo has it

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock_path = path.parent / ".online.lock"
        self._mine = threading.local()

    def is_set_up(self) -> bool:
        """Whether the file is the one that was set up, for rows as this version keeps them."""
        if not self._path.exists():
            return False
        with closing(self._open()) as connection:
            return bool(connection.execute("PRAGMA user_version").fetchone()[0] == FORMAT)

    def set_up(self) -> None:
        """Remember that it is: a file that Feast made anew lacks the rows that were written before."""
        with closing(self._open()) as connection:
            connection.execute(f"PRAGMA user_version = {FORMAT}")

    def clear(self) -> None:
        """Remove all rows, of whichever version."""
        with self.writing():
            for suffix in ("", "-wal", "-shm"):  # who still reads it reads on what is no longer there
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def create(self, table: str, layout: Layout) -> None:
        """Make the table of a view where there is none, and remember what its rows look like."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._open(create=True)) as connection:
            connection.execute("PRAGMA journal_mode=wal")  # it stays so
            connection.execute(f'CREATE TABLE IF NOT EXISTS "{table}" (entity_key BLOB PRIMARY KEY, value BLOB NOT NULL)')
            connection.execute(f"CREATE TABLE IF NOT EXISTS {_LAYOUTS} (name BLOB PRIMARY KEY, columns TEXT NOT NULL)")
            with connection:
                connection.execute(f"INSERT OR IGNORE INTO {_LAYOUTS} VALUES (?, ?)", (layout.name, layout.to_json()))

    def drop(self, table: str) -> None:
        """Remove the table of a view."""
        if self._path.exists():
            with closing(self._open()) as connection, connection:
                connection.execute(f'DROP TABLE IF EXISTS "{table}"')

    def layout(self, name: bytes) -> Layout | None:
        """The layout of this name, where rows of it were ever written."""
        found = self._connection().execute(f"SELECT columns FROM {_LAYOUTS} WHERE name = ?", (name,)).fetchall()
        return Layout.of_json(found[0][0]) if found else None

    def read(self, table: str, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of keys, in the order given; None where there is none."""
        connection = self._connection()
        found: dict[bytes, bytes] = {}
        for start in range(0, len(keys), _KEYS_PER_QUERY):
            asked = keys[start : start + _KEYS_PER_QUERY]
            places = ",".join("?" * len(asked))
            query = f'SELECT entity_key, value FROM "{table}" WHERE entity_key IN ({places})'
            found.update(connection.execute(query, asked).fetchall())
        return [found.get(key) for key in keys]

    def write(self, table: str, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Write keys with their values, all or none; what is there is written over."""
        connection = self._connection()
        query = f'INSERT INTO "{table}" VALUES (?, ?) ON CONFLICT (entity_key) DO UPDATE SET value = excluded.value'
        with connection:
            connection.executemany(query, rows)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer, so that nothing comes between a look and the write that depends on it."""
        try:
            with FileLock(self._lock_path, timeout=_LOCK_SECONDS, poll_interval=_POLL_SECONDS):
                yield
        except Timeout:
            raise StoreError(f"{self._path}: another process has been writing for {_LOCK_SECONDS:g} s; repeat") from None

    def erase(self, table: str, keys: Sequence[bytes]) -> int:
        """Delete the rows of these keys such that their bytes are in no file any more; give how many keys had any in the table.

        Whatever other tables have of them is deleted as well.
        """
        if not self._path.exists():
            return 0
        with closing(self._open()) as connection:
            with connection:
                erased = {name: self._delete(connection, name, keys) for name in self._tables(connection)}
            self._checkpoint(connection)
            if len(keys) > _FEW or self._holds(keys):  # what was moved or written over earlier can lie in a page's free space
                connection.execute("VACUUM")
                self._checkpoint(connection)
        return erased.get(table, 0)

    def _connection(self) -> sqlite3.Connection:
        """The one of this thread, to the file that is there now: another process may have replaced it."""
        there = os.stat(self._path)
        file = (there.st_dev, there.st_ino)
        if getattr(self._mine, "file", None) != file:
            self._mine.connection, self._mine.file = self._open(), file
        connection: sqlite3.Connection = self._mine.connection
        return connection

    def _open(self, *, create: bool = False) -> sqlite3.Connection:
        mode = "rwc" if create else "rw"
        connection = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode={mode}", uri=True, timeout=_BUSY_SECONDS)
        connection.execute("PRAGMA secure_delete=on")  # what is written over leaves no copy behind
        return connection

    @staticmethod
    def _tables(connection: sqlite3.Connection) -> list[str]:
        columns = "sqlite_master AS tables JOIN pragma_table_info(tables.name) AS columns"
        query = f"SELECT tables.name FROM {columns} WHERE tables.type = 'table' AND columns.name = 'entity_key'"
        return [name for (name,) in connection.execute(query).fetchall()]

    @staticmethod
    def _delete(connection: sqlite3.Connection, table: str, keys: Sequence[bytes]) -> int:
        query = f'DELETE FROM "{table}" WHERE entity_key = ?'
        return sum(connection.execute(query, (key,)).rowcount > 0 for key in keys)

    def _checkpoint(self, connection: sqlite3.Connection) -> None:
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if busy:
            raise StoreError(f"{self._path}: rows are deleted, but readers keep them in its log; erase again in a moment")

    def _holds(self, keys: Sequence[bytes]) -> bool:
        kept = max((len(key) for key in keys), default=1) - 1
        with self._path.open("rb") as file:
            tail = b""
            while block := file.read(_LOOK_BYTES):
                tail += block
                if any(key in tail for key in keys):
                    return True
                tail = tail[-kept:]
        return False
