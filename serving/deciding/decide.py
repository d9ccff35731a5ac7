"""Takes decisions; their logic is in `training/policy`: training makes policies, and evaluation must run the code that serves.

Here is what a decision needs around the policy: the customer's features and contacts as they are at that moment, and a record
that is durable before anybody hears the answer.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from features.catalogue import Catalogue
from features.contacts import looks_back
from features.domain import EARLIEST, NONE, Contact, Kind
from features.errors import ContentionError, DecisionConflictError, RequestError
from features.experiment import Arm, arm_of
from features.journal import Identity, Journal, ProposedDecision, RecordedDecision, VolumeLimit
from serving.deciding.compose import Circumstances, Composer, Question
from serving.deciding.contacts import contacts_among, known_consents, recent_contacts
from serving.deciding.live import LoadedPolicy
from serving.deciding.record import DecisionRecord, record_as_json, record_from_json, request_hash
from serving.deciding.state import FeatureReader, positions
from serving.deciding.steps import Steps, at_once
from training.policy import Policy, PriorScorer
from training.policy.eligibility import Rules, Situation

MOST_TRIES = 50

Live = tuple[LoadedPolicy | None, LoadedPolicy | None]
"""The champion and the challenger at one moment."""


class InForce(Protocol):
    """Whatever holds the policy in force."""

    @property
    def current(self) -> LoadedPolicy | None:
        """The policy in force, or None before any was promoted."""

    @property
    def challenger(self) -> LoadedPolicy | None:
        """The one that may be next, or None."""


class Decider:
    """Answers questions.

    Parameters
    ----------
    seed : of the draws; together with a decision's id it fixes what chance does.
    clock_skew_seconds : how far in the future a question may be dated.
    shadow : write down as well what the challenger would have done.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        reader: FeatureReader,
        journal: Journal,
        live: InForce,
        *,
        seed: int,
        clock_skew_seconds: float,
        shadow: bool = False,
    ) -> None:
        self.catalogue = catalogue
        self.journal = journal
        self._reader = reader
        self._live = live
        self._shadow = shadow
        self._is_catalogue_kept = False
        self._skew = timedelta(seconds=clock_skew_seconds)
        self._looks_back = looks_back(catalogue)
        self._rules = Rules(catalogue)
        self._composer = Composer(catalogue, reader.features, seed=seed)
        self._priors = LoadedPolicy(prior_policy(catalogue))

    def earlier(self, decision_id: str, request: Mapping[str, Any]) -> DecisionRecord | None:
        """The record of that id if the same question was answered before.

        Raises
        ------
        DecisionConflictError
            When the id was used for a different question.
        """
        found = self.journal.decision(decision_id)
        if found is None:
            return None
        if found.request_hash != request_hash(request):
            raise DecisionConflictError(f"decision_id {decision_id!r} was used for a different question; give a new one")
        return record_from_json(found.record)

    def check(self, question: Question, *, now: datetime) -> None:
        """Refuse what cannot be answered, before anything that came with the question is kept.

        Raises
        ------
        RequestError
            As `decide`.
        """
        at = self._time(question, now)
        placement = question.slate.placement if question.slate else None
        asked = Situation(at=at, candidates=question.candidates, exclude=question.exclude, placement=placement)
        self._rules.candidates(asked)
        if question.at is not None:
            self._reader.read(self._identity(question).identifiers, at=at)

    def decide(self, question: Question, *, now: datetime) -> DecisionRecord:
        """Take one decision and, unless it is a dry run, record it durably.

        Raises
        ------
        RequestError
            When the question names unknown touchpoints or a time that cannot be answered for.
        DecisionConflictError
            When its decision id was used for a different question.
        ContentionError
            When other decisions for this customer got in between every time.
        """
        return at_once(self.deciding(question, now=now), self.journal)

    def deciding(self, question: Question, *, now: datetime) -> Steps[DecisionRecord]:
        """The steps of `decide`: what is to be recorded, until it was; see `serving.deciding.steps`.

        Whatever changes the customer's contacts, consents or identifiers, or uses up a budget, between reading them and recording
        the decision makes it be taken again: so rules hold exactly, however many processes decide at once.
        """
        at = self._time(question, now)
        live, given = (self._live.current, self._live.challenger), None
        for _ in range(MOST_TRIES):
            given = self._circumstances(question, at, now, live, before=given)
            record = self._composer.compose(question, given)
            if question.dry_run:
                return record
            self._keep_catalogue(now)
            if (yield self._proposed(record, question, given)):
                return self._as_kept(record, question)
        raise ContentionError(f"other decisions for this customer got in between {MOST_TRIES} times; ask again")

    def proposed(self, question: Question, given: Circumstances) -> tuple[DecisionRecord, ProposedDecision]:
        """Decide by what somebody else has read; give the record, and what is to be recorded of it.

        Raises
        ------
        RequestError
            When the question names unknown touchpoints.
        """
        record = self._composer.compose(question, given)
        self._keep_catalogue(given.now)
        return record, self._proposed(record, question, given)

    def _circumstances(
        self, question: Question, at: datetime, now: datetime, live: Live, *, before: Circumstances | None
    ) -> Circumstances:
        identity = self._identity(question)
        stored = self._reader.stored(identity.identifiers)
        since = at - self._looks_back
        around = self.journal.surroundings(positions(identity.identifiers, stored), since=since)
        if before is not None and before.identity == identity:
            reading = before.reading
        else:
            reading = self._reader.reading(identity.identifiers, stored, around.newer, at=at, unrecorded=question.unrecorded)
        arm = arm_of(identity.identifiers, self.catalogue)
        posted = contacts_among(self._reader.without_recorded(identity.identifiers, question.unrecorded), self.journal)
        champion, challenger = live
        decides = challenger if arm is Arm.CHALLENGER and challenger is not None else champion
        return Circumstances(
            at=at,
            now=now,
            identity=identity,
            reading=reading,
            consents=known_consents(around.consents, at=at),
            contacts=recent_contacts(around.contacts, since=since, at=at, unrecorded=posted),
            loaded=decides or self._priors,
            fallback="no_policy" if decides is None else reading.fallback,
            arm=arm,
            used=self._used(at, uncounted=(*question.contacts, *(each for each in posted if each.kind == Kind.CONTACT))),
            shadow=challenger if self._shadow and challenger is not decides else None,
        )

    def _used(self, at: datetime, *, uncounted: Sequence[Contact]) -> dict[str, float]:
        """What was used of every budget, with contacts that the journal does not count: of earlier slots, or of a dry run."""
        return {
            each.budget.name: self.journal.volume(each.weights, each.since, each.until)
            + sum(each.weights.get(contact.touchpoint, 0.0) for contact in uncounted if each.since <= contact.at < each.until)
            for each in self._rules.allowances(at)
        }

    def _proposed(self, record: DecisionRecord, question: Question, given: Circumstances) -> ProposedDecision:
        return ProposedDecision(
            decision=_recorded(record, question),
            contacts_seen=given.contacts.seen,
            consents_seen=len(given.consents),
            identifiers=given.identity.identifiers,
            limits=tuple(self._limits(record)),
        )

    def _limits(self, record: DecisionRecord) -> list[VolumeLimit]:
        if record.chosen == NONE or not self.catalogue.budgets:
            return []
        return [
            VolumeLimit(weights=each.weights, since=each.since, until=each.until, at_most=each.allowed)
            for each in self._rules.allowances(record.at)
            if record.chosen in each.weights
        ]

    def _keep_catalogue(self, now: datetime) -> None:
        """Once per process: records name the catalogue that was in force, and are replayed with it."""
        if not self._is_catalogue_kept:
            self.journal.keep_catalogue(self.catalogue.version, self.catalogue.model_dump_json(), now)
            self._is_catalogue_kept = True

    def _identity(self, question: Question) -> Identity:
        return self._reader.identity((question.customer_id, *question.identifiers))

    def _time(self, question: Question, now: datetime) -> datetime:
        at = question.at or now
        if at > now + self._skew:
            raise RequestError(f"/at: {at.isoformat()} is in the future; leave it out to decide as of now", field="/at")
        if at < EARLIEST:
            raise RequestError(f"/at: {at.isoformat()} is before {EARLIEST.year}; leave it out to decide as of now", field="/at")
        return at

    def _as_kept(self, record: DecisionRecord, question: Question) -> DecisionRecord:
        """Of two callers that ask with the same decision id at once, both hear what the journal kept."""
        if "decision_id" not in question.request:
            return record
        return self.earlier(question.decision_id, question.request) or record


def prior_policy(catalogue: Catalogue) -> Policy:
    """What decides before any policy was promoted: the catalogue's prior uplifts, with conversions of unknown worth."""
    scorer = PriorScorer.of(catalogue, base_rate=0.0, value=0.0)
    return Policy.of(catalogue, scorer, name="priors", version=catalogue.version)


def _recorded(record: DecisionRecord, question: Question) -> RecordedDecision:
    return RecordedDecision(
        decision_id=record.decision_id,
        customer_id=record.customer_id,
        touchpoint=record.chosen,
        at=record.at,
        request_hash=request_hash(question.request),
        record=record_as_json(record),
        candidates=tuple(candidate.touchpoint for candidate in record.candidates if candidate.eligible),
        probability=next(candidate.probability for candidate in record.candidates if candidate.touchpoint == record.chosen),
        deferred=record.deferred,
        arm=record.arm,
        policy_version=record.policy.version,
        fallback=record.fallback,
    )
