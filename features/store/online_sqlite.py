"""Online rows in the home's SQLite file: one machine, several processes."""

import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from features.errors import StoreError

_LOCK_SECONDS = 30.0
_BUSY_SECONDS = 10.0
_LOOK_BYTES = 1 << 24
_FEW = 100  # keys worth looking for


class SqliteRows:
    """The file `online.db`, which Feast reads and writes; here is what else has to be done to it."""

    name = "sqlite"
    errors: tuple[type[Exception], ...] = (sqlite3.Error,)
    configuration: Mapping[str, Any] = {}  # as feature_repo has it

    def __init__(self, folder: Path) -> None:
        self._path = folder / "online.db"
        self._lock_path = folder / ".online.lock"
        self._mine = threading.RLock()

    def is_set_up(self) -> bool:
        """Whether the file is there."""
        return self._path.exists()

    def set_up(self) -> None:
        """Let readers not wait for writers; it stays so."""
        with closing(self._open()) as connection:
            connection.execute("PRAGMA journal_mode=wal")

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read whole rows: Feast has one connection for all threads, which sees what is half written on it."""
        with self._mine:
            yield

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer, so that nothing comes between a look and the write that depends on it."""
        try:
            with FileLock(self._lock_path, timeout=_LOCK_SECONDS), self._mine:
                yield
        except Timeout:
            raise StoreError(f"{self._path}: another process has been writing for {_LOCK_SECONDS:g} s; repeat") from None

    def erase(self, keys: Sequence[bytes]) -> int:
        """Delete the rows of these keys such that their bytes are in no file any more; give how many keys had any."""
        if not self.is_set_up():
            return 0
        with closing(self._open()) as connection:
            connection.execute("PRAGMA secure_delete=on")
            tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
            with connection:
                erased = sum(self._delete(connection, table, key) for table in tables for key in keys)
            self._checkpoint(connection)
            if len(keys) > _FEW or self._holds(keys):  # what Feast moved or wrote over earlier can lie in a page's free space
                connection.execute("VACUUM")
                self._checkpoint(connection)
        return erased

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=_BUSY_SECONDS)

    @staticmethod
    def _delete(connection: sqlite3.Connection, table: str, key: bytes) -> bool:
        return connection.execute(f'DELETE FROM "{table}" WHERE entity_key = ?', (key,)).rowcount > 0

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
