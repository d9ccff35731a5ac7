"""The steps of a decision, run by a thread that waits or by an event loop that serves others meanwhile: the same comes out."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from features.errors import DecisionConflictError, RequestError
from serving.deciding.compose import Question
from serving.deciding.record import DecisionRecord
from serving.deciding.steps import awaited

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def ask(number: int, **more: Any) -> Question:
    return Question(customer_id="ann", decision_id=f"d{number}", request={"customer_id": "ann", "number": number}, **more)


def soon(bench: Any, *questions: Question) -> list[DecisionRecord | BaseException]:
    """The answers of one event loop to questions that come at once."""

    async def all_of_them() -> list[DecisionRecord | BaseException]:
        decider, journal = bench.assembly.decider, bench.workspace.journal
        steps = (awaited(decider.deciding(question, now=NOW), journal) for question in questions)
        return await asyncio.gather(*steps, return_exceptions=True)

    return asyncio.run(all_of_them())


def test_an_event_loop_gets_the_decision_that_a_waiting_thread_gets(bench: Any) -> None:
    (record,) = soon(bench, ask(1))
    again = bench.assembly.decider.decide(replace(ask(1), dry_run=True), now=NOW)
    assert bench.workspace.journal.decision("d1").record is not None
    assert (record.draw, record.customer_id, record.features) == (again.draw, again.customer_id, again.features)


def test_questions_that_an_event_loop_answers_at_once_keep_to_a_cap_of_one_contact(bench: Any) -> None:
    records = soon(bench, *(ask(number) for number in range(20)))
    assert sum(record.chosen != "none" for record in records) == 1
    assert all(bench.workspace.journal.decision(f"d{number}") for number in range(20))


def test_what_is_wrong_with_one_question_troubles_no_other(bench: Any) -> None:
    conflicting = replace(ask(1), request={"customer_id": "ann", "number": 99})
    good, conflict, bad = soon(bench, ask(1), conflicting, ask(2, candidates=("mail.unknown",)))
    assert isinstance(good, DecisionRecord)
    assert isinstance(conflict, DecisionConflictError)
    assert isinstance(bad, RequestError)


def test_an_answer_that_a_caller_did_not_wait_for_is_kept_all_the_same(bench: Any) -> None:
    async def left() -> None:
        decider, journal = bench.assembly.decider, bench.workspace.journal
        waiting = asyncio.ensure_future(awaited(decider.deciding(ask(7), now=NOW), journal))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(left())
    (record,) = soon(bench, ask(7))
    assert isinstance(record, DecisionRecord)
