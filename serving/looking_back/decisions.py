"""The decisions taken here, and what is asked of them: which, the record, why, and the same again on paper; writes nothing."""

from collections.abc import Sequence
from datetime import datetime

from features.domain import Outcome
from features.errors import UnknownDecisionError
from features.journal import Journal
from features.journal.search import FoundDecisions, Place, Wanted
from features.tables import Feature
from serving.deciding.record import DecisionRecord, record_from_json
from serving.http.wire import Changes
from serving.looking_back.archive import Archive
from serving.looking_back.explain import Explanation, explain
from serving.looking_back.replay import Replayed, replay


class Decisions:
    """Looks back at decisions; every method that is given an id raises UnknownDecisionError when that was not taken here."""

    def __init__(self, journal: Journal, archive: Archive) -> None:
        self._journal = journal
        self._archive = archive

    def text(self, decision_id: str) -> str:
        """The whole record of a decision, as JSON text."""
        found = self._journal.decision(decision_id)
        if found is None:
            raise UnknownDecisionError(f"decision {decision_id!r} was not taken here; its record would be in this home's journal")
        return found.record

    def decision(self, decision_id: str) -> DecisionRecord:
        """The whole record of a decision."""
        return record_from_json(self.text(decision_id))

    def explanation(self, decision_id: str) -> Explanation:
        """Why this touchpoint, why not each other one, and what would have to change for it."""
        return self.explained(self.decision(decision_id))

    def explained(self, record: DecisionRecord) -> Explanation:
        """The same of a record that somebody has, such as that of a dry run."""
        return explain(record, self._archive)

    def replayed(self, decision_id: str, changes: Changes) -> Replayed:
        """The decision taken again, as it was or with changes.

        Raises
        ------
        NotReplayableError, RequestError
            As `serving.looking_back.replay.replay`.
        """
        return self.tried(self.decision(decision_id), changes)

    def tried(self, record: DecisionRecord, changes: Changes) -> Replayed:
        """The same of a record that somebody has.

        Raises
        ------
        NotReplayableError, RequestError
            As `replayed`.
        """
        return replay(record, changes, self._archive)

    def features(self, record: DecisionRecord) -> tuple[Feature, ...]:
        """What the features of a record mean.

        Raises
        ------
        NotReplayableError
            When this software has other features for its catalogue, or does not know that.
        """
        return self._archive.judge_of(record).features

    def search(self, wanted: Wanted, *, limit: int, after: Place | None = None) -> FoundDecisions:
        """Up to `limit` of the decisions wanted, newest first, behind the place where a page ended."""
        return self._journal.search_decisions(wanted, limit=limit, after=after)

    def outcomes(self, decision_ids: Sequence[str]) -> list[Outcome]:
        """The outcomes that were posted of decisions, oldest first."""
        return self._journal.outcomes_of(decision_ids)

    def since(self) -> datetime | None:
        """As of when the first decision that is here was taken; None when there is none."""
        return self._journal.first_decided()
