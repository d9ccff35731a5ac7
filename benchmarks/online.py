"""How long does one recommendation of the demo take over HTTP, and how much of that is our work?

Open loop: requests are due at a fixed rate, and latency counts from when a request was due. The limit is a route of the same
web server (uvicorn) that parses the same body and sends a reply of the same size, asked in turn with the service.
"""

import http.client
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from features.settings import load_settings
from features.workspace import Workspace
from serving.launch import Server, free_port, running, service
from serving.start import ServiceCommand

RATE_PER_SECOND = 20
SECONDS = 30
WARM_UP = 50

BARE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
async def answer(request):
    await request.json()
    return Response(b"x" * int(sys.argv[2]), media_type="application/json")
async def ready(request):
    return Response(b"")
app = Starlette(routes=[Route("/v1/recommend", answer, methods=["POST"]), Route("/readyz", ready)])
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", http="httptools", log_level="error")
"""


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds."""

    p50: float
    p99: float
    worst: float


def measure() -> dict[str, object]:
    """Run both servers side by side on the home's data and ask them in turn."""
    settings = load_settings()
    customers = sorted(Workspace(settings).lake.read("interactions", ["customer_id"])["customer_id"].unique().to_pylist())
    port, bare_port = free_port(0), free_port(0)
    started = time.monotonic()
    with running(service(settings, port=port)):
        ready_seconds = time.monotonic() - started
        size = len(_ask(http.client.HTTPConnection("127.0.0.1", port), customers[0]))
        with _bare_server(bare_port, size):
            ours, bare = _in_turn(port, bare_port, customers)
    return {
        "question": f"one recommendation over HTTP at {RATE_PER_SECOND} requests/s",
        "service_ready_seconds": round(ready_seconds, 1),
        "ours_ms": ours,
        "bare_ms": bare,
        "ratio_p50": round(ours.p50 / bare.p50, 1),
        "ratio_p99": round(ours.p99 / bare.p99, 1),
    }


@contextmanager
def _bare_server(port: int, size: int) -> Iterator[None]:
    command = ServiceCommand((sys.executable, "-c", BARE, str(port), str(size)), dict(os.environ))
    with running(Server("bare server", command, f"http://127.0.0.1:{port}/readyz")):
        yield


def _in_turn(port: int, bare_port: int, customers: list[str]) -> tuple[Latency, Latency]:
    connections = [http.client.HTTPConnection("127.0.0.1", p, timeout=30) for p in (port, bare_port)]
    for k in range(WARM_UP):
        for connection in connections:
            _ask(connection, customers[k % len(customers)])
    times: list[list[float]] = [[], []]
    start = time.perf_counter()
    for k in range(2 * RATE_PER_SECOND * SECONDS):
        due = start + k / (2 * RATE_PER_SECOND)
        time.sleep(max(0.0, due - time.perf_counter()))
        _ask(connections[k % 2], customers[k * 7919 % len(customers)])
        times[k % 2].append(1000 * (time.perf_counter() - due))
    return _latency(times[0]), _latency(times[1])


def _ask(connection: http.client.HTTPConnection, customer: str) -> bytes:
    body = json.dumps({"customer_id": customer})
    connection.request("POST", "/v1/recommend", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        raise SystemExit(f"status {answer.status}: {content[:300]!r}")
    return content


def _latency(milliseconds: list[float]) -> Latency:
    p50, p99, worst = np.percentile(milliseconds, [50, 99, 100]).round(2)
    return Latency(float(p50), float(p99), float(worst))
