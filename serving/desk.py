"""The desk behind the API: answers questions, and leads to who takes postings and who knows customers; free of HTTP."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any
from uuid import uuid4

from pydantic import ValidationError

from features.domain import Interaction
from features.errors import RequestError, TouchpointError, UnknownDecisionError
from serving.compose import Question
from serving.customers import Customers, names_asked
from serving.decide import Decider
from serving.door import Person, without_addresses_in
from serving.intake import Clock, interaction_from
from serving.metrics import Metrics
from serving.posting import Posting, check_number
from serving.problems import ProblemError, problem_of, problem_of_validation
from serving.record import Answer, DecisionRecord, answer_of
from serving.wire import RecommendManyRequest, RecommendRequest


class Desk:
    """Serves the calls of the API.

    Attributes
    ----------
    posting : takes what callers post.
    customers : knows customers.
    """

    def __init__(self, decider: Decider, posting: Posting, customers: Customers, metrics: Metrics) -> None:
        self.posting = posting
        self.customers = customers
        self._decider = decider
        self._journal = decider.journal
        self._catalogue = decider.catalogue
        self._metrics = metrics

    def recommend(self, asked: RecommendRequest) -> Answer:
        """Answer one question; what was posted with it is recorded first."""
        started = perf_counter()
        persons = self._persons(asked)
        request = _as_kept(asked, persons)
        earlier = None if asked.decision_id is None else self._decider.earlier(asked.decision_id, request)
        record = earlier or self._decide(asked, persons, request)
        self._metrics.decision_seconds.observe(perf_counter() - started)
        return answer_of(record)

    def recommend_many(self, items: Sequence[Any]) -> list[Answer | ProblemError]:
        """Answer many questions, each a JSON value as it came; a bad one gets its problem in its place.

        Raises
        ------
        ProblemError
            `invalid-request` when there are too many.
        """
        check_number(items)
        return [self._answer_or_problem(item) for item in items]

    def record_of(self, decision_id: str) -> str:
        """The whole record of a decision, as JSON text.

        Raises
        ------
        UnknownDecisionError
            When it was not taken here.
        """
        found = self._journal.decision(decision_id)
        if found is None:
            raise UnknownDecisionError(f"decision {decision_id!r} was not taken by this service")
        return found.record

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

    def _decide(self, asked: RecommendRequest, persons: Sequence[Person], request: Mapping[str, Any]) -> DecisionRecord:
        clock = self.posting.now()
        interactions = self._interactions(asked, persons[1:], clock)
        first, *others = names_asked(persons[0], self.posting.door)
        question = Question(
            decision_id=asked.decision_id or uuid4().hex,
            customer_id=first,
            identifiers=tuple(others),
            at=asked.at,
            candidates=asked.candidates,
            exclude=asked.exclude,
            limit=asked.limit,
            dry_run=asked.dry_run,
            unrecorded=interactions if asked.dry_run else (),
            request=request,
        )
        if interactions and not asked.dry_run:
            self._decider.check(question, now=clock.now)
            question = replace(question, posted=self.posting.recorded(interactions))
        record = self._decider.decide(question, now=clock.now)
        if not asked.dry_run:
            self._metrics.decisions.labels(record.chosen, record.fallback or "").inc()
        return record

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
