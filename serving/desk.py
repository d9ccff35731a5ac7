"""The desk behind the API: answers questions, and leads to who takes postings, and knows customers and decisions; no HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from time import perf_counter
from typing import Any
from uuid import uuid4

from pydantic import ValidationError

from features.catalogue import Catalogue
from features.domain import NONE, Interaction, Kind
from features.errors import RequestError, TouchpointError
from serving.customers import Customers, names_asked
from serving.deciding.answer import Answer
from serving.deciding.compose import Question
from serving.deciding.decide import Decider
from serving.deciding.record import DecisionRecord
from serving.deciding.slate import Slot, deciding_slots, earlier_slots, slate_answer, slots_of
from serving.deciding.steps import Steps, at_once, awaited
from serving.door import Person, without_addresses_in
from serving.http.metrics import Metrics
from serving.http.problems import ProblemError, problem_of, problem_of_validation
from serving.http.wire import PostedOutcome, RecommendManyRequest, RecommendRequest
from serving.looking_back.decisions import Decisions
from serving.personalizer.desk import PersonalizerDesk
from serving.taking.intake import Clock, interaction_from
from serving.taking.posting import Posting, check_number


class Desk:
    """Serves the calls of the API.

    Attributes
    ----------
    decisions : looks back at them.
    posting : takes what callers post.
    customers : knows customers.
    personalizer : ranks what is none of the catalogue's.
    is_local : whether all that a decision reads are files of this machine, so that nobody waits for a network.
    """

    def __init__(
        self,
        decider: Decider,
        decisions: Decisions,
        posting: Posting,
        customers: Customers,
        metrics: Metrics,
        personalizer: PersonalizerDesk,
        *,
        is_local: bool = False,
    ) -> None:
        self.decisions = decisions
        self.posting = posting
        self.customers = customers
        self.personalizer = personalizer
        self.is_local = is_local
        self._decider = decider
        self._catalogue = decider.catalogue
        self._metrics = metrics

    @property
    def currency(self) -> str:
        """Of all money in answers."""
        return self._catalogue.currency

    @property
    def catalogue(self) -> Catalogue:
        """The rules in force."""
        return self._catalogue

    def preview(self, asked: RecommendRequest) -> DecisionRecord:
        """The whole record of a dry run: what would be recommended now, and why; nothing is kept and nothing counted."""
        dry = asked.model_copy(update={"dry_run": True})
        persons = self._persons(dry)
        slots = slots_of(dry.decision_id or uuid4().hex, slots=None, placements=None)
        steps = self._deciding(dry, persons, _as_kept(dry, persons), slots, [])
        return at_once(steps, self._decider.journal)[0]

    def recommend(self, asked: RecommendRequest) -> Answer:
        """Answer one question; what was posted with it is recorded first."""
        return at_once(self._answering(asked), self._decider.journal)

    async def recommend_soon(self, asked: RecommendRequest) -> Answer:
        """Answer one question on an event loop, which is held up for as long as it takes to think, not to write.

        For questions with which nothing was posted, where all that is read lies on this machine.
        """
        return await awaited(self._answering(asked), self._decider.journal)

    def _answering(self, asked: RecommendRequest) -> Steps[Answer]:
        started = perf_counter()
        persons = self._persons(asked)
        request = _as_kept(asked, persons)
        slots = slots_of(asked.decision_id or uuid4().hex, slots=asked.slots, placements=asked.placements)
        records = [] if asked.decision_id is None else earlier_slots(self._decider, slots, request)
        if len(records) < len(slots):
            records += yield from self._deciding(asked, persons, request, slots, records)
        self._metrics.decision_seconds.observe(perf_counter() - started)
        return slate_answer(records)

    def recommend_many(self, items: Sequence[Any]) -> list[Answer | ProblemError]:
        """Answer many questions, each a JSON value as it came; a bad one gets its problem in its place.

        Raises
        ------
        ProblemError
            `invalid-request` when there are too many.
        """
        check_number(items)
        return [self._answer_or_problem(item) for item in items]

    def activate(self, decision_id: str) -> None:
        """Count the contact of a deferred decision, once; that of any other decision was counted already.

        Raises
        ------
        UnknownDecisionError
            When it was not taken here.
        """
        record = self.decisions.decision(decision_id)
        if record.deferred and record.chosen != NONE:
            message_id = f"activation:{sha256(decision_id.encode()).hexdigest()}"
            self.posting.outcome(PostedOutcome(message_id=message_id, decision_id=decision_id, kind=Kind.CONTACT))

    def _persons(self, asked: RecommendRequest) -> tuple[Person, ...]:
        """The customer asked about, and of each interaction the same one with the identifiers that it adds."""
        door = self.posting.door
        customer = door.person(asked.customer_id, asked.identifiers)
        own = (
            door.person(
                asked.customer_id, {**(asked.identifiers or {}), **(each.identifiers or {})}, field=f"/interactions/{index}"
            )
            if each.identifiers
            else customer
            for index, each in enumerate(asked.interactions)
        )
        return (customer, *own)

    def _deciding(
        self,
        asked: RecommendRequest,
        persons: Sequence[Person],
        request: Mapping[str, Any],
        slots: Sequence[Slot],
        earlier: Sequence[DecisionRecord],
    ) -> Steps[list[DecisionRecord]]:
        clock = self.posting.now()
        interactions = self._interactions(asked, persons[1:], clock)
        question = self._question(asked, persons[0], request, slots[0])
        if asked.dry_run:
            question = replace(question, unrecorded=interactions)
        elif not earlier:
            if interactions or len(slots) > 1:  # before anything is kept
                self._check(question, slots, now=clock.now)
            question = replace(question, posted=self.posting.recorded(interactions) if interactions else ())
        records = yield from deciding_slots(self._decider, question, slots, earlier, now=clock.now)
        if not asked.dry_run:
            for record in records:
                self._metrics.decisions.labels(record.chosen, record.fallback or "").inc()
        return records

    def _question(self, asked: RecommendRequest, person: Person, request: Mapping[str, Any], slot: Slot) -> Question:
        first, *others = names_asked(person, self.posting.door)
        return Question(
            decision_id=slot.decision_id,
            customer_id=first,
            identifiers=tuple(others),
            at=asked.at,
            candidates=asked.candidates,
            exclude=asked.exclude,
            limit=asked.limit,
            dry_run=asked.dry_run,
            deferred=asked.defer,
            slate=slot.place,
            context=request.get("context", {}),
            request=request,
        )

    def _check(self, question: Question, slots: Sequence[Slot], *, now: datetime) -> None:
        for slot in slots:
            self._decider.check(replace(question, slate=slot.place), now=now)

    def _interactions(self, asked: RecommendRequest, persons: Sequence[Person], clock: Clock) -> tuple[Interaction, ...]:
        """Those posted with a question; the caller hears of a bad one at once, since the answer has no place for it."""
        interactions = []
        for index, (wire, person) in enumerate(zip(asked.interactions, persons, strict=True)):
            if wire.message_id is None and asked.decision_id is not None:  # asked again, they are the same ones
                wire = wire.model_copy(update={"message_id": f"{asked.decision_id}/{index}"})
            try:
                interactions.append(interaction_from(wire, person=person, catalogue=self._catalogue, clock=clock))
            except RequestError as error:
                raise RequestError(f"/interactions/{index}{error}", field=f"/interactions/{index}{error.field}") from None
        return tuple(interactions)

    def _answer_or_problem(self, item: Any) -> Answer | ProblemError:
        try:
            return self.recommend(RecommendRequest.model_validate(item))
        except ValidationError as error:
            return problem_of_validation(error)
        except TouchpointError as error:
            return problem_of(error)


def questions_of(asked: RecommendManyRequest) -> list[dict[str, Any]]:
    """One question per customer, alike in everything else."""
    shared = asked.model_dump(mode="json", exclude_unset=True, exclude={"customers"})
    return [{"customer_id": customer_id, **shared} for customer_id in asked.customers]


def _as_kept(asked: RecommendRequest, persons: Sequence[Person]) -> dict[str, Any]:
    """What was asked, as JSON values, with every identifier hashed, and without addresses in what callers add."""
    request = asked.model_dump(mode="json", exclude_unset=True)
    for part, person in zip((request, *request.get("interactions", ())), persons, strict=True):
        if part.get("identifiers"):
            part["identifiers"] = dict(person.said)
        part.update({name: without_addresses_in(part[name]) for name in ("context", "traits", "properties") if name in part})
    return request
