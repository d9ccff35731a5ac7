"""Slates: several touchpoints delivered together, drawn one after the other, each a decision of its own.

What earlier slots chose counts for the rules of later ones as if it had been sent already, and is not chosen again. So no rule is
broken within a slate, and the probability of each slot is exact given the slots before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import takewhile
from typing import Any

from features.domain import NONE, Contact
from serving.deciding.answer import Answer, answer_of
from serving.deciding.compose import Question
from serving.deciding.decide import Decider
from serving.deciding.record import DecisionRecord, SlatePlace
from serving.deciding.steps import Steps


@dataclass(frozen=True, slots=True)
class Slot:
    """One of the touchpoints asked for; `place` is None where only one was, and not as a slate."""

    decision_id: str
    place: SlatePlace | None


def slots_of(decision_id: str, *, slots: int | None, placements: Sequence[str] | None) -> tuple[Slot, ...]:
    """What a question asks for; the first slot has the question's own id, the others that and their number.

    >>> [slot.decision_id for slot in slots_of("d", slots=3, placements=None)]
    ['d', 'd/2', 'd/3']
    """
    if slots is None and placements is None:
        return (Slot(decision_id, None),)
    return tuple(
        Slot(
            decision_id if number == 1 else f"{decision_id}/{number}",
            SlatePlace(id=decision_id, slot=number, placement=placement),
        )
        for number, placement in enumerate(placements or [None] * (slots or 1), start=1)
    )


def earlier_slots(decider: Decider, slots: Sequence[Slot], request: Mapping[str, Any]) -> list[DecisionRecord]:
    """The records of the slots that were decided before for the same question: all, or where it broke off, the first ones.

    Raises
    ------
    DecisionConflictError
        When the id of any slot was used for a different question: none is decided for an answer that cannot be given.
    """
    known = [decider.earlier(slot.decision_id, request) for slot in slots]
    return [record for record in takewhile(bool, known) if record]


def deciding_slots(
    decider: Decider, question: Question, slots: Sequence[Slot], earlier: Sequence[DecisionRecord], *, now: datetime
) -> Steps[list[DecisionRecord]]:
    """The steps of deciding the slots that are not decided yet, in order, which give their records.

    Raises
    ------
    RequestError, DecisionConflictError, ContentionError
        As `Decider.decide`; slots decided until then stay, and asking again completes the slate.
    """
    known = list(earlier)
    for slot in slots[len(earlier) :]:
        known.append((yield from decider.deciding(_of_slot(question, slot, known), now=now)))
    return known[len(earlier) :]


def slate_answer(records: Sequence[DecisionRecord]) -> Answer:
    """The reply: that of the first slot, with the recommendations of all."""
    return replace(answer_of(records[0]), recommendations=tuple(each for record in records for each in record.recommendations))


def _of_slot(question: Question, slot: Slot, before: Sequence[DecisionRecord]) -> Question:
    if slot.place is None:
        return question
    sent = [record for record in before if record.chosen != NONE]
    uncounted = sent if question.dry_run or question.deferred else []
    return replace(
        question,
        decision_id=slot.decision_id,
        slate=replace(slot.place, before=tuple(record.chosen for record in sent)),
        contacts=tuple(Contact(record.chosen, record.at) for record in uncounted),
        posted=() if before else question.posted,
    )
