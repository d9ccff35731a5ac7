"""The service killed at random moments: what it acknowledged is there, once; what it answered has its record."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import numpy as np
import psutil

from features.journal import Journal
from features.settings import load_settings
from serving.running import launch

KILLS = 3
CUSTOMER = "customer-000003"


class Caller:
    """Posts and asks without pause, and writes down what was acknowledged."""

    def __init__(self, address: str, round_: int) -> None:
        self.address, self.round = address, round_
        self.posted: list[str] = []
        self.decided: list[str] = []

    def run(self, stopped: threading.Event) -> None:
        number = 0
        while not stopped.is_set():
            number += 1
            name = f"kill-{self.round}-{number}"
            at = datetime.now(UTC).isoformat()
            seen = {"customer_id": CUSTOMER, "touchpoint": "web.product_page", "kind": "view", "at": at, "message_id": name}
            try:
                if self._post("/v1/interactions", seen)["status"] == "accepted":
                    self.posted.append(name)
                self.decided.append(self._post("/v1/recommend", {"customer_id": CUSTOMER, "decision_id": name})["decision_id"])
            except (URLError, OSError, ValueError):
                return

    def _post(self, path: str, body: Any) -> Any:
        request = Request(self.address + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        with urlopen(request, timeout=10) as answer:
            return json.load(answer)


def test_killing_the_service_loses_nothing_acknowledged_and_doubles_nothing(make_home: Callable[[], Any]) -> None:
    home = make_home()
    home.ingest()
    home.run("materialize")
    settings = load_settings(home=home.path)
    rng = np.random.default_rng(5)
    callers = [_killed_while_called(settings, round_, float(rng.uniform(0.5, 2.5))) for round_ in range(KILLS)]
    posted = [name for caller in callers for name in caller.posted]
    decided = [name for caller in callers for name in caller.decided]
    assert len(posted) > 10 and len(decided) > 10
    journal = Journal(settings.effective_journal_url)
    kept = [interaction.message_id for _, interaction in journal.interactions_after(CUSTOMER, 0)]
    assert len(kept) == len(set(kept)) and set(posted) <= set(kept)
    assert all(journal.decision(name) is not None for name in decided)
    home.run("materialize")
    home.run("materialize")
    rows = home.lake_rows("interactions", "message_id")
    assert sorted(name for name in rows if name.startswith("kill-")) == sorted(kept)


def _killed_while_called(settings: Any, round_: int, seconds: float) -> Caller:
    port = launch.free_port(0)
    server = launch.service(settings, port=port)
    process = subprocess.Popen(
        server.command.arguments,
        env=server.command.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    caller, stopped = Caller(f"http://127.0.0.1:{port}", round_), threading.Event()
    try:
        launch.wait_until_ready(server, process, "the log")
        thread = threading.Thread(target=caller.run, args=(stopped,))
        thread.start()
        stopped.wait(seconds)
    finally:
        workers = psutil.Process(process.pid).children(recursive=True)
        for each in (process, *workers):
            os.kill(each.pid, signal.SIGKILL)
        process.wait()
    stopped.set()
    thread.join(30)
    return caller
