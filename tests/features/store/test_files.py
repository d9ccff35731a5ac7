"""The small records beside the store: read once, and again only when they were replaced."""

import json
import os
import threading
from pathlib import Path

from features.store.files import Record


def test_a_record_is_seen_as_another_process_wrote_it_last(tmp_path: Path) -> None:
    ours, theirs = Record(tmp_path / "done.json"), Record(tmp_path / "done.json")
    assert ours.read() == {}
    for number in range(50):  # of one size, and in less time than a file's clock ticks
        theirs.write({"number": 10 + number})
        assert ours.read() == {"number": 10 + number}
    (tmp_path / "done.json").unlink()
    assert ours.read() == {}


def test_a_record_that_was_not_replaced_is_not_read_again(tmp_path: Path) -> None:
    record = Record(tmp_path / "done.json")
    record.write({"number": 1})
    assert record.read() is record.read()


def test_a_reader_sees_one_version_or_the_other_and_the_last_in_the_end(tmp_path: Path) -> None:
    ours, theirs = Record(tmp_path / "done.json"), Record(tmp_path / "done.json")
    theirs.write({"first": 0, "second": 0})
    writer = threading.Thread(target=lambda: [theirs.write({"first": n, "second": n}) for n in range(300)])
    writer.start()
    while writer.is_alive():
        seen = ours.read()
        assert seen["first"] == seen["second"]
    writer.join()
    assert ours.read() == {"first": 299, "second": 299} == json.loads((tmp_path / "done.json").read_text())
    assert [path.name for path in tmp_path.iterdir()] == ["done.json"] and os.stat(tmp_path / "done.json").st_size > 0
