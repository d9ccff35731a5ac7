"""Calls of many threads share commits, and nothing else: each gets its own receipts or its own error."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Barrier, Event, Thread

import pytest
from sqlalchemy import Connection, event

from features.domain import Interaction, Kind, Outcome
from features.errors import DecisionConflictError, StoreError, TouchpointError
from features.journal import Journal, RecordedDecision

AT = datetime(2026, 3, 1, tzinfo=UTC)


def interaction(message_id: str, customer_id: str = "ann") -> Interaction:
    return Interaction(
        message_id=message_id,
        customer_id=customer_id,
        touchpoint="web.page",
        kind=Kind.VIEW,
        at=AT,
        received_at=AT,
        source="app",
    )


def outcome(message_id: str) -> Outcome:
    return Outcome(message_id=message_id, decision_id="d", kind=Kind.CLICK, at=AT, received_at=AT, source="app")


def decision(request_hash: str) -> RecordedDecision:
    return RecordedDecision(
        decision_id="d",
        customer_id="ann",
        touchpoint="none",
        at=AT,
        request_hash=request_hash,
        record="{}",
        candidates=("none",),
        probability=1.0,
    )


def commits(journal: Journal) -> list[Connection]:
    """Fills up with the commits from now on."""
    seen: list[Connection] = []
    event.listen(journal._database.engine, "commit", seen.append)
    return seen


@contextmanager
def waiting(journal: Journal, count: int) -> Iterator[None]:
    """Inside, somebody is writing; at its end this one waits for so many others to queue up, and lets them go."""
    begun, go_on = Event(), Event()

    def slow(connection: Connection, items: object) -> list[None]:
        begun.set()
        go_on.wait(20)
        return [None]

    group = journal._group
    writer = Thread(target=lambda: group.run(slow, [None]))
    writer.start()
    begun.wait(20)
    try:
        yield
        while len(group._waiting) < count:
            Event().wait(0.001)
    finally:
        go_on.set()
        writer.join()


def test_calls_that_wait_share_one_commit_and_each_gets_its_own_receipts(journal: Journal) -> None:
    calls = [[interaction(f"m{i}"), interaction("same"), interaction(f"n{i}")] for i in range(20)]
    with ThreadPoolExecutor(20) as pool:
        with waiting(journal, 20):
            seen = commits(journal)
            answers = [pool.submit(journal.append_interactions, call) for call in calls]
        receipts = [answer.result(20) for answer in answers]
    assert len(seen) == 2, "that of the one they waited for, and theirs"
    assert [[each.message_id for each in own] for own in receipts] == [[each.message_id for each in call] for call in calls]
    stored = {each.message_id: position for position, each in journal.rows_after("interactions", 0, 100)}
    assert len(stored) == 41
    assert all(stored[each.message_id] == each.position for own in receipts for each in own)
    assert sum(each.status == "accepted" for own in receipts for each in own) == 41


def test_what_is_wrong_with_one_fails_no_other(journal: Journal) -> None:
    journal.append_decision(decision("q"), contacts_seen=None)

    def outcome_of(call: object) -> object:
        try:
            return call()  # type: ignore[operator]
        except TouchpointError as error:
            return type(error)

    calls = [
        lambda: journal.append_interactions([interaction("m1")])[0].status,
        lambda: journal.append_interactions([interaction("m2"), interaction("m3", "\ud800")]),
        lambda: journal.append_decision(decision("another question"), contacts_seen=None),
        lambda: journal.append_outcomes([outcome("o1")])[0].status,
        lambda: journal.append_decision(decision("q"), contacts_seen=None),
        lambda: journal.append_interactions([interaction("m4")])[0].status,
    ]
    with ThreadPoolExecutor(len(calls)) as pool:
        with waiting(journal, len(calls)):
            answers = [pool.submit(outcome_of, call) for call in calls]
        results = [answer.result(20) for answer in answers]
    assert results == ["accepted", StoreError, DecisionConflictError, "accepted", True, "accepted"]
    assert {each.message_id for _, each in journal.rows_after("interactions", 0, 9)} == {"m1", "m4"}


def test_a_single_caller_commits_by_itself(journal: Journal) -> None:
    seen = commits(journal)
    for number in range(5):
        journal.append_interactions([interaction(f"m{number}")])
    assert len(seen) == 5


def test_a_transaction_has_an_end_however_many_wait(journal: Journal) -> None:
    with ThreadPoolExecutor(6) as pool:
        with waiting(journal, 6):
            seen = commits(journal)
            answers = [
                pool.submit(journal.append_interactions, [interaction(f"{caller}-{i}") for i in range(900)])
                for caller in range(6)
            ]
        assert {receipt.status for answer in answers for receipt in answer.result(30)} == {"accepted"}
    assert len(seen) == 1 + 3
    assert journal.head() == 5400


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_when_the_disk_refuses_everybody_hears_of_it_and_the_next_call_works(journal: Journal) -> None:
    def refuse(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")

    event.listen(journal._database.engine, "begin", refuse)
    big = [interaction(f"m{i}", "c" * 200) for i in range(2000)]
    with ThreadPoolExecutor(4) as pool:
        with waiting(journal, 4):
            answers = [pool.submit(journal.append_interactions, big[i::4]) for i in range(4)]
        failures = [answer.exception(20) for answer in answers]
    assert all(isinstance(each, StoreError) and "full" in str(each) for each in failures)
    event.remove(journal._database.engine, "begin", refuse)
    journal.close()  # the limit is the connection's
    assert {each.status for each in journal.append_interactions(big)} == {"accepted"}


def test_an_interrupted_writer_leaves_the_others_their_turn(journal: Journal) -> None:
    def interrupted(connection: Connection, items: object) -> list[None]:
        raise KeyboardInterrupt

    with ThreadPoolExecutor(2) as pool:
        with waiting(journal, 2):
            first = pool.submit(journal._group.run, interrupted, [1])
            while not journal._group._waiting:
                Event().wait(0.001)
            second = pool.submit(journal.append_interactions, [interaction("m1")])
        assert isinstance(first.exception(20), KeyboardInterrupt)
        with pytest.raises(StoreError, match="interrupted"):
            second.result(20)
    assert journal.append_interactions([interaction("m1")])[0].status == "accepted"


def test_many_threads_at_once_lose_and_double_nothing(journal: Journal) -> None:
    start = Barrier(16)

    def write(writer: int) -> list[str]:
        start.wait()
        sent = [[f"{writer}-{i}", f"shared-{i}"] for i in range(15)]
        return [
            f"{each.message_id} {each.position}"
            for ids in sent
            for each in journal.append_interactions([interaction(message_id) for message_id in ids])
            if each.status == "accepted"
        ]

    with ThreadPoolExecutor(16) as pool:
        accepted = [line for lines in pool.map(write, range(16)) for line in lines]
    stored = [f"{each.message_id} {position}" for position, each in journal.rows_after("interactions", 0, 1000)]
    assert sorted(accepted) == sorted(stored) and len(stored) == 16 * 15 + 15
