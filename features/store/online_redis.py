"""Online rows in Redis: beyond one machine. One Redis database holds the rows of one home."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from features.errors import ConfigurationError
from features.store.packing import FORMAT, Layout

if TYPE_CHECKING:
    import redis

_TIMEOUT_SECONDS = 0.5  # without one, and without "no retries", a frozen Redis holds up its callers for ever
_LOCK_SECONDS = 30.0
_POLL_SECONDS = 0.01
_KEYS_PER_COMMAND = 500  # Redis answers nobody else while it works on a command
_SET_UP, _LOCK, _LAYOUTS = "touchpoint:set_up", "touchpoint:writing", "touchpoint:layouts"
_OWN = f"packed {FORMAT}".encode()
_BEFORE = b"*touchpoint"  # the keys under which Feast's own store kept rows, before they were packed


class RedisRows:
    """The Redis at a URL: one value for each row, under the name of the view's table and the key of the identifier.

    Raises
    ------
    ConfigurationError
        When the URL is not one of Redis, or redis is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            import redis
        except ImportError:
            raise ConfigurationError("online_store: redis is not installed; install 'next-best-touchpoint[redis]'") from None
        self.errors: tuple[type[Exception], ...] = (redis.RedisError, OSError)
        self._url = url
        self._arguments = _arguments(url)
        self.name = "redis://{host}:{port}/{db}".format(**self._arguments)

    @property
    def configuration(self) -> Mapping[str, Any]:
        """Feast's `online_store`."""
        return {"type": "features.store.packed.PackedRedisOnlineStore", "url": self._url}

    def is_set_up(self) -> bool:
        """Whether this database is the one that was set up for rows as this version keeps them, and has lost nothing since."""
        return bool(self._client.get(_SET_UP) == _OWN)

    def set_up(self) -> None:
        """Remember that it is."""
        self._client.set(_SET_UP, _OWN)

    def clear(self) -> None:
        """Forget that this database was set up, and remove the rows of an earlier version; those of this one are written over."""
        self._client.delete(_SET_UP)
        self._delete_all(_BEFORE, _type="hash")

    def create(self, table: str, layout: Layout) -> None:
        """Remember what the rows of a table look like."""
        self._client.hset(_LAYOUTS, layout.name, layout.to_json())  # type: ignore[arg-type]  # bytes are fine as a field

    def drop(self, table: str) -> None:
        """Remove the rows of a table."""
        self._delete_all(f"{table}:*".encode())

    def layout(self, name: bytes) -> Layout | None:
        """The layout of this name, where rows of it were ever written."""
        found: Any = self._client.hget(_LAYOUTS, name)  # type: ignore[arg-type]
        return None if found is None else Layout.of_json(found)

    def read(self, table: str, keys: Sequence[bytes]) -> list[bytes | None]:
        """The values of keys, in the order given; None where there is none."""
        prefix = _prefix(table)
        found: list[bytes | None] = []
        for start in range(0, len(keys), _KEYS_PER_COMMAND):
            answer: Any = self._client.mget([prefix + key for key in keys[start : start + _KEYS_PER_COMMAND]])
            found += answer
        return found

    def write(self, table: str, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Write keys with their values, some hundred at once; what is there is written over."""
        prefix = _prefix(table)
        keyed = [(prefix + key, value) for key, value in rows]
        for start in range(0, len(keyed), _KEYS_PER_COMMAND):
            self._client.mset(dict(keyed[start : start + _KEYS_PER_COMMAND]))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer on all machines, so that nothing comes between a look and the write that depends on it."""
        with self._client.lock(_LOCK, timeout=_LOCK_SECONDS, blocking_timeout=_LOCK_SECONDS, sleep=_POLL_SECONDS):
            yield

    def erase(self, table: str, keys: Sequence[bytes]) -> int:
        """Delete the rows of these keys, those of an earlier version too; give how many there were."""
        prefix, before = _prefix(table), _BEFORE.removeprefix(b"*")
        erased: Any = self._client.delete(*(name for key in keys for name in (prefix + key, key + before))) if keys else 0
        return int(erased)

    def _delete_all(self, pattern: bytes, **options: Any) -> None:
        found = []
        for key in self._client.scan_iter(match=pattern, count=1_000, **options):
            found.append(key)
            if len(found) == _KEYS_PER_COMMAND:
                self._client.unlink(*found)
                found.clear()
        if found:
            self._client.unlink(*found)

    @cached_property
    def _client(self) -> "redis.Redis":
        import redis

        return redis.Redis(**self._arguments)


def _prefix(table: str) -> bytes:
    return f"{table}:".encode()


def _arguments(url: str) -> dict[str, Any]:
    """What a Redis client is opened with.

    >>> [_arguments("redis://cache:6380/2")[name] for name in ("host", "port", "db", "socket_timeout", "retry")]
    ['cache', 6380, 2, 0.5, None]
    """
    try:
        parts = urlsplit(url)
        host, port, db = parts.hostname, parts.port or 6379, int(parts.path.strip("/") or 0)
    except ValueError:
        host, port, db, parts = None, 0, 0, urlsplit("")
    if parts.scheme not in ("redis", "rediss") or not host or ":" in host:
        raise ConfigurationError(
            "online_store: not a URL such as redis://host:6379/0, rediss:// with TLS; mend it or leave it out"
        )
    login = {"username": parts.username, "password": parts.password}
    given = {name: unquote(value) for name, value in login.items() if value}
    tls = {"ssl": True} if parts.scheme == "rediss" else {}
    limits = {"socket_timeout": _TIMEOUT_SECONDS, "socket_connect_timeout": _TIMEOUT_SECONDS, "retry": None}
    return {"host": host, "port": port, "db": db, **limits, **given, **tls}
