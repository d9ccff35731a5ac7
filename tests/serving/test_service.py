"""The service as a real BentoML process on loopback, over a real MLflow registry; ended by its process id."""

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from features.journal import Journal
from features.settings import load_settings
from features.tables import TOTAL
from serving.running.start import service_command
from training.artifact import Provenance, write_artifact
from training.policy import Policy
from training.registry import Registry

ANN = {"customer_id": "ann"}
CHECKED_OUT = {"touchpoint": "store.checkout", "kind": "visit"}


class Running:
    """One service process."""

    def __init__(self, home: Path, log: Path, **environment: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        command = service_command(load_settings(home=home), host="127.0.0.1", port=self.port)
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command.arguments, env={**command.environment, **environment}, stdout=output, stderr=output, cwd=log.parent
            )
        self.started = time.monotonic()

    def wait_until_ready(self, *, seconds: float) -> None:
        while not self.is_ready():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < self.started + seconds, self.log.read_text()
            time.sleep(0.1)

    def is_ready(self) -> bool:
        try:
            return httpx.get(self.url + "/readyz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def post(self, path: str, asked: Any = None, **options: Any) -> httpx.Response:
        return httpx.post(self.url + path, json=asked, timeout=30, **options)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=30)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@pytest.fixture(scope="module")
def versions(
    home: Path, tmp_path_factory: pytest.TempPathFactory, make_policy: Callable[..., Policy]
) -> tuple[Registry, int, int]:
    """Two registered policies, the first of them champion."""
    registry = Registry(load_settings(home=home))
    numbers = []
    for uplift in (0.1, 0.2):
        folder = tmp_path_factory.mktemp("policy")
        moment = datetime(2026, 1, 31, tzinfo=UTC)
        provenance = Provenance(fingerprint=str(uplift), catalogue_version="c", created_at=moment, trained_until=moment)
        write_artifact(folder, make_policy("0", uplift=uplift), provenance)
        with registry.run("test") as run_id:
            numbers.append(registry.register_policy(run_id, folder, fingerprint=str(uplift)).version)
    registry.promote(numbers[0])
    return registry, numbers[0], numbers[1]


@pytest.fixture(scope="module")
def service(home: Path, versions: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(home, tmp_path_factory.mktemp("log") / "service.log", TOUCHPOINT_POLICY_POLL_SECONDS="0.3")
    try:
        running.wait_until_ready(seconds=60)
        yield running
    finally:
        running.end()


def test_it_lives_is_ready_and_answers_with_the_champion(service: Running, versions: Any) -> None:
    assert service.get("/livez").status_code == 200
    answer = service.post("/v1/recommend", ANN).json()
    assert answer["policy"] == {"name": "touchpoint-policy", "version": str(versions[1])}
    assert service.get(f"/v1/decisions/{answer['decision_id']}").json()["customer_id"] == "ann"


def test_the_frameworks_own_pages_do_not_stand_before_ours(service: Running) -> None:
    for path in ("/", "/docs", "/docs.json", "/static_content/x", "/assets/x", "/wp-login.php"):
        response = service.get(path)
        assert (response.status_code, response.json()["type"]) == (404, "/problems/unknown-path"), path
    assert service.get("/openapi.json").json()["info"]["title"] == "Next best touchpoint"


def test_unknown_paths_make_no_metric_labels(service: Running) -> None:
    before = len(service.get("/metrics").text.splitlines())
    for index in range(30):
        service.get(f"/random/{index}")
    text = service.get("/metrics").text
    assert "/random" not in text and "touchpoint_decisions_total" in text
    assert len(text.splitlines()) - before < 30


def test_a_body_beyond_the_limit_is_refused_and_the_next_request_is_served(service: Running) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 50_000

    for content in (b" " * 2_000_000, chunks()):
        response = service.post("/v1/interactions", content=content)
        assert (response.status_code, response.json()["type"]) == (413, "/problems/body-too-large")
    assert service.get("/livez").status_code == 200


def test_promotion_and_rollback_are_picked_up_within_seconds_and_drop_no_request(service: Running, versions: Any) -> None:
    registry, first, second = versions
    seen: list[tuple[int, str]] = []
    done = threading.Event()

    def keep_asking() -> None:
        with httpx.Client(base_url=service.url, timeout=30) as caller:
            while not done.is_set():
                response = caller.post("/v1/recommend", json={**ANN, "dry_run": True})
                seen.append((response.status_code, response.json()["policy"]["version"]))

    def wait_for(version: int) -> None:
        deadline = time.monotonic() + 10
        while not (seen and seen[-1] == (200, str(version))):
            assert time.monotonic() < deadline, seen[-5:]
            time.sleep(0.05)

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(keep_asking) for _ in range(2)]
        try:
            wait_for(first)
            registry.promote(second)
            wait_for(second)
            assert registry.rollback() == first
            wait_for(first)
        finally:
            done.set()
        for each in asking:
            each.result()
    assert {status for status, _ in seen} == {200}
    version_info = f'touchpoint_policy_version_info{{name="touchpoint-policy",version="{first}"}} 1.0'
    assert version_info in service.get("/metrics").text


def test_a_policy_whose_files_were_changed_is_not_taken(service: Running, versions: Any, home: Path) -> None:
    registry, first, second = versions
    policies = [(path, json.loads(path.read_text())) for path in (home / "mlartifacts").rglob("policy.json")]
    (path,) = [path for path, policy in policies if policy["effects"]["offsets"][1] == 0.2]
    original = path.read_bytes()
    path.write_bytes(original.replace(b'"slope"', b' "slope"'))
    try:
        registry.promote(second)
        time.sleep(1.5)
        assert service.post("/v1/recommend", {**ANN, "dry_run": True}).json()["policy"]["version"] == str(first)
    finally:
        path.write_bytes(original)
        registry.rollback()
    assert service.log.read_text().count("the old policy stays in force") == 1


def test_a_decision_of_a_policy_no_longer_in_force_is_taken_again_with_it(service: Running, versions: Any) -> None:
    registry, first, second = versions
    registry.promote(first)
    _until(lambda: service.post("/v1/recommend", {**ANN, "dry_run": True}).json()["policy"]["version"] == str(first))
    service.post("/v1/recommend", {"customer_id": "zoe", "decision_id": "before", "slots": 2})
    registry.promote(second)
    _until(lambda: service.post("/v1/recommend", {**ANN, "dry_run": True}).json()["policy"]["version"] == str(second))
    try:
        for slot in ("before", "before/2"):
            again = service.post(f"/v1/decisions/{slot}/replay", {}).json()
            assert again["same"], again
    finally:
        registry.rollback()


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10.0
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_what_is_posted_reaches_the_online_store_by_itself(service: Running, shared: Any) -> None:
    service.post("/v1/interactions", {**CHECKED_OUT, "customer_id": "streamed", "message_id": "streamed-1"})
    deadline = time.monotonic() + 5.0  # a second on a machine that does nothing else: benchmarks/realtime.py
    while (state := shared.store.online_states(["streamed"])[0]) is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert state[TOTAL] == 1


def test_the_log_of_the_process_names_nobody(service: Running) -> None:
    mail, customer = "clear.in.log@example.org", "customer-clear-in-log"
    for identifiers in ({"email": mail}, {"email": "clear.in.log at example"}, {"customer_id": customer}):
        service.post("/v1/interactions", {**CHECKED_OUT, "identifiers": identifiers})
        service.post("/v1/recommend", {"identifiers": identifiers})
        service.post("/v1/interactions", [{"identifiers": identifiers, "email": mail}])
    for path in (f"/v1/customers/{customer}", f"/v1/customers/email={mail}", f"/v1/exports/{customer}", f"/{mail}"):
        service.get(path)
    assert httpx.delete(f"{service.url}/v1/customers/{customer}", timeout=30).status_code == 200
    log, metrics = service.log.read_text(), service.get("/metrics").text
    assert "policy in force" in log
    for text in (log, metrics):
        assert "clear.in.log" not in text and customer not in text


def test_a_cap_holds_over_http_however_many_ask_at_once(service: Running) -> None:
    def ask(index: int) -> str:
        asked = {"customer_id": "cap", "decision_id": f"cap-{index}"}
        return str(service.post("/v1/recommend", asked).json()["recommendations"][0]["touchpoint"])

    with ThreadPoolExecutor(8) as pool:
        chosen = list(pool.map(ask, range(24)))
    assert len(chosen) - chosen.count("none") <= 1


def test_a_signal_to_end_lets_requests_in_flight_finish(home: Path, service: Running, tmp_path: Path) -> None:
    """A request whose body arrives slowly is in flight when the signal comes; it is answered, and what it posted is kept."""
    body = b'{"customer_id": "slow", "touchpoint": "store.checkout", "kind": "purchase", "value": 5, "message_id": "slow-1"}'
    head = f"POST /v1/interactions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(head.encode() + body[:20])
        time.sleep(0.3)
        os.kill(service.process.pid, signal.SIGTERM)
        time.sleep(0.5)
        connection.sendall(body[20:])
        reply = b""
        while part := connection.recv(65536):
            reply += part
    assert reply.startswith(b"HTTP/1.1 202"), reply
    assert service.process.wait(20) == 0
    kept = Journal(load_settings(home=home).effective_journal_url).interactions_after("slow", 0)
    assert [interaction.message_id for _, interaction in kept] == ["slow-1"]
