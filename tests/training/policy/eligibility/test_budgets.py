"""Budgets and capacities, spread over a day."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.policy import Situation, allowances, eligibility

CALLS = {"channel": "call", "contacts": 8, "start": "09:00", "end": "17:00", "zone": "Europe/Berlin"}


def berlin(hour, minute=0, *, day=21):
    """In November, an hour ahead of UTC."""
    return datetime(2026, 11, day, hour - 1, minute, tzinfo=UTC)


def allowance(rules, budget, at):
    (found,) = allowances(rules.catalogue(budgets=[budget]), at)
    return found


def dropped(rules, budget, at, used, touchpoint="call.adviser"):
    name = rules.catalogue(budgets=[budget]).budgets[0].name
    return rules.dropped({"budgets": [budget]}, touchpoint, at=at, used={name: used})


@pytest.mark.parametrize(
    ("at", "allowed"),
    [
        (berlin(8, 59), 0.0),
        (berlin(9), 1.0),  # one contact at once
        (berlin(10), 1.0),  # an eighth of 8
        (berlin(12), 3.0),
        (berlin(16, 30), 7.5),
        (berlin(17), 8.0),
        (berlin(23), 8.0),  # what is left
    ],
)
def test_a_paced_capacity_is_allowed_evenly_from_start_to_end(rules, at, allowed):
    assert allowance(rules, CALLS, at).allowed == pytest.approx(allowed)


def test_an_allowance_tells_the_day_in_the_zone_of_the_budget_and_what_contacts_weigh(rules):
    found = allowance(rules, CALLS, berlin(12))
    assert (found.since, found.until) == (datetime(2026, 11, 20, 23, tzinfo=UTC), datetime(2026, 11, 21, 23, tzinfo=UTC))
    assert found.weights == {"call.adviser": 1.0}
    money = allowance(rules, {"money": 100, "message_class": "marketing"}, berlin(12))
    assert money.weights == {"mail.offer": 0.5, "email.offer": 0.05, "email.news": 0.05, "web.cart": 0.0}


def test_a_day_on_which_the_clock_changes_has_its_own_length(rules):
    found = allowance(rules, {"contacts": 25, "zone": "Europe/Berlin"}, datetime(2026, 10, 25, 12, tzinfo=UTC))
    assert found.until - found.since == timedelta(hours=25)
    assert found.allowed == pytest.approx(14.0)  # 14 of 25 hours have passed


def test_without_pace_the_whole_limit_is_there_at_once(rules):
    assert allowance(rules, {"money": 10, "paced": False}, berlin(1)).allowed == 10


def test_what_would_exceed_the_pace_waits_until_it_has_come_so_far(rules):
    # three of eight are due at noon; a fourth at one
    name = "8 contacts a day for call"
    assert dropped(rules, CALLS, berlin(12), used=3) == (
        "budget",
        f"{name}: 3 used of 3 that are allowed by now",
        berlin(13),
    )
    assert dropped(rules, CALLS, berlin(12), used=2)[0] is None
    assert dropped(rules, CALLS, berlin(8), used=0) == ("budget", f"{name}: begins at 09:00 in Europe/Berlin", berlin(9))
    assert dropped(rules, CALLS, berlin(18), used=8)[2] == berlin(9, day=22)


def test_a_budget_of_money_counts_costs_and_drops_what_is_too_dear_for_what_is_left(rules):
    budget = {"money": 10, "paced": False}
    used = {"10 money a day for any touchpoint": 9.5}
    assert rules.eligible({"budgets": [budget]}, used=used) == ["none", *rules.arms[:-1]]
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    assert rules.dropped({"budgets": [budget]}, "call.adviser", used=used)[1:] == (
        "10 money a day for any touchpoint: 9.5 used of 10 that are allowed by now",
        midnight,
    )


def test_three_times_a_tenth_is_three_tenths(rules):
    cost = {"touchpoints": {"mail.offer": {"cost": 0.1}}}
    tables = cost | {"budgets": [{"money": 0.3, "paced": False, "touchpoint": "mail.offer"}]}
    name = "0.3 money a day for mail.offer"
    assert "mail.offer" in rules.eligible(tables, used={name: 0.1 + 0.1})
    assert "mail.offer" not in rules.eligible(tables, used={name: 0.1 + 0.1 + 0.1})


def test_zero_is_never_and_what_costs_more_than_a_day_has_never_fits(rules):
    assert dropped(rules, {"contacts": 0}, berlin(12), used=0)[1:] == ("0 contacts a day for any touchpoint: never", None)
    tables = {"budgets": [{"money": 0, "channel": "email"}], "touchpoints": {"email.news": {"cost": 0.0}}}
    assert rules.eligible(tables) == ["none", "mail.offer", "email.receipt", "call.adviser"]
    assert dropped(rules, {"money": 5}, berlin(12), used=0)[1:] == ("5 money a day for any touchpoint: one takes 8", None)


def test_what_costs_nothing_takes_nothing_of_a_used_up_budget(rules):
    tables = {"budgets": [{"money": 10}], "touchpoints": {"email.news": {"cost": 0.0}}}
    assert "email.news" in rules.eligible(tables, used={"10 money a day for any touchpoint": 11.0})


MINUTES = st.integers(0, 24 * 60 - 1)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 30), st.booleans(), st.tuples(MINUTES, MINUTES), MINUTES, st.integers(0, 31))
def test_nothing_beyond_the_limit_is_allowed_and_what_has_to_wait_fits_when_its_time_has_come(
    rules, limit, paced, hours, minute, used
):
    start, end = sorted(hours)
    hours = {"start": f"{start // 60:02}:{start % 60:02}", "end": f"{end // 60:02}:{end % 60:02}"} if start < end else {}
    budget = {"contacts": limit, "paced": paced, "zone": "America/New_York", **(hours if paced else {})}
    catalogue = rules.catalogue(budgets=[budget])
    name, at = catalogue.budgets[0].name, datetime(2026, 10, 31, 4, tzinfo=UTC) + timedelta(minutes=minute)
    (found,) = allowances(catalogue, at)
    assert found.since <= at < found.until and 0 <= found.allowed <= limit
    candidate = eligibility(catalogue, Situation(at=at, used={name: used}))[1]
    assert candidate.eligible == (used + 1 <= found.allowed * (1 + 1e-9))
    if candidate.until is not None:
        left = used if candidate.until < found.until else 0
        assert eligibility(catalogue, Situation(at=candidate.until, used={name: left}))[1].eligible


@pytest.mark.parametrize(
    ("zone", "skipped"),
    [("Atlantic/Azores", datetime(2026, 3, 29, 1, tzinfo=UTC)), ("Africa/Cairo", datetime(2026, 4, 23, 22, tzinfo=UTC))],
)
def test_where_the_clock_skips_midnight_a_day_begins_when_it_does(rules, zone, skipped):
    budget = {"contacts": 5, "zone": zone, "paced": False}
    before, after = (allowance(rules, budget, skipped + timedelta(minutes=shift)) for shift in (-30, 0))
    assert (before.until, after.since) == (skipped, skipped)
