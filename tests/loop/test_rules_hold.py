"""Eight processes decide for the same customers and out of the same budgets at once, and no rule is ever broken."""

import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from features.settings import Settings
from features.workspace import Workspace

WORKERS, QUESTIONS, CUSTOMERS = 8, 60, 32
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
CATALOGUE = """
[objective]
window_days = 14

[[caps]]
limit = 2
days = 1
channel = "email"

[[caps]]
limit = 3
days = 7

[[cooldowns]]
hours = 1
channel = "sms"

[[exclusions]]
touchpoints = ["mail.offer", "call.adviser"]
days = 30

[[budgets]]
channel = "call"
contacts = 5
paced = false

[[budgets]]
channel = "sms"
money = 0.3
paced = false

[[quiet_hours]]
channel = "push"
start = 13:00:00
end = 20:00:00
"""
COSTS = {"email.news": 0.0, "email.cart": 0.0, "sms.hint": 0.07, "mail.offer": 0.0, "call.adviser": 0.0, "push.hint": 0.0}
WORKER = """
import sys
from datetime import datetime, timedelta
from pathlib import Path
from features.settings import Settings
from features.workspace import Workspace
from serving.assembly import assemble
from serving.deciding.compose import Question

home, worker, questions, customers = Path(sys.argv[1]), *map(int, sys.argv[2:5])
start = datetime.fromisoformat(sys.argv[5])
decider = assemble(Workspace(Settings(home=home))).decider
print("ready", flush=True)
sys.stdin.readline()
for number in range(questions):
    at = start + timedelta(minutes=(7 * number + 11 * worker) % 360)
    customer = f"customer-{(5 * number + worker) % customers}"
    decider.decide(Question(decision_id=f"{worker}/{number}", customer_id=customer, at=at), now=at)
print("done", flush=True)
"""


@pytest.fixture(scope="module")
def decisions(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The records of all that the workers decided, in the order in which they were taken."""
    home = tmp_path_factory.mktemp("rules")
    touchpoints = (
        f'[[touchpoints]]\nname = "{name}"\nstage = "purchase"\nrecommendable = true\ncost = {cost}\nprior_uplift = 0.01\n'
        for name, cost in COSTS.items()
    )
    (home / "catalogue.toml").write_text(CATALOGUE + "".join(touchpoints), encoding="utf-8")
    workspace = Workspace(Settings(home=home))
    workspace.store.apply()
    workspace.journal.create()
    _work(home)
    records = [json.loads(each.record) for each in workspace.journal.decisions_since(NOON - timedelta(days=1))]
    assert len(records) == WORKERS * QUESTIONS
    return records


def _work(home: Path) -> None:
    arguments = [str(QUESTIONS), str(CUSTOMERS), NOON.isoformat()]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(home), str(worker), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for worker in range(WORKERS)
    ]
    for worker in workers:
        assert worker.stdout is not None and worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        assert worker.communicate(timeout=200)[0] == "done\n" and worker.returncode == 0


def contacts(decisions: list[dict[str, Any]], *, channel: str = "") -> dict[str, list[tuple[datetime, str]]]:
    """Of every customer, when and where they were contacted."""
    found: dict[str, list[tuple[datetime, str]]] = {}
    for record in decisions:
        if record["chosen"] != "none" and record["chosen"].startswith(channel):
            found.setdefault(record["customer_id"], []).append((datetime.fromisoformat(record["at"]), record["chosen"]))
    return {customer: sorted(sent) for customer, sent in found.items()}


def most_within(times: list[datetime], window: timedelta) -> int:
    return max(sum(start <= time < start + window for time in times) for start in times)


def test_every_touchpoint_was_tried_and_often_held_back(decisions: list[dict[str, Any]]) -> None:
    chosen = Counter(record["chosen"] for record in decisions)
    assert set(chosen) == {"none", *COSTS}
    stages = Counter(each["stage"] for record in decisions for each in record["candidates"])
    assert {"contacts", "quiet_hours", "budget"} <= set(stages)


@pytest.mark.parametrize(("channel", "limit", "days"), [("email", 2, 1), ("", 3, 7)])
def test_caps_hold(decisions: list[dict[str, Any]], channel: str, limit: int, days: int) -> None:
    most = [most_within([at for at, _ in sent], timedelta(days=days)) for sent in contacts(decisions, channel=channel).values()]
    assert max(most) == limit


def test_a_cooldown_holds(decisions: list[dict[str, Any]]) -> None:
    for sent in contacts(decisions, channel="sms").values():
        assert all(later - earlier >= timedelta(hours=1) for (earlier, _), (later, _) in pairwise(sent))


def test_touchpoints_that_exclude_one_another_never_meet_at_one_customer(decisions: list[dict[str, Any]]) -> None:
    for sent in contacts(decisions).values():
        assert len({name for _, name in sent} & {"mail.offer", "call.adviser"}) <= 1


def test_the_capacity_and_the_budget_of_a_day_are_used_up_and_never_exceeded(decisions: list[dict[str, Any]]) -> None:
    chosen = Counter(record["chosen"] for record in decisions)
    assert chosen["call.adviser"] == 5
    assert chosen["sms.hint"] == 4  # 4 x 0.07 = 0.28; a fifth would be 0.35


def test_nobody_is_disturbed_in_quiet_hours(decisions: list[dict[str, Any]]) -> None:
    for sent in contacts(decisions, channel="push").values():
        assert all(at < NOON + timedelta(hours=1) for at, _ in sent)


def test_what_was_chosen_was_eligible_and_had_the_probability_that_is_logged(decisions: list[dict[str, Any]]) -> None:
    for record in decisions:
        eligible = [each for each in record["candidates"] if each["eligible"]]
        assert record["chosen"] in {each["touchpoint"] for each in eligible}
        assert sum(each["probability"] for each in eligible) == pytest.approx(1.0)
        assert all(each["probability"] == 0.0 for each in record["candidates"] if not each["eligible"])
