"""How close to a bare route is one recommendation over HTTP: thirty candidates, models of 200 trees, all rules, a durable record?

The limit is `online_bare`, one route by hand that reads, predicts and answers, and knows no rules and writes no record. The naive
peer is what tutorials teach: BentoML's defaults, stock Feast asked by name, pandas, scikit-learn wrappers; it too has neither.
All are asked in turn, A B A B, by `online_load`, each customer once in every round, one worker each unless told otherwise.

`ONLINE="customers=500 rounds=2 asked=100 slowest=2000 seconds=3" make bench ARGS=online` makes it smaller.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import psutil

from benchmarks.online_bare import bare_server, write_bare
from benchmarks.online_home import TREES, Home, make_home
from benchmarks.online_load import Heard, Load, ask
from benchmarks.ratios import Figure
from features.settings import load_settings
from serving.http.turns import MOST
from serving.running.launch import LOOPBACK, Server, free_port, running, service
from serving.running.start import ServiceCommand

OURS, BARE, STRICT, NAIVE = "ours", "bare route", "bare route, one predict", "naive service"
NAIVE_CUSTOMERS = 2_000
CONNECTIONS = 8
OPEN_RATE = 300.0
TIMES_CAPACITY = 5.0
_BURST = 0.5  # seconds until what waited in the first one is answered


@dataclass(frozen=True, slots=True)
class Asked:
    """A server, and the customers to ask it about: in random order, each once before any comes again."""

    port: int
    customers: Iterator[str]
    path: str = "/v1/recommend"

    @classmethod
    def of(cls, port: int, customers: Sequence[str], path: str = "/v1/recommend") -> "Asked":
        """With an order of its own."""
        return cls(port, cycle(np.random.default_rng(4).permutation(customers).tolist()), path)

    def ask(self, number: int, *, limit: int = 1, **also: Any) -> Heard:
        """Send so many requests."""
        more = {} if limit == 1 else {"limit": limit}
        bodies = [json.dumps({"customer_id": customer_id, **more}) for customer_id in islice(self.customers, number)]
        return ask(Load(port=self.port, bodies=bodies, path=self.path, **also))


def measure() -> dict[str, object]:
    """Make a home, serve it beside the limit and the peer, and ask."""
    given = {"customers": 20_000.0, "rounds": 6.0, "asked": 500.0, "slowest": 100_000.0, "seconds": 10.0}
    given |= {name: float(value) for name, value in (pair.split("=") for pair in os.environ.get("ONLINE", "").split())}
    rounds, asked, seconds = int(given["rounds"]), int(given["asked"]), given["seconds"]
    with TemporaryDirectory(prefix="touchpoint-online-") as folder:
        home, bare = make_home(Path(folder) / "home", int(given["customers"]), on_progress=_tell), Path(folder) / "bare"
        cold = [_seconds_to_ready(home) for _ in range(2)]
        figures = [Figure(name="cold start to ready", ours=min(cold), unit="s", at_most=8.0)]
        with _ours(home) as ours:
            write_bare(bare, home, _answer(ours, home))
            with _limit(bare) as limit, _naive(Path(folder), home) as naive:
                where = {OURS: Asked.of(ours, home.customers), BARE: Asked.of(limit, home.customers)}
                where |= {STRICT: Asked.of(limit, home.customers, "/strict")}
                where |= {NAIVE: Asked.of(naive, home.customers[:NAIVE_CUSTOMERS], "/recommend")}
                _warm(where, asked)
                figures += _one_at_a_time(where, rounds, asked)
                figures += _throughput(where, rounds, asked)
            figures += [*_memory(), *_overload(where[OURS], _rate(figures), seconds)]
            figures += _slowest(where[OURS], int(given["slowest"]))
        with _ours(home, workers=2) as ours, _limit(bare, workers=2) as limit:
            where = {OURS: Asked.of(ours, home.customers), BARE: Asked.of(limit, home.customers)}
            _warm(where, asked)
            figures += _open_loop(where, seconds)
    return {"question": (__doc__ or "").partition("\n")[0], "features": len(home.feature_names), "figures": figures}


def _warm(where: Mapping[str, Asked], asked: int) -> None:
    for name, each in where.items():
        heard = each.ask(max(asked, 200) if name != NAIVE else 50, connections=CONNECTIONS)
        if set(heard.status) != {200}:
            raise SystemExit(f"{name} answers {set(heard.status)}")
        _tell(f"{name}: the generator itself takes {1e6 * heard.own:.0f} us of processor time a request")


def _one_at_a_time(where: Mapping[str, Asked], rounds: int, asked: int) -> Iterator[Figure]:
    heard: dict[str, list[Heard]] = {name: [] for name in where}
    for _ in range(rounds):
        for name, each in where.items():
            heard[name].append(each.ask(asked if name != NAIVE else asked // 5))
    for share, most in ((50, 1.6), (99, 2.0)):
        for name, at_most in ((BARE, most), (STRICT, None), (NAIVE, None)):
            pairs = [(_ms(ours, share), _ms(theirs, share)) for ours, theirs in zip(heard[OURS], heard[name], strict=True)]
            yield Figure.of(f"one at a time, p{share}", name, pairs, unit="ms", at_most=at_most)
    three = [(_ms(where[OURS].ask(asked, limit=3), 50), _ms(where[BARE].ask(asked), 50)) for _ in range(2)]
    yield Figure.of("one at a time, three touchpoints each, p50", BARE, three, unit="ms")


def _throughput(where: Mapping[str, Asked], rounds: int, asked: int) -> Iterator[Figure]:
    rates: dict[str, list[float]] = {name: [] for name in where}
    for _ in range(rounds):
        for name, each in where.items():
            heard = each.ask(4 * asked if name != NAIVE else asked // 2, connections=CONNECTIONS)
            rates[name].append(len(heard.accepted()) / heard.seconds)
    for name, at_least in ((BARE, 0.5), (STRICT, None), (NAIVE, 3.0)):
        pairs = list(zip(rates[OURS], rates[name], strict=True))
        yield Figure.of(f"{CONNECTIONS} connections, one worker", name, pairs, unit="requests/s", at_least=at_least)


def _rate(figures: Sequence[Figure]) -> float:
    return next(figure.ours for figure in figures if figure.name.startswith(f"{CONNECTIONS} connections"))


def _overload(ours: Asked, capacity: float, seconds: float) -> Iterator[Figure]:
    """Far more than can be answered: what is accepted should be about as fast as when the service was just saturated."""
    full = ours.ask(int(capacity * seconds / 2), connections=MOST)
    over = ours.ask(int(TIMES_CAPACITY * capacity * seconds), connections=600, rate=TIMES_CAPACITY * capacity)
    told, refused = f"{TIMES_CAPACITY:g} x capacity for {seconds:g} s", over.latency[over.status == 503]
    for share in (50, 99):
        pair = (_ms(over, share), _ms(full, share))
        yield Figure.of(f"accepted at {told}, p{share}", "just saturated", [pair], unit="ms", at_most=2.0)
    pair = (_ms(over, 99, since=int(_BURST * capacity)), _ms(full, 99))
    yield Figure.of(f"accepted at {told}, p99 after the first {_BURST:g} s", "just saturated", [pair], unit="ms", at_most=2.0)
    rates = (len(over.accepted()) / over.seconds, len(full.accepted()) / full.seconds)
    yield Figure.of(f"answered at {told}", "just saturated", [rates], unit="requests/s")
    if len(refused):
        yield Figure(name=f"refused at {told}, p99", ours=1e3 * float(np.percentile(refused, 99)), unit="ms")
        yield Figure(
            name="refusals that name when to try again", ours=over.retry_after / len(refused), unit="share", at_least=1.0
        )
    other = int(((over.status != 200) & (over.status != 503)).sum())
    yield Figure(name="neither answered nor refused by 503", ours=other, unit="requests", at_most=0.0)


def _slowest(ours: Asked, number: int) -> Iterator[Figure]:
    heard = ours.ask(number)
    median, worst, rare = _ms(heard, 50), _ms(heard, 100), _ms(heard, 99.9)
    yield Figure.of(f"slowest of {number:,}", "their median", [(worst, median)], unit="ms", at_most=10.0)
    yield Figure.of(f"p99.9 of {number:,}", "their median", [(rare, median)], unit="ms")
    beyond = int((1e3 * heard.latency > 10 * median).sum())
    yield Figure(name=f"beyond 10 x the median, of {number:,}", ours=beyond, unit="requests")


def _open_loop(where: Mapping[str, Asked], seconds: float) -> Iterator[Figure]:
    """At a fixed rate on two workers, in turn."""
    heard: dict[str, list[Heard]] = {name: [] for name in where}
    for _ in range(3):
        for name, each in where.items():
            heard[name].append(each.ask(int(OPEN_RATE * seconds), connections=64, rate=OPEN_RATE))
    for share, most in ((50, None), (99, 2.0)):
        pairs = [(_ms(ours, share), _ms(theirs, share)) for ours, theirs in zip(heard[OURS], heard[BARE], strict=True)]
        yield Figure.of(f"open loop, {OPEN_RATE:g} requests/s, two workers, p{share}", BARE, pairs, unit="ms", at_most=most)


def _memory() -> Iterator[Figure]:
    for process in psutil.Process().children(recursive=True):
        command = " ".join(process.cmdline())
        if "TouchpointService" in command and "worker" in command:
            used = process.memory_full_info()
            yield Figure(name="memory of a worker, its own", ours=used.uss / 2**20, unit="MiB")
            yield Figure(name="memory of a worker, with its part of what is shared", ours=used.pss / 2**20, unit="MiB")


def _seconds_to_ready(home: Home) -> float:
    started = time.monotonic()
    with _ours(home):
        return time.monotonic() - started


@contextmanager
def _ours(home: Home, *, workers: int = 1) -> Iterator[int]:
    port = free_port(0)
    with running(service(load_settings(home=home.path), port=port, workers=workers)):
        yield port


@contextmanager
def _limit(folder: Path, *, workers: int = 1) -> Iterator[int]:
    port = free_port(0)
    with running(bare_server(folder, port=port, workers=workers)):
        yield port


@contextmanager
def _naive(folder: Path, home: Home) -> Iterator[int]:
    """The peer, with forty of the features and some of the customers, which is all the same to it."""
    scripts, path, port = Path(__file__).parent / "peers", folder / "naive", free_port(0)
    rows, touchpoints = np.nan_to_num(home.rows[:NAIVE_CUSTOMERS, :40]), [f"offer_{number}" for number in range(30)]
    np.savez(folder / "given.npz", names=home.customers[:NAIVE_CUSTOMERS], rows=rows, touchpoints=touchpoints, trees=TREES)
    _tell("the naive peer's features")
    subprocess.run([sys.executable, str(scripts / "naive_home.py"), str(folder / "given.npz"), str(path)], check=True)
    command = [sys.executable, "-m", "bentoml", "serve", "naive_service:Naive", "--port", str(port), "--host", LOOPBACK]
    environment = {"NAIVE_HOME": str(path), "BENTOML_HOME": str(folder / "bentoml"), "BENTOML_DO_NOT_TRACK": "True"}
    start = ServiceCommand((*command, "--working-dir", str(scripts)), os.environ | environment)
    with running(Server("naive service", start, f"http://{LOOPBACK}:{port}/readyz")):
        yield port


def _answer(port: int, home: Home) -> dict[str, Any]:
    """One of our answers."""
    question = json.dumps({"customer_id": home.customers[0]}).encode()
    request = Request(f"http://{LOOPBACK}:{port}/v1/recommend", question, {"Content-Type": "application/json"})
    with urlopen(request, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def _ms(heard: Heard, share: float, *, since: int = 0) -> float:
    """A percentile of the answered requests, all or but for so many of the first."""
    return 1e3 * float(np.percentile(heard.accepted()[since:], share))


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
