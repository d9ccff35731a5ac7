import pytest

from features.insights.segments.cohorts import first_day_of_history, repeat_rate, retention_by_cohort
from features.insights.segments.facts import customer_facts, read_days


@pytest.fixture
def opened(history, at):
    def made(told, until):
        connection = history(told)
        read_days(connection, until=at(until))
        customer_facts(connection, "facts", until=at(until))
        return connection

    return made


def test_a_month_counts_only_for_those_for_whom_it_is_over(opened, at):
    told = [("a", 0, 1), ("b", 5, 1), ("a", 31, 1), ("b", 36, 1), ("a", 61, 1), ("c", 25, 1), ("c", 56, 1)]
    found = retention_by_cohort(opened(told, 70), "facts", until=at(70))
    assert [(each.cohort, each.age) for each in found] == [("2026-01", 1)]
    assert (found[0].returned.value, found[0].returned.n) == (1.0, 2)  # c's second month ends on day 85


def test_months_are_each_customers_own(opened, at):
    told = [("a", 0, 1), ("a", 29, 1), ("b", 0, 1), ("b", 30, 1), ("c", 20, 1)]
    [first] = [each for each in retention_by_cohort(opened(told, 80), "facts", until=at(80)) if each.age == 1]
    assert (first.returned.value, first.returned.n) == (1 / 3, 3)


def test_the_repeat_rate_waits_until_the_time_to_repeat_is_over(opened, at):
    told = [("a", 0, 1), ("a", 10, 1), ("b", 0, 1), ("b", 11, 1), ("c", 45, 1), ("c", 46, 1)]
    rate = repeat_rate(opened(told, 50), "facts", since=at(0), until=at(50), within_days=10)
    assert (rate.value, rate.n) == (0.5, 2)


def test_nothing_known_gives_nothing(opened, at):
    connection = opened([], 50)
    assert retention_by_cohort(connection, "facts", until=at(50)) == ()
    assert repeat_rate(connection, "facts", since=at(0), until=at(50), within_days=10).value is None
    assert first_day_of_history(connection) is None
