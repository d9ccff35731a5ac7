"""The desk behind the API: one method per call, free of HTTP; each takes checked values and gives named results."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter
from typing import Any
from uuid import uuid4

from pydantic import ValidationError

from features.catalogue import Catalogue
from features.domain import Interaction
from features.errors import RequestError, TouchpointError, UnknownCustomerError, UnknownDecisionError
from features.journal import RecordedDecision
from features.journey import journey_of
from features.lake import Lake
from serving.compose import Question
from serving.decide import Decider
from serving.intake import Clock, interaction_from, take_interactions, take_outcome, taken_of
from serving.metrics import Metrics
from serving.problems import INVALID_REQUEST, FieldError, ProblemError, problem_of, problem_of_validation
from serving.record import Answer, DecisionRecord, Taken, answer_of
from serving.state import FeatureReader
from serving.wire import MOST_ITEMS, PostedOutcome, RecommendManyRequest, RecommendRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionSummary:
    """One line of a customer's decisions."""

    decision_id: str
    at: datetime
    touchpoint: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerView:
    """What the service knows of one customer; journey and decisions newest first."""

    customer_id: str
    profile: Mapping[str, str | float | int | None]
    features: Mapping[str, str | float | int | None]
    journey: tuple[Interaction, ...]
    decisions: tuple[DecisionSummary, ...]


class Desk:
    """Serves the calls of the API.

    Parameters
    ----------
    clock : tells the time; here it enters, everything further in takes it as an argument.
    """

    def __init__(
        self,
        decider: Decider,
        reader: FeatureReader,
        lake: Lake,
        metrics: Metrics,
        *,
        clock: Callable[[], datetime],
        clock_skew_seconds: float,
    ) -> None:
        self._decider = decider
        self._reader = reader
        self._lake = lake
        self._journal = decider.journal
        self._catalogue = decider.catalogue
        self._metrics = metrics
        self._clock = clock
        self._skew_seconds = clock_skew_seconds

    def recommend(self, asked: RecommendRequest) -> Answer:
        """Answer one question; what was posted with it is recorded first."""
        started = perf_counter()
        request = asked.model_dump(mode="json", exclude_unset=True)
        earlier = None if asked.decision_id is None else self._decider.earlier(asked.decision_id, request)
        record = earlier or self._decide(asked, request)
        self._metrics.decision_seconds.observe(perf_counter() - started)
        return answer_of(record)

    def recommend_many(self, items: Sequence[Any]) -> list[Answer | ProblemError]:
        """Answer many questions, each a JSON value as it came; a bad one gets its problem in its place.

        Raises
        ------
        ProblemError
            `invalid-request` when there are too many.
        """
        _check_number(items)
        return [self._answer_or_problem(item) for item in items]

    def take_interactions(self, items: Sequence[Any]) -> list[Taken]:
        """Keep posted interactions, each a JSON value as it came; durable on return.

        Raises
        ------
        ProblemError
            `invalid-request` when there are too many.
        """
        _check_number(items)
        taken = take_interactions(items, journal=self._journal, catalogue=self._catalogue, clock=self._now())
        self._metrics.count_interactions(one.status for one in taken)
        return taken

    def take_outcome(self, posted: PostedOutcome) -> Taken:
        """Keep one outcome; durable on return."""
        taken = take_outcome(posted, journal=self._journal, clock=self._now())
        self._metrics.outcomes.labels(taken.status).inc()
        return taken

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

    def customer(self, customer_id: str, *, limit: int) -> CustomerView:
        """What is known of a customer, as of now.

        Raises
        ------
        UnknownCustomerError
            When neither the feature store nor the journal has anything.
        """
        known = self._reader.values(customer_id, at=self._clock())
        decisions = self._journal.decisions_of(customer_id, limit)
        if known is None and not decisions:
            raise UnknownCustomerError(f"customer {customer_id!r}: nothing is known of them")
        journey = journey_of(customer_id, lake=self._lake, journal=self._journal, limit=limit)
        return CustomerView(
            customer_id=customer_id,
            profile=_profile(self._catalogue, known or {}),
            features=known or {},
            journey=journey,
            decisions=tuple(_summary(decision) for decision in decisions),
        )

    def _decide(self, asked: RecommendRequest, request: Mapping[str, Any]) -> DecisionRecord:
        clock = self._now()
        interactions = self._interactions(asked, clock)
        question = Question(
            decision_id=asked.decision_id or uuid4().hex,
            customer_id=asked.customer,
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
            question = replace(question, posted=self._recorded(interactions))
        record = self._decider.decide(question, now=clock.now)
        if not asked.dry_run:
            self._metrics.decisions.labels(record.chosen, record.fallback or "").inc()
        return record

    def _interactions(self, asked: RecommendRequest, clock: Clock) -> tuple[Interaction, ...]:
        """Those posted with a question; the caller hears of a bad one at once, since the answer has no place for it."""
        interactions = []
        for index, wire in enumerate(asked.interactions):
            if wire.message_id is None and asked.decision_id is not None:  # asked again, they are the same ones
                wire = wire.model_copy(update={"message_id": f"{asked.decision_id}/{index}"})
            try:
                interactions.append(interaction_from(wire, customer_id=asked.customer, catalogue=self._catalogue, clock=clock))
            except RequestError as error:
                raise RequestError(f"/interactions/{index}{error}", field=f"/interactions/{index}{error.field}") from None
        return tuple(interactions)

    def _recorded(self, interactions: Sequence[Interaction]) -> tuple[Taken, ...]:
        taken = tuple(map(taken_of, self._journal.append_interactions(interactions))) if interactions else ()
        self._metrics.count_interactions(one.status for one in taken)
        return taken

    def _answer_or_problem(self, item: Any) -> Answer | ProblemError:
        try:
            return self.recommend(RecommendRequest.model_validate(item))
        except ValidationError as error:
            return problem_of_validation(error)
        except TouchpointError as error:
            return problem_of(error)

    def _now(self) -> Clock:
        return Clock(self._clock(), self._skew_seconds)


def questions_of(asked: RecommendManyRequest) -> list[dict[str, Any]]:
    """One question per customer, alike in everything else."""
    shared = asked.model_dump(mode="json", exclude_unset=True, exclude={"customers"})
    return [{"customer_id": customer_id, **shared} for customer_id in asked.customers]


def _profile(catalogue: Catalogue, known: Mapping[str, str | float | int | None]) -> dict[str, str | float | int | None]:
    return {name: known.get(f"trait_{name}_{trait.type}") for name, trait in catalogue.traits.items()}


def _summary(decision: RecordedDecision) -> DecisionSummary:
    return DecisionSummary(
        decision_id=decision.decision_id, at=decision.at, touchpoint=decision.touchpoint, probability=decision.probability
    )


def _check_number(items: Sequence[Any]) -> None:
    if len(items) > MOST_ITEMS:
        detail = f"{len(items):,} items are more than {MOST_ITEMS:,}; send them in several requests"
        raise ProblemError(INVALID_REQUEST, detail, errors=[FieldError("", detail)])
