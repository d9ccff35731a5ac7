"""An answer that does not begin in time is given in the application's place; one that has begun may take its time."""

import asyncio
import time
from typing import Any

import anyio.to_thread
import httpx
import pytest

from serving.http.deadline import Deadline

SOON, LONG = 0.05, 0.3


async def hung(scope: Any, receive: Any, send: Any) -> None:
    await asyncio.sleep(60.0)


async def hung_in_a_thread(scope: Any, receive: Any, send: Any) -> None:
    await anyio.to_thread.run_sync(time.sleep, LONG)
    await _answer(send)


async def begun_in_time(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the first, ", "more_body": True})
    await asyncio.sleep(LONG)
    await send({"type": "http.response.body", "body": b"and the last"})


async def failing(scope: Any, receive: Any, send: Any) -> None:
    raise TimeoutError("of its own")


async def quick(scope: Any, receive: Any, send: Any) -> None:
    await _answer(send)


async def _answer(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


def asked(app: Any, path: str = "/v1/recommend", *, seconds: float = SOON) -> tuple[httpx.Response, float]:
    """The answer, and after how many seconds it came."""

    async def ask() -> tuple[httpx.Response, float]:
        transport = httpx.ASGITransport(Deadline(app, seconds=seconds))
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as caller:
            started = time.perf_counter()
            answer = await caller.post(path)
            return answer, time.perf_counter() - started

    return asyncio.run(ask())


def test_who_waits_in_vain_hears_so() -> None:
    answer, _ = asked(hung)
    assert (answer.status_code, answer.headers["content-type"]) == (504, "application/problem+json")
    assert answer.json()["type"] == "/problems/timed-out" and "0.05 s" in answer.json()["detail"]
    assert "error" in asked(hung, "/personalizer/v1.0/rank")[0].json()


def test_a_thread_that_hangs_keeps_nobody_waiting() -> None:
    sent: list[tuple[str, float]] = []

    async def run() -> None:
        started = time.perf_counter()

        async def send(message: Any) -> None:
            sent.append((message["type"], time.perf_counter() - started))

        scope = {"type": "http", "method": "POST", "path": "/x", "headers": []}
        await Deadline(hung_in_a_thread, seconds=SOON)(scope, None, send)  # type: ignore[arg-type]

    asyncio.run(run())
    assert [kind for kind, _ in sent] == ["http.response.start", "http.response.body"]  # and nothing of the thread's own answer
    assert max(at for _, at in sent) < LONG


def test_what_has_begun_is_sent_to_its_end() -> None:
    answer, seconds = asked(begun_in_time)
    assert (answer.status_code, answer.text) == (200, "the first, and the last")
    assert seconds >= LONG


def test_an_application_that_fails_by_itself_does_so() -> None:
    with pytest.raises(TimeoutError, match="of its own"):
        asked(failing)


def test_a_call_that_is_given_up_is_given_up() -> None:
    async def run() -> None:
        scope = {"type": "http", "method": "POST", "path": "/x", "headers": []}
        task = asyncio.ensure_future(Deadline(hung, seconds=60.0)(scope, None, None))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())


def test_nothing_is_left_of_a_request_that_was_answered() -> None:
    async def left() -> int:
        transport = httpx.ASGITransport(Deadline(quick, seconds=60.0))
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as caller:
            assert (await caller.post("/x")).text == "done"
        timers = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
        return sum(not timer.cancelled() for timer in timers)

    assert asyncio.run(left()) == 0
