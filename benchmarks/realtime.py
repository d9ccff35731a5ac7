"""How long after an interaction is accepted does the next recommendation know it, and Feast's online store?

Two workers take 200 interactions a second for 20 seconds, open loop: each is due at its time, whatever became of those before it.
Of every tenth, the customer is asked about as soon as it is accepted, over another connection, until the features that decided
have it; and the online store is read until it has it. The limit is one second.
"""

import http.client
import json
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from features.settings import Settings, load_settings
from features.workspace import Workspace
from serving.running.launch import free_port, running, service

RATE_PER_SECOND = 200
SECONDS = 20
WORKERS = 2
PROBE_EVERY = 10
LIMIT_SECONDS = 1.0
GIVE_UP_SECONDS = 10.0
SENDERS = 16
CUSTOMERS = 500

CATALOGUE = """
[[touchpoints]]
name = "web.page"
stage = "consideration"

[[touchpoints]]
name = "email.news"
stage = "consideration"
recommendable = true
"""


class Caller:
    """One connection to the service for each thread."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._mine = threading.local()

    def call(self, method: str, path: str, body: object = None) -> dict[str, object]:
        """Call, and give the JSON that was answered."""
        connection = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._mine.connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"status {answer.status}: {content[:300]!r}")
        return dict(json.loads(content))


def measure() -> dict[str, object]:
    """Run the service over an empty home, post to it and look."""
    with tempfile.TemporaryDirectory(prefix="touchpoint-realtime-") as folder:
        (Path(folder) / "catalogue.toml").write_text(CATALOGUE, encoding="utf-8")
        settings = load_settings(home=Path(folder))
        Workspace(settings).store.apply()
        port = free_port(0)
        with running(service(settings, port=port, workers=WORKERS), log=str(Path(folder) / "service.log")):
            late, decided, online = _posted_and_looked_for(settings, Caller(port))
    return {
        "question": f"accepted → visible, {WORKERS} workers, {RATE_PER_SECOND} interactions/s for {SECONDS} s",
        "post_p99_seconds": _p99(late),
        "in_the_next_recommendation_p99_seconds": _p99(decided),
        "in_the_online_store_p50_seconds": round(float(np.median(online)), 3),
        "in_the_online_store_p99_seconds": _p99(online),
        "ratio_recommendation": round(_p99(decided) / LIMIT_SECONDS, 3),
        "ratio_online_store": round(_p99(online) / LIMIT_SECONDS, 3),
    }


def _posted_and_looked_for(settings: Settings, caller: Caller) -> tuple[list[float], list[float], list[float]]:
    """Seconds from when an interaction was due until it was accepted; from then until a recommendation and the store had it."""
    watch = Watch(settings)
    late: list[float] = []
    decided: list[float] = []
    start = time.perf_counter() + 1.0

    def post(k: int) -> None:
        due = start + k / RATE_PER_SECOND
        time.sleep(max(0.0, due - time.perf_counter()))
        is_probe = k % PROBE_EVERY == 0
        customer = f"probe-{k}" if is_probe else f"customer-{k * 7919 % CUSTOMERS}"
        caller.call(
            "POST", "/v1/interactions", {"customer_id": customer, "touchpoint": "web.page", "kind": "view", "message_id": f"m{k}"}
        )
        accepted = time.perf_counter()
        late.append(accepted - due)
        if is_probe:
            watch.wanted[customer] = accepted
            looking.submit(look, customer, accepted)

    def look(customer: str, accepted: float) -> None:
        while time.perf_counter() < accepted + GIVE_UP_SECONDS:
            answer = caller.call("POST", "/v1/recommend", {"customer_id": customer})
            seen = time.perf_counter()
            record = caller.call("GET", f"/v1/decisions/{answer['decision_id']}")
            if record["features"]["values"]["kind_view_lifetime_count"]:  # type: ignore[index]
                decided.append(seen - accepted)
                return
        decided.append(GIVE_UP_SECONDS)

    with watch, ThreadPoolExecutor(SENDERS) as looking, ThreadPoolExecutor(SENDERS) as posting:
        for result in [posting.submit(post, k) for k in range(RATE_PER_SECOND * SECONDS)]:
            result.result()
    return late, decided, watch.seconds


class Watch:
    """Reads Feast's online store, as another process would, until it has every customer that is wanted."""

    def __init__(self, settings: Settings) -> None:
        self.wanted: dict[str, float] = {}
        self.seconds: list[float] = []
        self._store = Workspace(settings).store
        self._store.online_states(["nobody"])  # Feast is imported before the clock runs
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.is_set() or self.wanted:
            names = list(self.wanted)
            states = self._store.online_states(names) if names else []
            now = time.perf_counter()
            for name, state in zip(names, states, strict=True):
                if state is not None or now - self.wanted[name] > GIVE_UP_SECONDS:
                    self.seconds.append(now - self.wanted.pop(name))
            time.sleep(0.02)


def _p99(seconds: list[float]) -> float:
    return round(float(np.percentile(seconds, 99)), 3)
