"""What can happen to connections: others open the file too, servers go away and come back, transactions wait for each other."""

import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier, Event

import pytest
from sqlalchemy import create_engine, event, text

from features.domain import Interaction, Kind
from features.errors import ConfigurationError, StoreError
from features.journal import Journal

AT = datetime(2026, 3, 1, tzinfo=UTC)


def interaction(message_id: str) -> Interaction:
    return Interaction(
        message_id=message_id,
        customer_id="ann",
        touchpoint="web.page",
        kind=Kind.VIEW,
        at=AT,
        received_at=AT,
        source="app",
    )


def test_many_can_open_a_new_journal_at_the_same_moment(url: str) -> None:
    start = Barrier(12)

    def open_(number: int) -> str:
        journal = Journal(url)
        start.wait()
        journal.create()
        (receipt,) = journal.append_interactions([interaction(f"m{number}")])
        journal.close()
        return receipt.status

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(open_, range(12))) == {"accepted"}


def test_who_opens_a_new_file_waits_for_who_writes_to_it_already(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as first, ThreadPoolExecutor(1) as pool:
        first.execute("BEGIN IMMEDIATE")
        began = time.monotonic()
        with closing(sqlite3.connect(path, timeout=30)) as other, pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("PRAGMA journal_mode = WAL")
        assert time.monotonic() - began < 20, "SQLite itself does not wait here, whatever the timeout"
        journal = Journal(f"sqlite:///{path}")
        created = pool.submit(journal.create)
        time.sleep(0.2)
        assert not created.done()
        first.execute("ROLLBACK")
        created.result(20)
        journal.close()


def test_a_journal_of_an_earlier_version_gets_the_columns_that_are_new(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    earlier = Journal(f"sqlite:///{path}")
    earlier.create()
    earlier.close()
    with closing(sqlite3.connect(path)) as database:
        for column in ("identifiers", "sentiment"):
            database.execute(f"ALTER TABLE interactions DROP COLUMN {column}")
    journal = Journal(f"sqlite:///{path}")
    journal.create()
    assert journal.append_interactions([interaction("m1")])[0].status == "accepted"
    journal.close()


def test_a_reader_that_follows_the_positions_misses_nothing(journal: Journal, url: str) -> None:
    """Writers in several processes commit in the order of their positions, so nothing appears behind a reader."""
    writers = [Journal(url) for _ in range(4)]  # each with connections and turns of its own, as in its own process

    def write(number: int) -> None:
        for i in range(25):
            writers[number].append_interactions([interaction(f"{number}-{i}-{k}") for k in range(3)])

    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(write, number) for number in range(4)]
        seen: list[int] = []
        while not all(each.done() for each in running):
            seen += [position for position, _ in journal.rows_after("interactions", seen[-1] if seen else 0, 50)]
        for each in running:
            each.result()
    while rest := journal.rows_after("interactions", seen[-1] if seen else 0, 1000):
        seen += [position for position, _ in rest]
    assert len(seen) == len(set(seen)) == 4 * 25 * 3
    for writer in writers:
        writer.close()


def test_only_the_two_databases_are_taken() -> None:
    with pytest.raises(ConfigurationError, match="SQLite or PostgreSQL"):
        Journal("mysql+pymysql://localhost/x")


@pytest.fixture
def end_connections(postgresql: Callable[[], str]) -> Callable[[], None]:
    """Ends every other connection to the server, as its restart does."""

    def end() -> None:
        engine = create_engine(postgresql())
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"))
        engine.dispose()

    return end


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_connections_that_died_between_calls_are_replaced(journal: Journal, end_connections: Callable[[], None]) -> None:
    journal.append_interactions([interaction("m1")])
    end_connections()
    time.sleep(0.3)
    assert journal.head() == 1
    end_connections()
    time.sleep(0.3)
    assert journal.append_interactions([interaction("m2")])[0].status == "accepted"


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_connection_that_died_at_this_moment_is_an_error_once(journal: Journal, end_connections: Callable[[], None]) -> None:
    journal.append_interactions([interaction("m1")])
    end_connections()
    try:
        journal.head()
    except StoreError as error:
        assert "did not answer" in str(error)
    assert journal.head() == 1


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_connection_that_dies_while_writing_is_an_error_and_nothing_is_written(
    journal: Journal, end_connections: Callable[[], None]
) -> None:
    dying = Event()

    def die(*_: object) -> None:
        if not dying.is_set():
            dying.set()
            end_connections()

    event.listen(journal._database.engine, "commit", die)
    with pytest.raises(StoreError, match=r"did not answer.*repeat the call"):
        journal.append_interactions([interaction("m1")])
    assert journal.head() == 0
    assert journal.append_interactions([interaction("m1")])[0].status == "accepted"


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_nobody_waits_for_ever_for_a_writer_that_hangs(journal: Journal, url: str) -> None:
    impatient = Journal(url)
    event.listen(impatient._database.engine, "begin", lambda each: each.exec_driver_sql("SET LOCAL lock_timeout = '100ms'"))
    with journal._database.writing(), pytest.raises(StoreError, match="lock timeout"):
        impatient.append_interactions([interaction("m1")])
    assert impatient.append_interactions([interaction("m1")])[0].status == "accepted"
    impatient.close()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_many_threads_need_no_more_connections_than_the_server_gives(journal: Journal) -> None:
    with ThreadPoolExecutor(60) as pool:
        written = list(pool.map(lambda i: journal.append_interactions([interaction(f"m{i}")])[0].status, range(300)))
        read = list(pool.map(lambda _: journal.head(), range(300)))
    assert set(written) == {"accepted"} and set(read) == {300}


def test_a_server_that_is_not_there_is_an_error_that_names_no_password(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    journal = Journal(f"postgresql+psycopg://me:secret@/x?host={tmp_path}")
    with pytest.raises(StoreError, match="did not answer") as failure:
        journal.head()
    assert "secret" not in str(failure.value)
