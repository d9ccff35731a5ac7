"""A burst waits its turn; what stands is turned away."""

import asyncio

import pytest

from serving.http.problems import ProblemError
from serving.http.turns import MOST, MOST_IN_A_BURST, Turns


class Clock:
    """Seconds that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


async def _enter(turns: Turns, number: int) -> int:
    """So many come at once and stay; how many were let in."""

    async def one() -> bool:
        try:
            await turns.__aenter__()
        except ProblemError as problem:
            assert problem.response().status_code == 503 and problem.response().headers["retry-after"] == "1"
            return False
        return True

    return sum(await asyncio.gather(*(one() for _ in range(number))))


async def _leave(turns: Turns, number: int) -> None:
    for _ in range(number):
        await turns.__aexit__(None, None, None)


def test_a_burst_is_let_in_up_to_its_limit_and_the_rest_are_told_when_to_come_back() -> None:
    assert asyncio.run(_enter(Turns(Clock()), 100)) == MOST_IN_A_BURST


def test_all_who_have_come_are_counted_before_any_is_worked_on() -> None:
    async def counted() -> list[int]:
        turns, seen = Turns(), []

        async def one() -> None:
            async with turns:
                seen.append(turns._number)
                await asyncio.sleep(0.01)  # its record is written

        await asyncio.gather(*(one() for _ in range(10)))
        return seen

    assert asyncio.run(counted()) == [1, *[10] * 9]  # the first finds nobody to wait for


def test_a_queue_that_stands_is_kept_short_and_a_burst_after_a_while_is_not() -> None:
    async def let_in() -> list[int]:
        clock, found = Clock(), []
        turns = Turns(clock)
        for _ in range(8):
            found.append(await _enter(turns, 40))
            await _leave(turns, found[-1])
            clock.now += 0.05
        clock.now += 1.0
        return [*found, await _enter(turns, 40)]

    assert asyncio.run(let_in()) == [40, 40, 40, MOST, MOST, MOST, MOST, MOST, 40]


def test_as_many_as_may_be_at_a_time_are_never_turned_away() -> None:
    async def let_in() -> set[int]:
        clock, found = Clock(), set()
        turns = Turns(clock)
        for _ in range(100):
            found.add(await _enter(turns, MOST))
            await _leave(turns, MOST)
            clock.now += 0.05
        return found

    assert asyncio.run(let_in()) == {MOST}


def test_who_gives_up_while_waiting_is_counted_no_more() -> None:
    async def number() -> int:
        turns = Turns()
        await turns.__aenter__()
        waiting = asyncio.ensure_future(turns.__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return turns._number

    assert asyncio.run(number()) == 1
