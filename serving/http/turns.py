"""Who is answered on the event loop, one after the other: a burst waits its turn, what would be a standing queue is turned away.

A queue that goes away by itself is a burst: a pause, or many pages opened at once. One that does not is demand beyond capacity:
however long it is, it only makes everybody wait, so it is kept short.

References
----------
B. Maurer (2015). Fail at Scale. ACM Queue 13(8): a short limit for queues that have not been empty for a while, a long one else.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic
from types import TracebackType

from serving.http.problems import OVERLOADED, ProblemError

MOST = 16
"""Questions at a time, of about a millisecond each, once there have been more for longer than a burst."""

MOST_IN_A_BURST = 64
_BURST_SECONDS = 0.1
_CALM_SECONDS = 0.5


class Turns:
    """An asynchronous context: within it a question is counted; entering waits until those before it were begun.

    Parameters
    ----------
    clock : seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._number = 0
        self._line: deque[asyncio.Future[None]] = deque()
        self._pressed_since = self._pressed_last = clock() - 2 * _CALM_SECONDS

    async def __aenter__(self) -> None:
        """Count the question.

        Raises
        ------
        ProblemError
            `overloaded`.
        """
        if self.are_taken():
            raise ProblemError(OVERLOADED, f"{self._number} questions are being answered; try again in a moment")
        self._number += 1
        if self._number > 1:
            await self._wait_in_line()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Count it no more."""
        self._number -= 1

    def are_taken(self) -> bool:
        """Whether the next question would be turned away."""
        return self._number >= MOST and (self._number >= MOST_IN_A_BURST or self._is_pressed_for_long())

    def _is_pressed_for_long(self) -> bool:
        """Whether more than `MOST` have been coming for longer than a burst, never with a calm in between."""
        now = self._clock()
        if now - self._pressed_last > _CALM_SECONDS:
            self._pressed_since = now
        self._pressed_last = now
        return now - self._pressed_since > _BURST_SECONDS

    async def _wait_in_line(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        if len(self._line) == 1:
            self._call_soon()
        try:
            await turn
        except BaseException:
            self._number -= 1
            raise

    def _call_soon(self) -> None:
        asyncio.get_running_loop().call_soon(self._call_next)

    def _call_next(self) -> None:
        """One at a time, so that between two the loop reads what has come, and sends what is done."""
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                turn.set_result(None)
                break
        if self._line:
            self._call_soon()
