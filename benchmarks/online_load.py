"""A load generator of its own process: keep-alive connections, requests encoded beforehand, nothing parsed but status and length.

`ask` starts it and gives what it measured. Its own work is a few ten microseconds a request; each result states it.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import uvloop
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What to send.

    Attributes
    ----------
    bodies : one request each; every one is sent once.
    connections : closed loop: so many, each with one request at a time. Open loop: so many to choose from.
    rate : requests a second, at random times; None is the closed loop.
    seconds : when to stop, if bodies are left.
    """

    port: int
    bodies: Sequence[str]
    path: str = "/v1/recommend"
    connections: int = 1
    rate: float | None = None
    seconds: float = 3600.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back.

    Attributes
    ----------
    latency : shape (n,), seconds; in the open loop from when the request was due.
    status : shape (n,), HTTP status of each answer.
    retry_after : how many answers named when to try again.
    seconds : from the first request to the last answer.
    own : seconds of processor time of the generator per request.
    """

    latency: Floats
    status: NDArray[np.int64]
    retry_after: int
    seconds: float
    own: float

    def accepted(self) -> Floats:
        """Latencies of the requests that were answered, in seconds."""
        return self.latency[self.status == 200]


def ask(load: Load) -> Heard:
    """Send a load from a process of its own."""
    with TemporaryDirectory(prefix="online-load-") as folder:
        told, heard = Path(folder) / "load.json", Path(folder) / "heard.npz"
        told.write_text(json.dumps({name: getattr(load, name) for name in Load.__dataclass_fields__}), encoding="utf-8")
        subprocess.run([sys.executable, "-m", "benchmarks.online_load", str(told), str(heard)], check=True)
        with np.load(heard) as found:
            numbers = int(found["retry_after"]), float(found["seconds"]), float(found["own"])
            return Heard(found["latency"], found["status"], *numbers)


class Connection(asyncio.Protocol):
    """One connection; answers come in the order of requests."""

    def __init__(self) -> None:
        self.transport: Any = None
        self._answered: asyncio.Future[tuple[int, bool]] | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what is written to."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Tell whoever waits once the answer is whole."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        start = head.index(b"content-length:") + 15
        length = int(head[start : head.find(b"\r\n", start) if b"\r\n" in head[start:] else end])
        if len(self._buffer) >= end + 4 + length and self._answered is not None:
            self._buffer = self._buffer[end + 4 + length :]
            self._answered.set_result((int(head[9:12]), b"retry-after:" in head))

    def connection_lost(self, error: Exception | None) -> None:
        """An answer that does not come is status 0."""
        if self._answered is not None and not self._answered.done():
            self._answered.set_result((0, False))

    async def send(self, request: bytes) -> tuple[int, bool]:
        """Send a request; give its answer's status, and whether that names when to try again."""
        self._answered = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._answered


class Generator:
    """Sends one load."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._requests = [_encoded(load.path, body) for body in load.bodies]
        self.heard: list[tuple[float, int, bool]] = []

    async def run(self) -> float:
        """Send; give the seconds it took."""
        load = self._load
        connections = [await self._connected() for _ in range(load.connections)]
        started = time.perf_counter()
        if load.rate is None:
            left = iter(self._requests)
            await asyncio.gather(*(self._closed(connection, left, started) for connection in connections))
        else:
            await self._open(connections, started)
        return time.perf_counter() - started

    async def _connected(self) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(Connection, "127.0.0.1", self._load.port)
        return connection

    async def _closed(self, connection: Connection, left: Iterator[bytes], started: float) -> None:
        for request in left:
            sent = time.perf_counter()
            if sent - started > self._load.seconds:
                return
            status, again = await connection.send(request)
            self.heard.append((time.perf_counter() - sent, status, again))

    async def _open(self, connections: list[Connection], started: float) -> None:
        """Poisson arrivals, whatever the server does; one that finds every connection busy waits, and its latency counts that."""
        rng, idle, tasks, due = np.random.default_rng(11), _Idle(connections), [], started
        for request in self._requests:
            due += rng.exponential(1.0 / (self._load.rate or 1.0))
            if due - started > self._load.seconds:
                break
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            tasks.append(asyncio.ensure_future(self._due(await idle.any(rng), idle, request, due)))
        await asyncio.gather(*tasks)

    async def _due(self, connection: Connection, idle: "_Idle", request: bytes, due: float) -> None:
        if connection.transport.is_closing():  # servers close what was idle for some seconds
            connection = await self._connected()
        status, again = await connection.send(request)
        self.heard.append((time.perf_counter() - due, status, again))
        idle.put(connection)


class _Idle:
    """Connections without a request; each is as likely to be taken as any other, as clients are who do not know each other."""

    def __init__(self, connections: list[Connection]) -> None:
        self._connections, self._count = list(connections), asyncio.Semaphore(len(connections))

    async def any(self, rng: np.random.Generator) -> Connection:
        """Take one; wait for it, if there is none."""
        await self._count.acquire()
        return self._connections.pop(int(rng.integers(len(self._connections))))

    def put(self, connection: Connection) -> None:
        """Give it back."""
        self._connections.append(connection)
        self._count.release()


def _encoded(path: str, body: str) -> bytes:
    content = body.encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


def main(told: str, heard: str) -> None:
    """Send the load of a file; write what came back into another."""
    generator = Generator(Load(**json.loads(Path(told).read_text(encoding="utf-8"))))
    own = time.process_time()
    seconds = uvloop.run(generator.run())
    own = (time.process_time() - own) / max(len(generator.heard), 1)
    latency, status, again = map(np.array, zip(*generator.heard, strict=True))
    np.savez(heard, latency=latency, status=status, retry_after=again.sum(), seconds=seconds, own=own)


if __name__ == "__main__":
    main(*sys.argv[1:])
