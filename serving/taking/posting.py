"""What is posted: kept durably, told to the online store, counted; one method per call, free of HTTP."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from features.catalogue import Catalogue
from features.domain import Interaction
from features.journal import Journal
from serving.deciding.record import Taken
from serving.door import Door
from serving.http.metrics import Metrics
from serving.http.problems import INVALID_REQUEST, FieldError, ProblemError
from serving.http.wire import MOST_ITEMS, PostedConsent, PostedInteraction, PostedLink, PostedOutcome
from serving.taking.facts import TakenLink, link_from, take_consents, take_links
from serving.taking.incoming import Incoming
from serving.taking.intake import Clock, accepted_of, append_interactions, take_interactions, take_outcome, taken_of
from serving.taking.sources import Sources


class Posting:
    """Takes what callers post.

    Parameters
    ----------
    on_change : hears under which identifiers interactions were accepted.
    clock : tells the time; here it enters, everything further in takes it as an argument.
    """

    def __init__(
        self,
        journal: Journal,
        catalogue: Catalogue,
        door: Door,
        sources: Sources,
        metrics: Metrics,
        *,
        on_change: Callable[[Iterable[str]], None],
        clock: Callable[[], datetime],
        clock_skew_seconds: float,
    ) -> None:
        self.door = door
        self._journal = journal
        self._catalogue = catalogue
        self._sources = sources
        self._metrics = metrics
        self._on_change = on_change
        self._clock = clock
        self._skew_seconds = clock_skew_seconds

    def now(self) -> Clock:
        """The time, and how far ahead of it senders may be."""
        return Clock(self._clock(), self._skew_seconds)

    def check_person(self, posted: PostedInteraction | PostedConsent) -> None:
        """Refuse identifiers that are none.

        Raises
        ------
        RequestError
            As `Door.person`.
        """
        self.door.person(posted.customer_id, posted.identifiers)

    def check_link(self, posted: PostedLink) -> None:
        """Refuse a statement that says nothing.

        Raises
        ------
        RequestError
            As `link_from`.
        """
        link_from(posted, door=self.door, clock=self.now())

    def interactions(self, items: Sequence[Any]) -> list[Taken]:
        """Keep posted interactions, each a JSON value as it came; durable on return.

        Raises
        ------
        ProblemError
            `invalid-request` when there are too many.
        """
        check_number(items)
        taken, accepted = take_interactions(
            items, journal=self._journal, catalogue=self._catalogue, door=self.door, clock=self.now()
        )
        self._note(taken, accepted)
        return taken

    def recorded(self, interactions: Sequence[Interaction]) -> tuple[Taken, ...]:
        """Keep interactions that came with a question; durable on return."""
        receipts = append_interactions(interactions, journal=self._journal)
        taken = tuple(map(taken_of, receipts))
        self._note(taken, accepted_of(interactions, receipts))
        return taken

    def outcome(self, posted: PostedOutcome) -> Taken:
        """Keep one outcome; durable on return."""
        taken = take_outcome(posted, journal=self._journal, clock=self.now())
        self._metrics.outcomes.labels(taken.status).inc()
        return taken

    def links(self, items: Sequence[Any]) -> list[TakenLink]:
        """Keep statements about identifiers; durable on return, and in force.

        Raises
        ------
        ProblemError
            `invalid-request` when there are too many.
        """
        check_number(items)
        return take_links(items, journal=self._journal, door=self.door, clock=self.now())

    def consents(self, items: Sequence[Any]) -> list[Taken]:
        """Keep consents; durable on return, and in force.

        Raises
        ------
        ProblemError
            `invalid-request` when there are too many.
        """
        check_number(items)
        return take_consents(items, journal=self._journal, door=self.door, clock=self.now())

    def records(self, source: str, records: Sequence[Incoming]) -> list[Taken]:
        """Keep what the source's mapping makes of other systems' records; durable on return.

        Raises
        ------
        ProblemError
            `unknown-source` when there is no such mapping, `unusable-source` when it does not fit the catalogue.
        """
        taken, accepted = self._sources.take(source, records, now=self._clock())
        self._note(taken, accepted)
        return taken

    def _note(self, taken: Iterable[Taken], accepted: Sequence[Interaction]) -> None:
        self._metrics.count_interactions(one.status for one in taken)
        if accepted:
            self._on_change({interaction.customer_id for interaction in accepted})


def check_number(items: Sequence[Any]) -> None:
    """Refuse more items than one request may have.

    Raises
    ------
    ProblemError
        `invalid-request`.
    """
    if len(items) > MOST_ITEMS:
        detail = f"{len(items):,} items are more than {MOST_ITEMS:,}; send them in several requests"
        raise ProblemError(INVALID_REQUEST, detail, errors=[FieldError("", detail)])
