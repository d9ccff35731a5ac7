"""A question gets the same answer on the event loop and in a worker thread, and is refused in the same words."""

import asyncio
from typing import Any

import httpx
import pytest

from serving.http.application import create_application
from serving.http.metrics import Metrics

QUESTIONS = (
    {"customer_id": "ann"},
    {"customer_id": "ann", "limit": 3},
    {"customer_id": "nobody-knows"},
    {"customer_id": "zoe", "candidates": ["mail.offer"], "exclude": ["email.news"]},
    {"identifiers": {"email": "ann@example.org"}},
    {"customer_id": "ann", "context": {"timezone": "Europe/Berlin", "weather": "rain"}},
    {"customer_id": "ann", "at": "2026-01-31T11:30:00Z"},
    {"customer_id": "ann", "candidates": ["no.such"]},
    {"customer_id": "ann", "at": "2031-01-01T00:00:00Z"},
    {"customer_id": "ann", "limit": 0},
    {"customer_id": "ann", "unknown": 1},
    {},
)


def _ask(app: Any, body: Any) -> httpx.Response:
    async def called() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as caller:
            return await caller.post("/v1/recommend", json=body)

    return asyncio.run(called())


@pytest.fixture
def both(bench: Any) -> tuple[Any, Any]:
    """The application as it is over files of this machine, and as over databases across a network."""

    def made(is_local: bool) -> Any:
        metrics = Metrics()
        desk = bench.assembly.desk(metrics, clock=bench.clock)
        desk.is_local = is_local
        return create_application(desk, metrics, bench.workspace.settings)

    return made(True), made(False)


@pytest.mark.parametrize("dry_run", [True, False])
def test_the_same_question_gets_the_same_answer_wherever_it_is_answered(both: tuple[Any, Any], dry_run: bool) -> None:
    for number, question in enumerate(QUESTIONS):
        asked = {**question, "decision_id": f"d{number}", "dry_run": dry_run}
        on_the_loop, in_a_thread = (_ask(app, asked) for app in both)
        assert (on_the_loop.status_code, on_the_loop.content) == (in_a_thread.status_code, in_a_thread.content), question


def test_a_decision_id_that_was_used_for_another_question_is_refused_on_the_loop(both: tuple[Any, Any]) -> None:
    assert _ask(both[0], {"customer_id": "ann", "decision_id": "d"}).status_code == 200
    refused = _ask(both[0], {"customer_id": "zoe", "decision_id": "d"})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/decision-conflict")


def test_what_takes_longer_is_answered_as_well(both: tuple[Any, Any]) -> None:
    seen = {"touchpoint": "store.checkout", "kind": "visit"}
    for body in ({"customer_id": "ann", "slots": 2}, {"customer_id": "ann", "interactions": [seen]}, [{"customer_id": "ann"}]):
        assert _ask(both[0], body).status_code == 200, body
    assert len(_ask(both[0], {"customers": ["ann", "zoe"]}).json()) == 2


def test_many_questions_at_once_are_each_answered_and_recorded(both: tuple[Any, Any], bench: Any) -> None:
    async def all_at_once() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(both[0]), base_url="http://service") as caller:
            asked = [{"customer_id": f"c{number}", "decision_id": f"d{number}"} for number in range(30)]
            return list(await asyncio.gather(*(caller.post("/v1/recommend", json=each) for each in asked)))

    answers = asyncio.run(all_at_once())
    assert {answer.status_code for answer in answers} == {200}
    assert all(bench.workspace.journal.decision(f"d{number}") is not None for number in range(30))
