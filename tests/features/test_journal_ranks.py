"""Rank events in the journal: kept once per id, with all that was said of them."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from features.journal import Journal
from features.journal.ranks import Feedback, RankHistory, RecordedRank

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


def rank(event_id: str, *, at: datetime = AT, chosen: str = "a", deferred: bool = False) -> RecordedRank:
    ranking = json.dumps([{"id": "a", "probability": 0.5}, {"id": "b", "probability": 0.5}])
    return RecordedRank(
        event_id=event_id,
        at=at,
        request_hash=f"hash of {chosen}",
        request="{}",
        ranking=ranking,
        chosen=chosen,
        policy="1",
        deferred=deferred,
    )


def test_an_event_is_found_again_as_it_was_kept(journal: Journal) -> None:
    event = rank("e1", at=AT + timedelta(microseconds=7), deferred=True)
    assert journal.ranks.append([event]) == [event]
    assert journal.ranks.find("e1") == event
    assert journal.ranks.find("e2") is None


def test_of_two_events_with_one_id_the_first_counts(journal: Journal) -> None:
    first, second = rank("e1"), rank("e1", chosen="b")
    assert journal.ranks.append([first, second, rank("e2")]) == [first, first, rank("e2")]
    assert journal.ranks.append([second]) == [first]


def test_what_was_said_of_an_event_is_kept_in_order_and_even_before_the_event(journal: Journal) -> None:
    said = [Feedback("e1", AT, 0.5), Feedback("e1", AT + timedelta(seconds=1)), Feedback("e1", AT, -1.0)]
    journal.ranks.tell([*said, Feedback("never asked", AT, 1.0)])
    journal.ranks.append([rank("e1")])
    assert list(journal.ranks.histories()) == [RankHistory(rank("e1"), tuple(said))]


def test_histories_are_of_a_time_and_come_in_pages_without_a_gap(journal: Journal) -> None:
    events = [rank(f"e{index}", at=AT + timedelta(seconds=index)) for index in range(1_203)]
    journal.ranks.append(events)
    assert [history.rank for history in journal.ranks.histories()] == events
    some = journal.ranks.histories(since=AT + timedelta(seconds=2), until=AT + timedelta(seconds=1_100))
    assert [history.rank.event_id for history in some] == [f"e{index}" for index in range(2, 1_100)]


def test_threads_that_ask_under_one_id_at_once_all_hear_the_same_answer(journal: Journal) -> None:
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda index: journal.ranks.append([rank("e1", chosen=f"action {index}")])[0], range(40)))
    assert len({event.chosen for event in kept}) == 1
    assert len(list(journal.ranks.histories())) == 1


def test_erasing_somebody_removes_the_events_that_name_them_against_the_rule(journal: Journal) -> None:
    events = [
        replace(rank("e1"), request='{"contextFeatures":[{"user":"ann"}]}'),
        replace(rank("e2"), request='{"contextFeatures":[{"user":"Ann"},{"is":"annual"}]}'),
        rank("ann"),
        replace(rank("e3"), request='{"contextFeatures":[{"user":"J\\"ö"}]}'),
    ]
    journal.ranks.append(events)
    journal.ranks.tell([Feedback(event.event_id, AT, 1.0) for event in events])
    erased = journal.erase(["ann", 'J"ö'])
    assert (erased["ranks"], erased["rank_feedback"]) == (3, 3)
    assert [history.rank.event_id for history in journal.ranks.histories()] == ["e2"]
