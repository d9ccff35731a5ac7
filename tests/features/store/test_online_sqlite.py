"""What only SQLite does: readers beside a writer, a file that is replaced, and bytes that are gone from it."""

import random
import sqlite3
import threading
from pathlib import Path

import pytest

from features.store.online_sqlite import SqliteRows
from features.store.packing import Layout

LAYOUT = Layout({**{f"sum_{number}": "float" for number in range(100)}, "note": "text"})


@pytest.fixture
def rows(tmp_path: Path) -> SqliteRows:
    made = SqliteRows(tmp_path / "online.db")
    made.create("view", LAYOUT)
    made.set_up()
    return made


def test_readers_wait_neither_for_the_lock_nor_for_a_transaction_and_see_what_was_committed(
    rows: SqliteRows, tmp_path: Path
) -> None:
    rows.write("view", [(b"ann", b"1")])
    other = sqlite3.connect(tmp_path / "online.db", isolation_level=None)
    with rows.writing():
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE view SET value = x'32'")
        assert rows.read("view", [b"ann"]) == [b"1"]
        other.execute("COMMIT")
    assert rows.read("view", [b"ann", b"bob", b"ann"]) == [b"2", None, b"2"]
    other.close()


def test_a_thread_that_has_the_file_open_reads_the_one_that_took_its_place(rows: SqliteRows, tmp_path: Path) -> None:
    rows.write("view", [(b"ann", b"1")])
    assert rows.read("view", [b"ann"]) == [b"1"]
    another = SqliteRows(tmp_path / "online.db")  # as of another process
    another.clear()
    with pytest.raises(FileNotFoundError):
        rows.read("view", [b"ann"])
    assert not rows.is_set_up()
    another.create("view", LAYOUT)
    assert not rows.is_set_up() and rows.read("view", [b"ann"]) == [None]


def test_many_threads_read_and_write_at_once(rows: SqliteRows) -> None:
    wrong: list[object] = []

    def work(name: bytes) -> None:
        for number in range(30):
            with rows.writing():
                rows.write("view", [(name, b"%d" % number)])
            if rows.read("view", [name]) != [b"%d" % number]:
                wrong.append((name, number))

    threads = [threading.Thread(target=work, args=(b"%d" % number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_no_text_of_the_erased_is_left_of_all_that_was_ever_written_over(rows: SqliteRows, tmp_path: Path) -> None:
    rng, names = random.Random(7), [b"n%06d" % number for number in range(200)]
    for _ in range(8):
        some = rng.sample(names, 120)
        rows.write("view", [(name, LAYOUT.pack(0, {"note": f"of {name.decode()} " * rng.randint(1, 60)})) for name in some])
    assert rows.erase("view", [b"nobody"]) == 0 and rows.erase("view", names[:2]) == 2
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert names[0] not in left and names[1] not in left and b"of " + names[2] in left
