"""Online rows in Redis: beyond one machine. One Redis database holds the rows of one home."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from features.errors import ConfigurationError

if TYPE_CHECKING:
    import redis

_TIMEOUT_SECONDS = 0.5  # without one, and without "no retries", a frozen Redis holds up its callers for ever
_LOCK_SECONDS = 30.0
_POLL_SECONDS = 0.01
_SET_UP, _LOCK = "touchpoint:set_up", "touchpoint:writing"
_PROJECT = b"touchpoint"  # as in feature_repo; part of every key


class RedisRows:
    """Rows that Feast reads and writes in the Redis at a URL; here is what else has to be done to it.

    Feast by itself would leave out a write whose time is not later than that of the row there. Corrections and rows of late
    interactions are such writes, so that is turned off, and whoever writes compares before, under a lock.

    Raises
    ------
    ConfigurationError
        When the URL is not one of Redis, or redis is not installed.
    """

    def __init__(self, url: str, folder: Path) -> None:
        try:
            import redis
        except ImportError:
            raise ConfigurationError("online_store: redis is not installed; install 'next-best-touchpoint[redis]'") from None
        self.errors: tuple[type[Exception], ...] = (redis.RedisError,)
        self._folder = folder
        self._arguments = _arguments(url)
        self.name = "redis://{host}:{port}/{db}".format(**self._arguments)

    @property
    def configuration(self) -> Mapping[str, Any]:
        """Feast's `online_store`."""
        given = {name: value for name, value in self._arguments.items() if name not in ("host", "port")}
        options = ",".join(f"{name}={json.dumps(value)}" for name, value in given.items())
        where = "{host}:{port}".format(**self._arguments)
        return {"type": "redis", "connection_string": f"{where},{options}", "skip_dedup": True}

    def is_set_up(self) -> bool:
        """Whether this database is the one that was set up, and has lost nothing since."""
        return bool(self._client.exists(_SET_UP))

    def set_up(self) -> None:
        """Remember that it is, and remove the rows of SQLite: nobody would look there when a customer is erased."""
        self._client.set(_SET_UP, 1)
        for leftover in self._folder.glob("online.db*"):
            leftover.unlink()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Nothing to wait for: a row is read, and written, by one command."""
        yield

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer on all machines, so that nothing comes between a look and the write that depends on it."""
        with self._client.lock(_LOCK, timeout=_LOCK_SECONDS, blocking_timeout=_LOCK_SECONDS, sleep=_POLL_SECONDS):
            yield

    def erase(self, keys: Sequence[bytes]) -> int:
        """Delete the rows of these keys; give how many there were."""
        erased: Any = self._client.delete(*(key + _PROJECT for key in keys)) if keys else 0
        return int(erased)

    @cached_property
    def _client(self) -> "redis.Redis":
        import redis

        return redis.Redis(**self._arguments)


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
    if any("," in value for value in given.values()):
        raise ConfigurationError("online_store: Feast takes no user name or password with a comma; choose another")
    tls = {"ssl": True} if parts.scheme == "rediss" else {}
    limits = {"socket_timeout": _TIMEOUT_SECONDS, "socket_connect_timeout": _TIMEOUT_SECONDS, "retry": None}
    return {"host": host, "port": port, "db": db, **limits, **given, **tls}
