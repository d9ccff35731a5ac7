"""Decisions that are submitted are recorded as those that are appended, by a thread of the journal's own."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import event

from features.errors import DecisionConflictError, StoreError
from features.journal import Journal, ProposedDecision, RecordedDecision, VolumeLimit

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def decision(decision_id: str, customer_id: str = "ann", *, request_hash: str = "q") -> RecordedDecision:
    return RecordedDecision(
        decision_id=decision_id,
        customer_id=customer_id,
        touchpoint="mail.a",
        at=AT,
        request_hash=request_hash,
        record="{}",
        candidates=("none", "mail.a"),
        probability=0.5,
    )


def at_most(contacts: float) -> VolumeLimit:
    half = timedelta(hours=12)
    return VolumeLimit(weights={"mail.a": 1.0}, since=AT - half, until=AT + half, at_most=contacts)


def submit(journal: Journal, *given: Any, seen: int | None = None, **basis: Any) -> Future[bool]:
    return journal.submit_decision(ProposedDecision(decision=decision(*given), contacts_seen=seen, **basis))


def writers() -> list[Thread]:
    return [each for each in threading.enumerate() if each.name == "journal"]


@contextmanager
def busy(journal: Journal) -> Iterator[None]:
    """Inside, somebody else is writing."""
    begun, go_on = Event(), Event()

    def slow(connection: object, items: object) -> list[None]:
        begun.set()
        go_on.wait(20)
        return [None]

    other = Thread(target=lambda: journal._group.run(slow, [None]))
    other.start()
    begun.wait(20)
    try:
        yield
    finally:
        go_on.set()
        other.join()


def test_a_submitted_decision_is_recorded_as_an_appended_one(journal: Journal) -> None:
    assert submit(journal, "d1", seen=0, identifiers=["ann"], consents_seen=0, limits=[at_most(2)]).result(20)
    assert journal.decision("d1") == decision("d1")
    assert journal.contacts_of(["ann"], AT).seen == 1
    assert not submit(journal, "d2", seen=0).result(20), "ann was contacted since"
    assert not submit(journal, "d3", "bob", identifiers=["bob", "cookie"]).result(20)
    assert not submit(journal, "d4", "bob", consents_seen=1).result(20)
    assert submit(journal, "d5", "bob", limits=[at_most(2)]).result(20)
    assert not submit(journal, "d6", "eve", limits=[at_most(2)]).result(20)
    assert submit(journal, "d1", seen=7).result(20), "it is there already"
    with pytest.raises(DecisionConflictError):
        journal.submit_decision(ProposedDecision(decision=decision("d1", request_hash="other"), contacts_seen=None)).result(20)
    assert [row.decision_id for row in journal.decisions_since(AT)] == ["d1", "d5"]


def test_those_that_wait_share_one_commit_with_those_who_append(journal: Journal) -> None:
    commits: list[object] = []
    with ThreadPoolExecutor(4) as pool:
        with busy(journal):
            event.listen(journal._database.engine, "commit", commits.append)
            submitted = [submit(journal, f"s{i}", f"s{i}") for i in range(10)]
            appended = [pool.submit(journal.append_decision, decision(f"a{i}", f"a{i}"), contacts_seen=0) for i in range(4)]
            while len(journal._group._waiting) < 14:
                Event().wait(0.001)
        assert all(each.result(20) for each in (*submitted, *appended))
    assert len(commits) == 2, "that of the one they waited for, and theirs"


def test_what_is_wrong_with_one_fails_no_other(journal: Journal) -> None:
    journal.append_decision(decision("d"), contacts_seen=None)
    with busy(journal):
        first = submit(journal, "d1", "c1")
        torn = submit(journal, "d2", "\ud800")
        conflict = journal.submit_decision(ProposedDecision(decision=decision("d", request_hash="other"), contacts_seen=None))
        last = submit(journal, "d3", "c3")
    assert (first.result(20), last.result(20)) == (True, True)
    assert isinstance(torn.exception(20), StoreError)
    assert isinstance(conflict.exception(20), DecisionConflictError)
    assert [each.decision_id for each in journal.decisions_since(AT)] == ["d", "d1", "d3"]


def test_many_waiters_of_event_loops_beside_threads_lose_and_double_nothing(journal: Journal) -> None:
    limit = [at_most(100)]

    async def decide(loop: int, number: int) -> bool:
        return await asyncio.wrap_future(submit(journal, f"{loop}-{number}", f"c{number % 60}", limits=limit))

    async def all_of(loop: int) -> list[bool]:
        return await asyncio.gather(*(decide(loop, number) for number in range(60)))

    def append(number: int) -> bool:
        return journal.append_decision(decision(f"t-{number}", f"c{number}"), contacts_seen=None, limits=limit)

    with ThreadPoolExecutor(8) as pool:
        loops = [pool.submit(asyncio.run, all_of(loop)) for loop in range(2)]
        recorded = [*pool.map(append, range(60)), *(each for loop in loops for each in loop.result(60))]
    assert (len(recorded), sum(recorded)) == (180, 100)
    assert len(list(journal.decisions_since(AT))) == 100
    assert journal.volume({"mail.a": 1.0}, limit[0].since, limit[0].until) == 100


def test_a_waiter_that_is_cancelled_takes_nothing_from_the_others(journal: Journal) -> None:
    async def waited() -> list[Any]:
        with busy(journal):
            waiters = [asyncio.ensure_future(asyncio.wrap_future(submit(journal, f"d{i}", f"c{i}"))) for i in range(5)]
            await asyncio.sleep(0)
            waiters[2].cancel()
            await asyncio.sleep(0.01)
        return await asyncio.gather(*waiters, return_exceptions=True)

    results = asyncio.run(waited())
    assert [each is True for each in results] == [True, True, False, True, True]
    assert isinstance(results[2], asyncio.CancelledError)
    assert journal.decision("d2") is not None, "it was on its way, and nobody was told that it was not recorded"


def test_closing_completes_what_was_submitted_and_ends_the_thread(journal: Journal) -> None:
    before = len(writers())
    submitted = [submit(journal, f"d{i}", f"c{i}") for i in range(50)]
    assert len(writers()) == before + 1
    journal.close()
    assert all(each.done() and each.result() for each in submitted)
    assert len(writers()) == before
    assert submit(journal, "late", "late").result(20), "the next one starts anew"
    journal.close()
    journal.close()
    assert len(writers()) == before


def test_nobody_who_only_appends_has_a_thread(journal: Journal) -> None:
    before = len(writers())
    journal.append_decision(decision("d1"), contacts_seen=None)
    assert len(writers()) == before


def test_an_interrupted_turn_is_told_and_the_next_submission_works(journal: Journal) -> None:
    def interrupted(connection: object, items: object) -> list[None]:
        raise SystemExit

    with busy(journal):
        first = journal._group.submit(interrupted, None)
        second = submit(journal, "d1")
    for each in (first, second):
        assert "interrupted" in str(each.exception(20))
    assert submit(journal, "d1").result(20)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_forked_process_submits_by_a_thread_and_connections_of_its_own(journal: Journal) -> None:
    assert submit(journal, "parent", "p").result(20)
    with busy(journal):
        child = _forked(lambda: submit(journal, "child", "c").result(20))
    assert _exit_code(child) == 0
    assert submit(journal, "after", "p").result(20)
    assert {each.decision_id for each in journal.decisions_since(AT)} == {"parent", "child", "after"}


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_sqlite_is_opened_by_a_forked_process_only_where_its_parent_had_not(journal: Journal, url: str) -> None:
    unopened = Journal(url)
    journal.close()
    opened = Journal(url)
    opened.head()

    def is_refused() -> bool:
        error = submit(opened, "d1").exception(20)
        return isinstance(error, StoreError) and "forked" in str(error)

    assert _exit_code(_forked(is_refused)) == 0
    opened.close()
    assert _exit_code(_forked(lambda: submit(unopened, "d2").result(20))) == 0
    assert journal.decision("d2") is not None and journal.decision("d1") is None


def _forked(work: Callable[[], bool]) -> int:
    """The id of a process whose exit code is 0 when the work gave True."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return child


def _exit_code(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
