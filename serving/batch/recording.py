"""Records a batch of decisions: each as if it had been asked for, many in one transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from features.errors import DecisionConflictError
from features.journal import Journal, ProposedDecision, RecordedDecision
from serving.batch.asked import Asked
from serving.batch.budgets import Purse
from serving.batch.known import Known
from serving.batch.scoring import InForce, Scored, Scoring
from serving.deciding.compose import Circumstances, Question
from serving.deciding.decide import Decider
from serving.deciding.live import LoadedPolicy
from serving.deciding.record import DecisionRecord, record_from_json, request_hash
from serving.deciding.state import FeatureReader

Proposal = tuple[Question, DecisionRecord, ProposedDecision]


class Recording:
    """Records by one question.

    Parameters
    ----------
    decider : writes the records, and decides again where something came in between.
    """

    def __init__(
        self, asked: Asked, decider: Decider, reader: FeatureReader, journal: Journal, scoring: Scoring, in_force: InForce
    ) -> None:
        self._asked, self._decider, self._reader, self._journal = asked, decider, reader, journal
        self._scoring, self._in_force = scoring, in_force

    def earlier(self, customer_ids: Sequence[str]) -> dict[str, DecisionRecord]:
        """What was decided in this run before, by customer.

        Raises
        ------
        DecisionConflictError
            When it was decided by another question.
        """
        ids = {self._asked.decision_id(customer_id): customer_id for customer_id in customer_ids}
        kept = self._journal.many.decisions(list(ids))
        return {ids[each.decision_id]: self._same(each, ids[each.decision_id]) for each in kept.values()}

    def recorded(self, known: Known, purse: Purse, *, now: datetime) -> list[DecisionRecord]:
        """Decide for everybody of a batch and record it durably; what was overtaken is decided again, one by one.

        Raises
        ------
        ContentionError
            As `Decider.decide`.
        """
        scored = self._scoring.scored(known)
        proposals = [self._proposal(known, scored, row, purse, now) for row in range(len(known.identities))]
        futures = [self._journal.submit_decision(proposed) for _, _, proposed in proposals]
        taken = [future.result() for future in futures]
        kept = self._journal.many.decisions([record.decision_id for _, record, _ in proposals])
        return [
            _as_kept(proposal, kept) if is_recorded else self._decider.decide(proposal[0], now=now)
            for proposal, is_recorded in zip(proposals, taken, strict=True)
        ]

    def _proposal(self, known: Known, scored: Mapping[str, Scored], row: int, purse: Purse, now: datetime) -> Proposal:
        identity, arm = known.identities[row], known.arms[row]
        question = self._asked.question(identity.customer_id)
        reading = self._reader.reading(identity.identifiers, {identity.customer_id: known.states[row]}, {}, at=now)
        loaded = self._in_force.of(arm)
        given = Circumstances(
            at=now,
            now=now,
            identity=identity,
            reading=reading,
            consents=known.consents[row],
            contacts=known.contacts[row],
            loaded=LoadedPolicy(scored[arm].policy(np.array([row])), loaded.sha256),
            fallback=self._in_force.fallback(arm) or reading.fallback,
            arm=arm,
            used=purse.used,
            shadow=self._in_force.shadow(arm),
        )
        record, proposed = self._decider.proposed(question, given)
        if not self._asked.deferred:
            purse.take([record.chosen])
        return question, record, proposed

    def _same(self, kept: RecordedDecision, customer_id: str) -> DecisionRecord:
        if kept.request_hash != request_hash(self._asked.question(customer_id).request):
            run = self._asked.run
            raise DecisionConflictError(f"--run {run!r} was recorded with other options; repeat those, or give another --run")
        return record_from_json(kept.record)


def _as_kept(proposal: Proposal, kept: Mapping[str, RecordedDecision]) -> DecisionRecord:
    """Of two processes that decide in the same run at once, both tell what the journal kept."""
    _, record, proposed = proposal
    text = kept[record.decision_id].record
    return record if text == proposed.decision.record else record_from_json(text)
