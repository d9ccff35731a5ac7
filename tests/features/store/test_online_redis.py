"""What only Redis does: it is lost, frozen, out of reach, or another one than before."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from features.domain import Interaction
from features.errors import ConfigurationError, StoreError
from features.store.definitions import open_feast
from features.store.online_redis import RedisRows

Make, Open = Callable[..., Interaction], Callable[..., Any]


def test_a_redis_that_lost_its_rows_is_filled_again(redis_server: Any, tmp_path: Path, open_at: Open, make: Make) -> None:
    redis_server.client.flushdb()
    home = open_at(tmp_path / "home", online_store=redis_server.url)
    home.add(make("ann", 1), make("bob", 1))
    assert (home.materialize(), home.materialize()) == (2, 0)
    redis_server.client.flushdb()
    assert home.online("ann") is None
    assert home.materialize() == 2
    assert home.online("ann") is not None


def test_another_online_store_is_filled_and_the_rows_left_in_sqlite_are_gone(
    redis_server: Any, tmp_path: Path, open_at: Open, make: Make
) -> None:
    redis_server.client.flushdb()
    home = open_at(tmp_path / "home")
    home.add(make("ann", 1))
    home.materialize()
    moved = open_at(tmp_path / "home", online_store=redis_server.url)
    assert moved.materialize() == 1 and moved.online("ann") is not None
    assert not list(home.settings.feast_path.glob("online.db*"))
    back = open_at(tmp_path / "home")
    assert back.materialize() == 1 and back.online("ann") is not None


def test_no_key_names_the_erased(redis_server: Any, tmp_path: Path, open_at: Open, make: Make) -> None:
    redis_server.client.flushdb()
    home = open_at(tmp_path / "home", online_store=redis_server.url)
    home.add(make("ann-0815", 1), make("bob-0815", 1))
    home.materialize()
    home.store.erase(["ann-0815"])
    keys = b"".join(redis_server.client.keys())
    assert b"ann-0815" not in keys and b"bob-0815" in keys


def test_a_frozen_or_dead_redis_is_an_error_within_a_second_and_forgotten_when_it_is_back(
    own_redis: Any, tmp_path: Path, open_at: Open, make: Make
) -> None:
    home = open_at(tmp_path / "home", online_store=own_redis.url)
    home.add(make("ann", 1))
    home.materialize()
    state = home.online("ann")
    os.kill(own_redis.process.pid, signal.SIGSTOP)
    for call in (lambda: home.online("ann"), lambda: home.store.push({"ann": state}), lambda: home.store.erase(["bob"])):
        assert _seconds_to_fail(call) < 1.3
    os.kill(own_redis.process.pid, signal.SIGCONT)
    assert home.online("ann") == state
    own_redis.process.kill()
    own_redis.process.wait()
    for call in (lambda: home.online("ann"), home.materialize, lambda: home.store.push({"ann": state})):
        assert _seconds_to_fail(call) < 1.3


def _seconds_to_fail(call: Callable[[], object]) -> float:
    started = time.monotonic()
    with pytest.raises(StoreError, match="feature store could not answer"):
        call()
    return time.monotonic() - started


@pytest.mark.parametrize(
    "url", ["localhost:6379", "http://cache:6379", "redis://", "redis://cache:port", "redis://[::1]:6379", "redis://c/x"]
)
def test_what_is_not_a_redis_url_is_refused_with_the_rule(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"redis://host:6379/0"):
        RedisRows(url)


def test_a_password_reaches_redis_and_no_name(tmp_path: Path) -> None:
    rows = RedisRows("rediss://svc:12%3D3%2C4@cache/4")
    for opened in (rows, feast_rows(open_feast(tmp_path, rows.configuration))):
        given = opened._client.connection_pool.connection_kwargs
        assert (given["host"], given["username"], given["password"], given["db"]) == ("cache", "svc", "12=3,4", 4)
        assert opened._client.connection_pool.connection_class.__name__ == "SSLConnection"
        assert opened.name == "redis://cache:6379/4"


def feast_rows(feast: Any) -> Any:
    """The rows behind Feast's own online store."""
    return feast._get_provider().online_store._opened(feast.config)
