from datetime import UTC, datetime

from features.insights.segments.earnings import weekly_earnings
from features.insights.segments.facts import customer_facts, read_days


def weeks(connection, at, since, until):
    read_days(connection, until=at(until))
    customer_facts(connection, "facts", until=at(until))
    return weekly_earnings(connection, "facts", period=(at(since), at(until)))


def test_value_per_active_customer_counts_the_thirty_days_until_each_week_ends(history, at):
    connection = history([("a", 0, 10), ("b", 20, 30), ("b", 35, 50), ("c", 40, 6)])
    first, last = weeks(connection, at, 30, 44.5)  # two whole weeks, until day 43
    assert first.last_day == datetime(2026, 2, 6, tzinfo=UTC)  # day 36
    assert (first.arpu.value, first.arpu.n, first.new) == (80.0, 1, 0)  # b alone converted on days 7 to 36
    assert (last.arpu.value, last.arpu.n, last.new) == ((80 + 6) / 2, 2, 1)


def test_a_period_without_a_whole_week_tells_nothing(history, at):
    assert weeks(history([("a", 1, 10)]), at, 0, 6) == ()


def test_an_empty_lake_tells_nothing(history, at):
    assert weeks(history([]), at, 0, 30) == ()
