"""The policy in force: what is swapped, what stays, and what is said about it."""

import logging
import time
from collections.abc import Callable
from typing import Any

import pytest

from features.errors import ArtifactError
from features.settings import load_settings
from serving.live import LivePolicy, LoadedPolicy, RegisteredPolicies
from training.policy import Policy


class Shelf:
    """A source of policies that a test fills."""

    def __init__(self, policies: dict[int, Policy]) -> None:
        self.policies = policies
        self.on_top: int | None = None
        self.trouble: str | None = None
        self.loads = 0

    def champion(self) -> tuple[int, str] | None:
        if self.trouble:
            raise OSError(self.trouble)
        return None if self.on_top is None else (self.on_top, "digest")

    def load(self, version: int, sha256: str) -> LoadedPolicy:
        self.loads += 1
        if version not in self.policies:
            raise ArtifactError(f"version {version} is broken")
        return LoadedPolicy(self.policies[version], sha256)


@pytest.fixture
def shelf(make_policy: Callable[..., Policy]) -> Shelf:
    return Shelf({1: make_policy("1"), 2: make_policy("2")})


def test_nothing_promoted_yet_is_settled_without_a_policy(shelf: Shelf) -> None:
    live = LivePolicy(shelf)
    assert not live.settled.is_set()
    live.refresh()
    assert (live.current, live.settled.is_set()) == (None, True)


def test_a_promotion_is_loaded_once_and_told(shelf: Shelf) -> None:
    told: list[Any] = []
    live = LivePolicy(shelf, on_change=told.append)
    for champion in (1, 1, 2, 1):
        shelf.on_top = champion
        live.refresh()
        assert live.current is not None and live.current.policy.version == str(champion)
    assert [loaded.policy.version for loaded in told] == ["1", "2", "1"]
    assert shelf.loads == 3


def test_a_policy_that_cannot_be_loaded_leaves_the_old_one_and_is_said_once(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    live = LivePolicy(shelf)
    shelf.on_top = 1
    live.refresh()
    shelf.on_top = 9
    with caplog.at_level(logging.WARNING, logger="serving.live"):
        for _ in range(5):
            live.refresh()
    assert live.current is not None and live.current.policy.version == "1"
    assert [record.getMessage() for record in caplog.records] == [
        "the old policy stays in force: ArtifactError: version 9 is broken"
    ]
    shelf.on_top = 2
    live.refresh()
    assert live.current.policy.version == "2"


def test_a_registry_that_does_not_answer_at_the_start_is_not_settled(shelf: Shelf) -> None:
    live = LivePolicy(shelf)
    shelf.trouble, shelf.on_top = "no route", 1
    live.refresh()
    assert not live.settled.is_set()
    shelf.trouble = None
    live.refresh()
    assert live.settled.is_set() and live.current is not None


def test_the_background_thread_sees_a_promotion(shelf: Shelf) -> None:
    live = LivePolicy(shelf)
    live.start(every_seconds=0.01)
    try:
        assert live.settled.wait(5)
        changed = live.current
        shelf.on_top = 2
        for _ in range(500):
            changed = live.current
            if changed is not None:
                break
            time.sleep(0.01)
        assert changed is not None and changed.policy.version == "2"
    finally:
        live.stop()


def test_a_home_without_a_registry_has_no_champion_and_gets_none_made(tmp_path: Any) -> None:
    source = RegisteredPolicies(load_settings(home=tmp_path), feature_names=(), arms=("none",))
    assert source.champion() is None
    assert list(tmp_path.iterdir()) == []
