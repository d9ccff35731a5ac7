"""Answers the calls: an event is kept durably before its answer is given, and the same event_id gives the same answer."""

import json
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from uuid import uuid4

from features.errors import DecisionConflictError
from features.journal.ranks import Feedback, Ranks, RecordedRank
from serving.personalizer.live import LiveRankModel
from serving.personalizer.wire import RankedAction, RankRequest, RankResponse, question_of
from training.personalizer import Choice, RankQuestion, choose
from training.policy import rng_for


class PersonalizerDesk:
    """Ranks actions, and hears what came of it.

    Parameters
    ----------
    seed : of the draws; together with an event's id it fixes what chance does.
    """

    def __init__(self, ranks: Ranks, model: LiveRankModel, *, seed: int, clock: Callable[[], datetime]) -> None:
        self._ranks = ranks
        self._model = model
        self._seed = seed
        self._clock = clock

    def rank(self, asked: RankRequest) -> RankResponse:
        """Choose an action.

        Raises
        ------
        RequestError
            When no choice can be made from what was asked.
        DecisionConflictError
            When the event_id was used for a different question.
        """
        question = question_of(asked)
        kept = None if asked.event_id is None else self._ranks.find(asked.event_id)
        if kept is None:
            (kept,) = self._ranks.append([self._proposed(asked, question)])
        if kept.request_hash != _hash(question, deferred=bool(asked.defer_activation)):
            raise DecisionConflictError(f"eventId {kept.event_id!r} was used for a different question; give a new one")
        return _answer(kept)

    def reward(self, event_id: str, value: float) -> None:
        """Keep a reward; whether it counts, and that there is such an event, shows when the policy learns."""
        self._ranks.tell([Feedback(event_id, self._clock(), value)])

    def activate(self, event_id: str) -> None:
        """Keep that an event's action was shown."""
        self._ranks.tell([Feedback(event_id, self._clock())])

    def _proposed(self, asked: RankRequest, question: RankQuestion) -> RecordedRank:
        event_id = asked.event_id or uuid4().hex
        choice = choose(question, self._model.current, rng_for(event_id, self._seed))
        deferred = bool(asked.defer_activation)
        return RecordedRank(
            event_id=event_id,
            at=self._clock(),
            request_hash=_hash(question, deferred=deferred),
            request=question.as_json(),
            ranking=_ranking(question, choice),
            chosen=question.actions[choice.index].id,
            policy=choice.policy,
            deferred=deferred,
        )


def _ranking(question: RankQuestion, choice: Choice) -> str:
    chances = choice.probabilities.tolist()
    return json.dumps([{"id": question.actions[index].id, "probability": chances[index]} for index in choice.order])


def _answer(rank: RecordedRank) -> RankResponse:
    ranking = tuple(RankedAction.model_validate(each) for each in json.loads(rank.ranking))
    return RankResponse(ranking=ranking, eventId=rank.event_id, rewardActionId=rank.chosen)


def _hash(question: RankQuestion, *, deferred: bool) -> str:
    return sha256(f"{deferred}:{question.as_json()}".encode()).hexdigest()
