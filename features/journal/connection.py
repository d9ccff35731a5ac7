"""Opens the journal's database: writers take turns, readers never wait, a commit is on disk."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakMethod

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from features.errors import ConfigurationError, StoreError
from features.journal.statements import Prepared, ask
from features.journal.turn import ProcessTurn

_BUSY_SECONDS = 30.0
_CONNECT_SECONDS = 10
_PAUSE_SECONDS = 0.01
_FRESH_SECONDS = 0.2
_WRITERS_LOCK = 0x746F756368  # any constant: the name of our advisory lock in PostgreSQL

# A deferred transaction, that reads first and writes later, fails when another writer came in between.
_TURN_IN_SQLITE = Prepared(text("BEGIN IMMEDIATE")).of()
_TURN_IN_POSTGRESQL = Prepared(text("SELECT pg_advisory_xact_lock(:lock)")).of(lock=_WRITERS_LOCK)


class Database:
    """One engine with two ways in; safe to share between threads, opened anew in each process."""

    def __init__(self, url: str) -> None:
        try:
            self.engine = _engine(url)
        except (SQLAlchemyError, ImportError) as error:
            raise ConfigurationError(f"journal_url {url!r}: not a usable SQLAlchemy URL: {error}") from None
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._is_opened = False
        event.listen(self.engine, "connect", self._note_opened)
        in_children(self._leave_to_parent)
        # Without BEGIN and ROLLBACK around it, one indexed query costs half as much. Our SQLite connections begin nothing by
        # themselves, and for AUTOCOMMIT SQLAlchemy sets a pragma there after which every statement is parsed anew.
        self._readers = self.engine if self.is_sqlite else self.engine.execution_options(isolation_level="AUTOCOMMIT")
        # Threads queue here, where the next one starts at once; the database would let them poll, or keep a connection each.
        self._turn, self._turn_of_process = Lock(), self._process_turn()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for single statements that see everything committed."""
        with _translated(self.engine), self._readers.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other writer runs beside, durable when the block ends."""
        with self._turn, self._turn_of_process.taken(), _translated(self.engine), self.engine.begin() as connection:
            ask(connection, [_TURN_IN_SQLITE if self.is_sqlite else _TURN_IN_POSTGRESQL])
            yield connection

    def close(self) -> None:
        """Close the connections; the next call opens some again."""
        self.engine.dispose()
        self._turn_of_process.close()
        self._is_opened = False

    def _process_turn(self) -> ProcessTurn:
        file = self.engine.url.database if self.is_sqlite else None
        return ProcessTurn(Path(file) if file else None, seconds=_BUSY_SECONDS)

    def _note_opened(self, *_: object) -> None:
        self._is_opened = True

    def _leave_to_parent(self) -> None:
        """In a forked process: leave the connections to its parent, whose they are, closing none; and open others."""
        self._turn, self._parents = Lock(), self.engine.pool
        self._turn_of_process = self._process_turn()
        self.engine.dispose(close=False)
        if self.is_sqlite and self._is_opened:
            event.listen(self.engine, "do_connect", _refuse)

    def scrub(self, tables: Sequence[str]) -> None:
        """Leave nothing of what was deleted from the tables in the database's files.

        PostgreSQL keeps its log of changes as long as it is told to, and backups are their owner's.

        Raises
        ------
        StoreError
            When readers were in the way for long; then repeat.
        """
        if not self.is_sqlite:
            with self.reading() as connection:
                for table in tables:
                    connection.execute(text(f"VACUUM {table}"))
            return
        with self._turn, self._turn_of_process.taken(), self.reading() as connection:
            busy = connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).one()[0]
        if busy:
            raise StoreError(
                "the journal was being read all the time, so its log still holds what was erased; repeat the erasure"
            )


def in_children(begin: Callable[[], None]) -> None:
    """Call a method in every process that is forked from this one, as long as its object lives."""
    method = WeakMethod(begin)

    def begin_there() -> None:
        if (alive := method()) is not None:
            alive()

    os.register_at_fork(after_in_child=begin_there)


def is_unreachable(error: BaseException | None) -> bool:
    """Whether a StoreError says that the database was locked, full or gone, and not that it refused what it was given."""
    return isinstance(error, OperationalError | PoolTimeoutError)


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, max_overflow=-1, hide_parameters=True)
        event.listen(engine, "connect", _configure_sqlite)
        return engine
    if parsed.get_backend_name() != "postgresql":
        raise ConfigurationError(f"journal_url {url!r}: the journal is kept in SQLite or PostgreSQL; give a URL of one of them")
    engine = create_engine(parsed, connect_args={"connect_timeout": _CONNECT_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", _configure_postgresql)
    event.listen(engine, "checkin", lambda _, record: record.info.update(used=time.monotonic()))
    event.listen(engine, "checkout", partial(_replace_if_dead, engine))
    return engine


def _configure_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # the driver would otherwise begin transactions by itself, and deferred ones
    _switch_to_wal(connection)
    # secure_delete: what is erased is overwritten with zeros
    for pragma in ("synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _refuse(*_: object) -> None:
    raise StoreError(
        "this process was forked from one that had the journal open, and SQLite would mistake that one's locks for its own;"
        " open the journal only in the processes that use it, or start them by spawn"
    )


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL mode with our own patience: while others open the new file too, SQLite says "locked" without waiting."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)


def _configure_postgresql(connection: Any, _: object) -> None:
    # Whatever the server's own settings, an acknowledged record is on disk, who waited for a turn sees what was committed
    # meanwhile, nobody waits for ever, and a plan that was made when a table was empty is not kept for when it is large.
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_isolation = 'read committed'")
        cursor.execute("SET synchronous_commit = on")
        cursor.execute("SET plan_cache_mode = force_custom_plan")
        cursor.execute(f"SET lock_timeout = '{_BUSY_SECONDS:g}s'")
    connection.commit()


def _replace_if_dead(engine: Engine, connection: Any, record: Any, _: object) -> None:
    """Ask a connection that was not used for a moment whether its server is still there; SQLAlchemy's own ping asks always."""
    if time.monotonic() - record.info.get("used", 0.0) > _FRESH_SECONDS:
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error  # the pool then tries another one


@contextmanager
def _translated(engine: Engine) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, UnicodeError) as error:  # UnicodeError: half a surrogate pair in a text
        cause = " ".join(str(getattr(error, "orig", None) or error).split())
        raise StoreError(
            # Where the answer to a commit was lost nobody knows; what is sent again counts once
            f"the journal at {engine.url!r} did not answer: {cause}; nothing was acknowledged, repeat the call"
        ) from error
