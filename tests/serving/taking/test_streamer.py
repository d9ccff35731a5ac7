"""What is accepted reaches Feast's online store by itself, soon, once, and whatever happens meanwhile."""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from features.domain import Interaction, Kind
from features.settings import load_settings
from features.store import FeatureStore
from features.tables import TOTAL
from serving.taking.streamer import Streamer

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass
class Observed:
    """What was told to the observer."""

    seconds: list[float] = field(default_factory=list)
    failures: int = 0

    def streamed(self, seconds: Iterable[float]) -> None:
        self.seconds += seconds

    def streaming_failed(self) -> None:
        self.failures += 1


def viewed(customer_id: str, number: int) -> Interaction:
    at = NOW + timedelta(seconds=number)
    return Interaction(
        message_id=f"{customer_id}-{number}",
        customer_id=customer_id,
        touchpoint="store.checkout",
        kind=Kind.VISIT,
        at=at,
        received_at=at,
        source="test",
    )


def online(bench: Any, customer_id: str) -> tuple[int, int]:
    (state,) = bench.workspace.store.online_states([customer_id])
    return (0, 0) if state is None else (int(state["position"]), int(state[TOTAL]))


def wait_for(condition: Any, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def observed() -> Observed:
    return Observed()


@pytest.fixture
def streamer(bench: Any, observed: Observed) -> Streamer:
    return Streamer(bench.workspace.store, bench.workspace.journal, observed)


def test_a_push_brings_each_identifier_to_the_last_position_and_a_second_one_changes_nothing(
    bench: Any, streamer: Streamer, observed: Observed
) -> None:
    bench.workspace.journal.append_interactions([viewed("push-a", 1), viewed("push-b", 1), viewed("push-a", 2)])
    for _ in range(2):
        streamer.changed(["push-a", "push-b", "push-a"])
        assert streamer.push()
        assert (online(bench, "push-a"), online(bench, "push-b")) == ((3, 2), (2, 1))
    assert len(observed.seconds) == 4


def test_two_processes_that_push_the_same_customer_count_nothing_twice(bench: Any, observed: Observed) -> None:
    streamers = [Streamer(bench.workspace.store, bench.workspace.journal, observed) for _ in range(2)]
    for number in range(6):
        bench.workspace.journal.append_interactions([viewed("push-c", number)])
        for streamer in streamers:
            streamer.changed(["push-c"])
        streamers[number % 2].push()
    for streamer in streamers:
        streamer.push()
    assert online(bench, "push-c") == (6, 6)


def test_decisions_count_what_is_online_and_what_is_not_yet_once(bench: Any, streamer: Streamer) -> None:
    bench.workspace.journal.append_interactions([viewed("push-d", 1)])
    streamer.changed(["push-d"])
    streamer.push()
    bench.workspace.journal.append_interactions([viewed("push-d", 2)])
    values = bench.assembly.reader.values(["push-d"], at=NOW + timedelta(minutes=1))
    assert values["kind_visit_lifetime_count"] == 2
    assert online(bench, "push-d") == (1, 1)


def test_in_the_background_it_follows_by_itself_and_ends_when_told(bench: Any, streamer: Streamer, observed: Observed) -> None:
    streamer.start()
    bench.workspace.journal.append_interactions([viewed("push-e", 1)])
    streamer.changed(["push-e"])
    wait_for(lambda: online(bench, "push-e") == (1, 1))
    wait_for(lambda: len(observed.seconds) == 1)
    bench.workspace.journal.append_interactions([viewed("push-e", 2)])
    streamer.changed(["push-e"])
    streamer.stop()
    assert online(bench, "push-e") == (2, 2)


def test_it_waits_while_the_store_is_materializing(bench: Any, home: Path, streamer: Streamer, observed: Observed) -> None:
    bench.workspace.journal.append_interactions([viewed("push-f", 1)])
    streamer.changed(["push-f"])
    with FileLock(home / "feast" / ".lock"):
        assert not streamer.push()
        assert online(bench, "push-f") == (0, 0)
    assert streamer.push()
    assert (online(bench, "push-f"), observed.failures) == ((1, 1), 0)


def test_a_store_that_fails_is_told_of_once_and_asked_again(
    bench: Any, streamer: Streamer, observed: Observed, tmp_path: Path, caplog: pytest.LogCaptureFixture, catalogue: Any
) -> None:
    nowhere = FeatureStore(load_settings(home=tmp_path / "nowhere"), catalogue)
    failing = Streamer(nowhere, bench.workspace.journal, observed)
    bench.workspace.journal.append_interactions([replace(viewed("push-g", 1), customer_id="push-secret")])
    with caplog.at_level(logging.WARNING, logger="serving.taking.streamer"):
        for _ in range(3):
            failing.changed(["push-secret"])
            assert not failing.push()
    assert (observed.failures, len(caplog.records), observed.seconds) == (3, 1, [])
    assert "push-secret" not in caplog.text
