"""The decisions taken here, and what is asked of them: the record, why, and the same again on paper; writes nothing."""

from features.errors import UnknownDecisionError
from features.journal import Journal
from serving.archive import Archive
from serving.explain import Explanation, explain
from serving.record import DecisionRecord, record_from_json
from serving.replay import Replayed, replay
from serving.wire import Changes


class Decisions:
    """Looks back at decisions; every method raises UnknownDecisionError when a decision was not taken here."""

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
        return explain(self.decision(decision_id), self._archive)

    def replayed(self, decision_id: str, changes: Changes) -> Replayed:
        """The decision taken again, as it was or with changes.

        Raises
        ------
        NotReplayableError, RequestError
            As `serving.replay.replay`.
        """
        return replay(self.decision(decision_id), changes, self._archive)
