"""Segment's calls become what Segment's own export has, so that both give the same interaction."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from serving.http.problems import ProblemError
from serving.taking.segment import LARGEST_EVENT_BYTES, event_of_call, events_of_batch

RECEIVED = datetime(2026, 1, 31, 12, tzinfo=UTC)
VIEWED = {"type": "track", "event": "Product Viewed", "anonymousId": "a1", "messageId": "m1", "timestamp": "2026-01-31T11:00:00Z"}


def the_time(event: Any) -> datetime:
    return datetime.fromisoformat(event.record["timestamp"])


def batch(*events: Any, **more: Any) -> list[Any]:
    return events_of_batch({"batch": list(events), **more}, size=1000, received_at=RECEIVED)


def test_a_wrong_clock_is_corrected_by_how_long_before_sending_it_happened() -> None:
    # the sender's clock is 3 hours ahead: sent at 15:00:10 its time, received at 12:00:00; it happened 70 seconds before
    (event,) = batch({**VIEWED, "timestamp": "2026-01-31T14:59:00Z"}, sentAt="2026-01-31T15:00:10Z")
    assert the_time(event) == RECEIVED - timedelta(seconds=70)
    assert event.record["originalTimestamp"] == "2026-01-31T14:59:00Z"
    assert event.record["receivedAt"] == RECEIVED.isoformat()


def test_without_a_time_of_sending_the_time_stays_and_without_any_time_it_is_now() -> None:
    assert batch(VIEWED)[0].record["timestamp"] == "2026-01-31T11:00:00Z"
    timeless = {key: value for key, value in VIEWED.items() if key != "timestamp"}
    assert the_time(batch(timeless)[0]) == RECEIVED


def test_a_time_that_is_none_is_left_to_the_mapping_to_refuse() -> None:
    assert batch({**VIEWED, "timestamp": "yesterday"}, sentAt="2026-01-31T12:00:00Z")[0].record["timestamp"] == "yesterday"


def test_an_event_sent_again_later_is_known_as_the_same() -> None:
    (first,) = batch(VIEWED, sentAt="2026-01-31T12:00:00Z")
    (again,) = events_of_batch(
        {"batch": [VIEWED], "sentAt": "2026-01-31T12:00:30Z"}, size=1, received_at=RECEIVED + timedelta(seconds=31)
    )
    (other,) = batch({**VIEWED, "event": "Cart Viewed"}, sentAt="2026-01-31T12:00:00Z")
    assert first.digest == again.digest != other.digest


def test_an_event_without_a_message_id_is_known_by_what_it_says() -> None:
    nameless = {key: value for key, value in VIEWED.items() if key != "messageId"}
    first, again, other = batch(nameless, nameless, {**nameless, "event": "Cart Viewed"})
    assert first.message_id == again.message_id != other.message_id


def test_events_of_a_batch_share_its_context_and_may_have_their_own() -> None:
    first, second = batch(VIEWED, {**VIEWED, "context": {"ip": "2"}}, context={"ip": "1"})
    assert (first.record["context"], second.record["context"]) == ({"ip": "1"}, {"ip": "2"})


def test_a_call_says_by_its_path_what_it_is() -> None:
    event = event_of_call("identify", {"userId": "ann", "type": "track"}, received_at=RECEIVED)
    assert event.record["type"] == "identify"


def test_an_event_too_large_or_none_is_refused_by_itself() -> None:
    large = {**VIEWED, "properties": {"text": "x" * LARGEST_EVENT_BYTES}}
    assert [event.refused is None for event in batch(VIEWED, large, "hello")] == [True, False, False]
    assert "32,768" in (batch(large)[0].refused or "")


@pytest.mark.parametrize(
    ("body", "size", "problem"),
    [
        ({"batch": [VIEWED]}, 512_001, "body-too-large"),
        ({"batch": [VIEWED] * 2501}, 1, "invalid-request"),
        ({"batch": VIEWED}, 1, "invalid-request"),
        ([VIEWED], 1, "invalid-request"),
    ],
)
def test_a_batch_beyond_the_documented_limits_is_refused(body: Any, size: int, problem: str) -> None:
    with pytest.raises(ProblemError) as refused:
        events_of_batch(body, size=size, received_at=RECEIVED)
    assert refused.value.kind.name == problem


@pytest.mark.parametrize(
    ("original", "sent"),
    [("9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"), ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")],
)
def test_clocks_at_both_ends_of_the_calendar_leave_the_time_to_the_mapping(original: str, sent: str) -> None:
    assert batch({**VIEWED, "timestamp": original}, sentAt=sent)[0].record["timestamp"] == original
