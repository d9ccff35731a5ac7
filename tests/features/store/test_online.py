"""The online states on SQLite and on a real Redis: the same contract on both."""

import subprocess
import threading
from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest

from features.domain import Interaction
from features.tables import POSITION, all_columns, fold

Make = Callable[..., Interaction]


def _ended() -> int:
    """The id of a process that is no more."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def _same(home: Any, found: Any, expected: Any) -> None:
    assert found is not None
    for column in all_columns(home.store.features):
        value, wanted = found[column.name], expected[column.name]
        assert value == (pytest.approx(wanted, rel=1e-9, abs=1e-12) if isinstance(wanted, float) else wanted), column.name


def test_what_is_materialized_is_read_with_every_column_and_type(home: Any, make: Make) -> None:
    bought = [make("ann", 1, "purchase", value=8.0, sentiment=0.5), make("ann", 2, "profile", traits={"age": "old"})]
    home.add(*bought, position=1)
    home.add(make("bob", 3))
    assert home.materialize() == 2
    ann, nobody, bob = home.store.online_states(["ann", "nobody", "bob"])
    assert nobody is None
    _same(home, ann, home.folded(bought, 1))
    _same(home, bob, home.folded([make("bob", 3)]))
    assert {type(ann[column.name]) for column in all_columns(home.store.features) if column.dtype == "int"} <= {int, type(None)}


def test_a_late_interaction_of_an_old_time_is_written_although_nothing_newer_came(home: Any, make: Make) -> None:
    home.add(make("ann", 10))
    home.materialize()
    home.add(make("ann", 1), make("ann", 2))  # visible_at of the state stays that of day 10
    assert home.materialize() == 1
    _same(home, home.online("ann"), home.folded([make("ann", day) for day in (1, 2, 10)]))
    assert home.materialize() == 0


def test_the_newest_of_many_pushed_wins_by_position_then_time_and_never_an_older(home: Any, make: Make) -> None:
    home.store.apply()
    states = {f"c{number}": home.folded([make(f"c{number}", number)], number + 1) for number in range(130)}
    assert home.store.push(states) == 130 and home.store.push(states) == 0
    older = home.folded([make("c9", 90)], 9)
    longer = fold(home.store.features, states["c9"], make("c9", 95))
    newer = fold(home.store.features, states["c8"], make("c8", 1), position=200)
    assert home.store.push({"c9": older}) == 0
    assert home.store.push({"c9": longer, "c8": newer, "c7": states["c7"]}) == 2
    found = dict(zip(states, home.store.online_states(list(states)), strict=True))
    assert found == {**states, "c9": longer, "c8": newer}


def test_a_push_that_loses_what_a_materialization_brought_from_a_file_is_mended_by_the_next(home: Any, make: Make) -> None:
    first, posted, from_file = make("ann", 1), make("ann", 5), make("ann", 2, "purchase", value=3.0)
    home.add(first, position=1)
    home.materialize()
    read_before = home.online("ann")
    home.add(from_file)
    assert home.materialize() == 1
    assert home.store.push({"ann": fold(home.store.features, read_before, posted, position=2)}) == 1
    assert home.online("ann")["kind_purchase_lifetime_count"] == 0
    home.add(posted, position=2)  # what was pushed had been posted, so it reaches the lake as well
    assert home.materialize() == 1
    _same(home, home.online("ann"), {**home.folded([first, from_file, posted]), POSITION: 2})


def test_a_push_of_what_a_materialization_has_already_does_not_replace_it(home: Any, make: Make) -> None:
    first, posted, from_file = make("ann", 1), make("ann", 5), make("ann", 9, "purchase", value=3.0)
    home.add(first, position=1)
    home.materialize()
    slow = fold(home.store.features, home.online("ann"), posted, position=2)
    home.add(posted, position=2)
    home.add(from_file)
    home.materialize()
    assert home.store.push({"ann": slow}) == 0
    assert home.online("ann")["kind_purchase_lifetime_count"] == 1


def test_pushes_at_the_same_time_leave_the_newest(home: Any, make: Make) -> None:
    home.store.apply()
    home.store.online_states(["ann"])
    states = [home.folded([make("ann", day)] * day, 1) for day in range(1, 13)]
    threads = [threading.Thread(target=home.store.push, args=({"ann": state},)) for state in states]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert home.online("ann") == states[-1]


def test_a_reader_never_sees_half_of_a_push(home: Any, make: Make) -> None:
    home.store.apply()
    states = [home.folded([make("ann", 1)] * count, 1) for count in range(1, 16)]
    home.store.push({"ann": states[0]})
    writer = threading.Thread(target=lambda: [home.store.push({"ann": state}) for state in states])
    writer.start()
    seen = []
    while writer.is_alive():
        seen.append(home.online("ann"))
    assert all(state in states for state in seen)


def test_the_erased_are_in_no_file_of_the_store_and_the_others_stay(home: Any, make: Make) -> None:
    erased, kept = "email:" + "e" * 32, "email:" + "b" * 32
    home.add(make(erased, 1), make(erased, 2, "purchase", value=1.0), make(kept, 1))
    home.materialize()
    for count in range(2, 5):  # rows written over leave copies behind in a file's free space
        home.store.push({name: home.folded([make(name, 1)] * count, count) for name in (erased, kept)})
    leftover = home.settings.feast_path / "history.parquet.unfinished"
    leftover.write_bytes(erased.encode())
    spilled = home.settings.feast_path / f"spill-{_ended()}-x"
    spilled.mkdir()
    (spilled / "duckdb_temp_storage-0.tmp").write_bytes(erased.encode())
    assert home.store.erase([erased, "nobody"]) == 3  # two in the history and one online
    assert erased.encode() not in home.files()
    history = pq.read_table(home.settings.feast_path / "history.parquet")["customer_id"]
    assert set(history.to_pylist()) == {kept}
    assert home.store.online_states([erased, kept])[0] is None and home.online(kept) is not None
    assert home.store.erase([erased]) == 0


def test_erasing_where_nothing_was_ever_stored_does_nothing(home: Any) -> None:
    assert home.store.erase(["ann"]) == 0
    assert not home.settings.feast_path.exists()


def test_a_materialization_is_seen_while_it_runs(home: Any, make: Make) -> None:
    home.add(make("ann", 1))
    assert not home.store.is_materializing()
    seen = []
    home.store.materialize(home.lake, until=make("", 100).at, on_progress=lambda line: seen.append(home.store.is_materializing()))
    assert seen and all(seen) and not home.store.is_materializing()


def test_the_record_tells_what_the_online_rows_were_made_of(home: Any, make: Make) -> None:
    assert home.store.materialized() is None
    home.add(make("ann", 1))
    home.materialize()
    done = home.store.materialized()
    assert (done.until, done.lake_version) == (make("", 100).at, home.lake.version("interactions"))
