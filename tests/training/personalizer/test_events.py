"""Which rank events count, and with which reward."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from features.journal import Journal
from features.journal.ranks import Feedback, RecordedRank
from features.settings import load_settings
from training.personalizer import Action, RankEvent, RankQuestion, RewardRules, closed_events

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULES = RewardRules(10 * MINUTE, default=-0.25)
QUESTION = RankQuestion(
    [{"hour": 9}], (Action("a", [{"x": 1}]), Action("b", [{"x": 2}]), Action("c", [{"x": 3}])), frozenset("c")
)
RANKING = [{"id": "b", "probability": 0.25}, {"id": "a", "probability": 0.75}, {"id": "c", "probability": 0.0}]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(f"sqlite:///{tmp_path / 'journal.db'}")
    made.create()
    yield made
    made.close()


def asked(journal: Journal, event_id: str = "e", *, deferred: bool = False) -> None:
    rank = RecordedRank(
        event_id=event_id,
        at=AT,
        request_hash="",
        request=QUESTION.as_json(),
        ranking=json.dumps(RANKING),
        chosen="b",
        policy="7",
        deferred=deferred,
    )
    journal.ranks.append([rank])


def told(journal: Journal, *said: tuple[float, float | None]) -> None:
    journal.ranks.tell([Feedback("e", AT + minutes * MINUTE, value) for minutes, value in said])


def events(journal: Journal, rules: RewardRules = RULES, *, minutes: float = 10) -> list[RankEvent]:
    return list(closed_events(journal.ranks, rules, now=AT + minutes * MINUTE))


def test_a_closed_event_has_its_question_choice_and_probabilities_in_the_order_of_the_question(journal: Journal) -> None:
    asked(journal)
    told(journal, (1, 0.5))
    (event,) = events(journal)
    assert event == RankEvent("e", AT, QUESTION, 1, (0.75, 0.25, 0.0), "7", 0.5, True)


def test_an_event_is_closed_when_its_wait_is_over(journal: Journal) -> None:
    asked(journal)
    assert events(journal, minutes=9.999) == []
    assert len(events(journal, minutes=10)) == 1


def test_without_a_reward_in_time_the_default_counts(journal: Journal) -> None:
    asked(journal)
    assert [(event.reward, event.rewarded) for event in events(journal)] == [(-0.25, False)]
    told(journal, (10.001, 1.0))
    assert [(event.reward, event.rewarded) for event in events(journal)] == [(-0.25, False)]


def test_of_several_rewards_the_first_counts_or_all_together(journal: Journal) -> None:
    asked(journal)
    told(journal, (1, 0.5), (2, 0.3), (10, 0.1), (11, 0.1))
    assert events(journal)[0].reward == 0.5
    summed = RewardRules(10 * MINUTE, aggregation="sum")
    assert events(journal, summed)[0].reward == pytest.approx(0.9)
    told(journal, (3, 1.0))
    assert events(journal, summed)[0].reward == 1.0


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], []),
        ([(1, 0.5)], []),
        ([(1, 0.5), (2, None)], [0.5]),
        ([(1, None), (2, 0.5)], [0.5]),
        ([(1, None)], [-0.25]),
        ([(1, 0.5), (11, None)], []),
    ],
)
def test_a_deferred_event_counts_only_if_it_was_activated_in_time(
    journal: Journal, said: list[tuple[float, float | None]], expected: list[float]
) -> None:
    asked(journal, deferred=True)
    if said:
        told(journal, *said)
    assert [event.reward for event in events(journal)] == expected


def test_events_are_of_a_time(journal: Journal) -> None:
    asked(journal)
    far = AT + timedelta(days=1)
    assert list(closed_events(journal.ranks, RULES, now=far, since=AT + MINUTE)) == []
    assert list(closed_events(journal.ranks, RULES, now=far, until=AT)) == []
    assert len(list(closed_events(journal.ranks, RULES, now=far, since=AT, until=AT + MINUTE))) == 1


def test_the_rules_come_from_the_settings(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path, rank_reward_wait_seconds=60, rank_reward_default=-1, rank_reward_aggregation="sum")
    assert RewardRules.of(settings) == RewardRules(MINUTE, -1.0, "sum")
    assert RewardRules.of(load_settings(home=tmp_path)) == RewardRules(10 * MINUTE)


def test_a_question_is_the_same_after_it_was_kept() -> None:
    assert RankQuestion.from_json(QUESTION.as_json()) == QUESTION
