import pytest

from features.insights.segments.behaviour import journey_segments
from features.insights.segments.facts import read_days

STORIES = {
    "absent": [("x", -20, 10)],
    "contacted only": [("x", 1, "contact"), ("x", 2, "profile")],
    "service seekers": [("x", 1, 10), ("x", 2, "view"), ("x", 3, "complaint", "ticket.complaint")],
    "browsers who do not buy": [("x", 1, "view"), ("x", 2, "cart")],
    "responders": [("x", 1, "contact"), ("x", 2, "contact"), ("x", 2, "open", "mail.offer"), ("x", 3, 10)],
    "multichannel buyers": [("x", 1, "view"), ("x", 2, 10)],
    "store only": [("x", 1, "contact"), ("x", 2, 10)],
    "remote only": [("x", 1, "view"), ("x", 2, "purchase 10", "web.checkout")],
}


@pytest.mark.parametrize("name", STORIES)
def test_journey_segments_by_hand(history, at, name):
    connection = history([("y", -30, "view"), *STORIES[name]])
    read_days(connection, until=at(10))
    journey_segments(connection, "journeys", since=at(0), until=at(10))
    found = dict(connection.execute("from journeys").fetchall())
    assert found == {"x": name, "y": "absent"}


def test_who_hardly_ever_answers_is_no_responder(history, at):
    contacts = [("x", day, "contact") for day in range(1, 8)]
    connection = history([*contacts, ("x", 2, "open", "mail.offer"), ("x", 3, "click", "mail.offer"), ("x", 4, 10)])
    read_days(connection, until=at(10))
    journey_segments(connection, "journeys", since=at(0), until=at(10))
    assert connection.execute("select segment from journeys").fetchall() == [("store only",)]


def test_who_is_not_known_yet_is_in_no_segment(history, at):
    connection = history([("x", 5, 10)])
    read_days(connection, until=at(10))
    journey_segments(connection, "journeys", since=at(0), until=at(4))
    assert connection.execute("from journeys").fetchall() == []
