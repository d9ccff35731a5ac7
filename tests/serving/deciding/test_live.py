"""The policy in force: what is swapped, what stays, and what is said about it."""

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.errors import ArtifactError
from features.settings import load_settings
from features.synthetic import synthetic_catalogue
from serving.deciding.live import LivePolicy, LoadedPolicy, RegisteredPolicies
from training.artifact import POLICY_FILE
from training.policy import Policy
from training.registry import Registry


class Shelf:
    """A source of policies that a test fills."""

    def __init__(self, policies: dict[int, Policy]) -> None:
        self.policies = policies
        self.on_top: int | None = None
        self.next: int | None = None
        self.trouble: str | None = None
        self.loads = 0

    def champion(self) -> tuple[int, str] | None:
        if self.trouble:
            raise OSError(self.trouble)
        return None if self.on_top is None else (self.on_top, "digest")

    def challenger(self) -> tuple[int, str] | None:
        return None if self.next is None else (self.next, "digest")

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
    with caplog.at_level(logging.WARNING, logger="serving.deciding.live"):
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
    source = RegisteredPolicies(load_settings(home=tmp_path), feature_names=(), catalogue=synthetic_catalogue())
    assert source.champion() is None
    assert list(tmp_path.iterdir()) == []


def test_a_version_that_was_taken_back_is_no_challenger_any_more(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    source, registry = RegisteredPolicies(settings, feature_names=(), catalogue=synthetic_catalogue()), Registry(settings)
    for text in ("first", "second"):
        folder = tmp_path / text
        folder.mkdir()
        (folder / POLICY_FILE).write_text(text)
        with registry.run(text) as run:
            registered = registry.register_policy(run, folder, fingerprint=text)
        registry.challenge(registered.version)
        assert source.challenger() == (registered.version, registered.sha256)
        registry.promote(registered.version)
    registry.rollback()
    assert source.champion() is not None and source.challenger() is None


def test_the_challenger_is_loaded_beside_the_champion_unless_it_is_the_same(shelf: Shelf) -> None:
    live = LivePolicy(shelf, with_challenger=True)
    shelf.on_top, shelf.next = 1, 2
    live.refresh()
    assert live.challenger is not None and live.challenger.policy.version == "2"
    shelf.on_top = 2
    live.refresh()
    assert live.current is not None and live.current.policy.version == "2"
    assert live.challenger is None


def test_a_challenger_that_cannot_be_loaded_disturbs_nobody_and_is_tried_once(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    live = LivePolicy(shelf, with_challenger=True)
    shelf.on_top, shelf.next = 1, 9
    with caplog.at_level(logging.WARNING, logger="serving.deciding.live"):
        for _ in range(4):
            live.refresh()
    assert live.current is not None and live.settled.is_set()
    assert live.challenger is None
    assert [entry.getMessage() for entry in caplog.records] == ["no challenger: version 9 is broken"]
    assert shelf.loads == 2
    shelf.next = 2
    live.refresh()
    assert live.challenger is not None


def test_without_need_of_it_nobody_looks_for_the_challenger(shelf: Shelf) -> None:
    live = LivePolicy(shelf)
    shelf.on_top, shelf.next = 1, 2
    live.refresh()
    assert live.challenger is None
