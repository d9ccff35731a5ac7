"""The rank events to learn from: those that are closed and were shown, with their reward."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from features.journal.ranks import Feedback, RankHistory, Ranks
from features.settings import Settings
from training.personalizer.question import RankQuestion


@dataclass(frozen=True, slots=True)
class RewardRules:
    """What counts as the reward of an event.

    Attributes
    ----------
    wait : an event is closed this long after its rank call; what is said of it later does not count.
    default : the reward where none came.
    aggregation : whether the first reward counts, or all together.
    """

    wait: timedelta
    default: float = 0.0
    aggregation: Literal["earliest", "sum"] = "earliest"

    @classmethod
    def of(cls, settings: Settings) -> "RewardRules":
        """The rules in force."""
        wait = timedelta(seconds=settings.rank_reward_wait_seconds)
        return cls(wait, settings.rank_reward_default, settings.rank_reward_aggregation)

    def reward(self, rewards: Sequence[float]) -> float:
        """What came in time, in the order in which it came, as one number from -1 to 1."""
        if not rewards:
            return self.default
        return rewards[0] if self.aggregation == "earliest" else min(max(sum(rewards), -1.0), 1.0)


@dataclass(frozen=True, slots=True)
class RankEvent:
    """A closed event that was shown.

    Attributes
    ----------
    chosen : index of the action.
    probabilities : of every action, in the order of the question.
    reward : from -1 to 1.
    rewarded : whether a reward came; else `reward` is the default.
    """

    event_id: str
    at: datetime
    question: RankQuestion
    chosen: int
    probabilities: tuple[float, ...]
    policy: str
    reward: float
    rewarded: bool


def closed_events(
    ranks: Ranks, rules: RewardRules, *, now: datetime, since: datetime | None = None, until: datetime | None = None
) -> Iterator[RankEvent]:
    """The events that are closed by `now`, in the order in which they were recorded.

    One whose activation was deferred counts if it was activated in time, and a reward that came before that counts too.

    Parameters
    ----------
    since, until : only those asked at or after, and before.
    """
    closed = now - rules.wait + timedelta(microseconds=1)
    for history in ranks.histories(since=since, until=closed if until is None else min(until, closed)):
        said = [each for each in history.feedback if each.at - history.rank.at <= rules.wait]
        if not history.rank.deferred or any(each.value is None for each in said):
            yield _event(history, rules, said)


def _event(history: RankHistory, rules: RewardRules, said: Sequence[Feedback]) -> RankEvent:
    rank, rewards = history.rank, [each.value for each in said if each.value is not None]
    question = RankQuestion.from_json(rank.request)
    chances = {each["id"]: each["probability"] for each in json.loads(rank.ranking)}
    return RankEvent(
        event_id=rank.event_id,
        at=rank.at,
        question=question,
        chosen=[action.id for action in question.actions].index(rank.chosen),
        probabilities=tuple(chances[action.id] for action in question.actions),
        policy=rank.policy,
        reward=rules.reward(rewards),
        rewarded=bool(rewards),
    )
