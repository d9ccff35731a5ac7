"""Opens the journal's database: writers take turns, readers never wait, a commit is on disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from features.errors import ConfigurationError, StoreError

_BUSY_SECONDS = 30.0
_WRITERS_LOCK = 0x746F756368  # any constant: the name of our advisory lock in PostgreSQL


class Database:
    """One engine with two ways in; safe to share between threads, opened anew in each process."""

    def __init__(self, url: str) -> None:
        try:
            self.engine = _engine(url)
        except (SQLAlchemyError, ImportError) as error:
            raise ConfigurationError(f"journal_url {url!r}: not a usable SQLAlchemy URL: {error}") from None
        # Without BEGIN and ROLLBACK around it, one indexed query costs half as much.
        self._readers = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for single statements that see everything committed."""
        with _translated(self.engine), self._readers.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that no other writer runs beside, durable when the block ends."""
        with _translated(self.engine), self.engine.begin() as connection:
            if self.engine.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _WRITERS_LOCK})
            yield connection


def _engine(url: str) -> Engine:
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url)
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, max_overflow=-1)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _configure_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver would otherwise begin transactions by itself, and deferred ones
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    # A deferred transaction that reads first and writes later fails when another writer came in between.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def _translated(engine: Engine) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, UnicodeError) as error:  # UnicodeError: half a surrogate pair in a text
        cause = getattr(error, "orig", None) or error
        raise StoreError(
            f"the journal at {engine.url!r} did not answer: {cause}; nothing was written, repeat the call"
        ) from error
