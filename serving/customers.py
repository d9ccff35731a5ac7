"""One customer, seen by any of their identifiers: what is known of them, and forgetting it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from features.catalogue import Catalogue
from features.domain import Consent, Interaction, Link, Outcome
from features.errors import StoreError, UnknownCustomerError
from features.experiment import arm_of
from features.journal import Identity, Journal, RecordedDecision
from features.journey import journey_of
from features.privacy.erase import ErasureReport, erase_customer
from features.privacy.export import export_customer
from features.reactions import outcomes_of, reactions_to
from features.workspace import Workspace
from serving.deciding.state import FeatureReader
from serving.door import Door, Person
from serving.http.wire import Customer


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionSummary:
    """One line of a customer's decisions."""

    decision_id: str
    at: datetime
    touchpoint: str
    probability: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerView:
    """What the service knows of one customer; journey and decisions newest first.

    Attributes
    ----------
    identifiers : all that are the customer's today, the customer_id among them.
    links : every fact about any of them, oldest first.
    arm : `treatment`, or `holdout` where the customer is left alone.
    """

    customer_id: str
    identifiers: tuple[str, ...]
    links: tuple[Link, ...]
    consents: tuple[Consent, ...]
    arm: str
    profile: Mapping[str, str | float | int | None]
    features: Mapping[str, str | float | int | None]
    journey: tuple[Interaction, ...]
    decisions: tuple[DecisionSummary, ...]


class Customers:
    """Answers what is asked about customers themselves."""

    def __init__(self, workspace: Workspace, reader: FeatureReader, door: Door, *, clock: Callable[[], datetime]) -> None:
        self._workspace = workspace
        self._journal: Journal = workspace.journal
        self._catalogue: Catalogue = workspace.catalogue
        self._reader = reader
        self._door = door
        self._clock = clock

    def view(self, name: str, *, limit: int) -> CustomerView:
        """What is known of the customer with that identifier, as of now.

        Raises
        ------
        UnknownCustomerError
            When neither the feature store nor the journal has anything.
        """
        return self._view(self._identity(name), limit)

    def find(self, customer: Customer, *, limit: int) -> CustomerView:
        """What is known of the customer whom identifiers in clear name.

        Raises
        ------
        RequestError
            When an identifier is none.
        UnknownCustomerError
            As `view`.
        """
        person = self._door.person(customer.customer_id, customer.identifiers)
        return self._view(self._reader.identity(names_asked(person, self._door)), limit)

    def identity(self, name: str) -> Identity:
        """Who has that identifier today; one of whom nothing is known is only themselves."""
        return self._identity(name)

    def outcomes(self, decision_ids: Sequence[str]) -> tuple[Outcome, ...]:
        """What was told of what followed decisions, oldest first."""
        return outcomes_of(decision_ids, lake=self._workspace.lake, journal=self._journal)

    def reactions(self, decision_id: str, identifiers: Sequence[str]) -> tuple[Outcome | Interaction, ...]:
        """The same of one decision, with the interactions of its customer that name it."""
        return reactions_to(decision_id, identifiers, lake=self._workspace.lake, journal=self._journal)

    def export(self, name: str) -> dict[str, Any]:
        """All that is known of a customer, with whole records, in values that JSON has.

        Raises
        ------
        UnknownCustomerError
            When nothing is known.
        """
        identity, now = self._identity(name), self._clock()
        values = self._features(identity, now)
        return export_customer(identity.customer_id, self._workspace.places, features=values, now=now)

    def erase(self, name: str) -> ErasureReport:
        """Remove a customer everywhere, by any of their identifiers; what is sent of them again is not taken.

        Raises
        ------
        UnknownCustomerError
            When nothing is known, and nobody of that name was ever erased.
        StoreError
            When a place does not answer; repeat it then.
        """
        customer_id = self._identity(name).customer_id
        return erase_customer(customer_id, self._workspace.places, now=self._clock(), on_progress=lambda line: None)

    def _identity(self, name: str) -> Identity:
        return self._reader.identity(self._door.names_of(name))

    def _features(self, identity: Identity, now: datetime) -> Mapping[str, float | int | str | None] | None:
        try:
            return self._reader.values(identity.identifiers, at=now)
        except StoreError:
            return None  # they are made of the interactions, which are in the export

    def _view(self, identity: Identity, limit: int) -> CustomerView:
        identifiers = identity.identifiers
        known = self._reader.values(identifiers, at=self._clock())
        decisions = self._journal.decisions_of(identifiers, limit)
        links, consents = self._journal.links_of(identifiers), self._journal.consents_of(identifiers)
        if known is None and not decisions and not links and not consents:
            raise UnknownCustomerError("nothing is known of a customer with this identifier")
        return CustomerView(
            customer_id=identity.customer_id,
            identifiers=identifiers,
            links=tuple(links),
            consents=tuple(consents),
            arm=arm_of(identifiers, self._catalogue),
            profile=_profile(self._catalogue, known or {}),
            features=known or {},
            journey=journey_of(identifiers, lake=self._workspace.lake, journal=self._journal, limit=limit),
            decisions=tuple(map(_summary, decisions)),
        )


def names_asked(person: Person, door: Door) -> tuple[str, ...]:
    """What a person goes by when asked about: the customer_id alone, else every identifier that is proof, strongest first."""
    if "customer_id" in person.said:
        return (person.customer_id,)
    return tuple(name for name in person.names if door.is_proof(name)) or (person.customer_id,)


def _profile(catalogue: Catalogue, known: Mapping[str, str | float | int | None]) -> dict[str, str | float | int | None]:
    return {name: known.get(f"trait_{name}_{trait.type}") for name, trait in catalogue.traits.items()}


def _summary(decision: RecordedDecision) -> DecisionSummary:
    return DecisionSummary(
        decision_id=decision.decision_id, at=decision.at, touchpoint=decision.touchpoint, probability=decision.probability
    )
