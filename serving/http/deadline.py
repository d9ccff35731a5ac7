"""A last resort: who waits for an answer that does not even begin, hears so."""

import asyncio
import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.http.guard import response_of
from serving.http.problems import TIMED_OUT, ProblemError

LOG = logging.getLogger(__name__)


class Deadline:
    """An ASGI middleware that answers in the application's place when that has not begun to in time, and cancels it.

    What has begun may take as long as it takes: an export is sent while it is read.

    Parameters
    ----------
    seconds : until an answer has to begin.
    """

    def __init__(self, app: ASGIApp, *, seconds: float) -> None:
        self.app = app
        self._seconds = seconds
        self._answering: set[asyncio.Task[None]] = set()  # the event loop itself forgets tasks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and watch the time."""
        task = asyncio.current_task()
        if scope["type"] != "http" or task is None:
            await self.app(scope, receive, send)
            return
        is_late = False

        def answer_instead() -> None:
            nonlocal is_late
            is_late = True
            LOG.error("%s %s: no answer began within %g s", scope["method"], TIMED_OUT.name, self._seconds)
            problem = ProblemError(TIMED_OUT, f"no answer began within {self._seconds:g} s; repeat the call with the same ids")
            answering = asyncio.ensure_future(response_of(problem, scope["path"])(scope, receive, send))
            self._answering.add(answering)
            answering.add_done_callback(self._answering.discard)
            task.cancel()  # a thread that works for it goes on, and nobody listens

        timer = asyncio.get_running_loop().call_later(self._seconds, answer_instead)

        async def send_in_time(message: Message) -> None:
            if not is_late:
                timer.cancel()
                await send(message)

        try:
            await self.app(scope, receive, send_in_time)
        except asyncio.CancelledError:
            if not is_late:
                raise
        finally:
            timer.cancel()
