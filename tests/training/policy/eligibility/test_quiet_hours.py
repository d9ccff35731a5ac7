"""Quiet hours, in winter, in summer and in between."""

from datetime import UTC, datetime

import pytest

NIGHT = {"start": "21:00", "end": "08:00", "zone": "Europe/Berlin"}
SMALL_HOURS = {"start": "02:15", "end": "02:45", "zone": "Europe/Berlin"}


def until(rules, at, rule=NIGHT, **facts):
    named = {name.replace("_", "."): value for name, value in facts.items()}
    return rules.dropped({"quiet_hours": [rule]}, "mail.offer", at=at, facts=named)[2]


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        (datetime(2026, 11, 21, 19, 59, tzinfo=UTC), None),  # 20:59 in Berlin
        (datetime(2026, 11, 21, 20, 0, tzinfo=UTC), datetime(2026, 11, 22, 7, 0, tzinfo=UTC)),
        (datetime(2026, 11, 22, 6, 59, tzinfo=UTC), datetime(2026, 11, 22, 7, 0, tzinfo=UTC)),
        (datetime(2026, 11, 22, 7, 0, tzinfo=UTC), None),
        (datetime(2026, 7, 1, 19, 0, tzinfo=UTC), datetime(2026, 7, 2, 6, 0, tzinfo=UTC)),  # summer time
        (datetime(2026, 3, 28, 22, 0, tzinfo=UTC), datetime(2026, 3, 29, 6, 0, tzinfo=UTC)),  # an hour short
        (datetime(2026, 10, 24, 22, 0, tzinfo=UTC), datetime(2026, 10, 25, 7, 0, tzinfo=UTC)),  # an hour long
    ],
)
def test_quiet_hours_span_midnight_and_follow_the_local_clock(rules, at, ends):
    assert until(rules, at) == ends


def test_hours_within_a_day_end_on_that_day(rules):
    noon = {"start": "12:00", "end": "14:00"}
    assert until(rules, rules.at, noon) == datetime(2026, 11, 21, 14, tzinfo=UTC)
    assert until(rules, datetime(2026, 11, 21, 14, tzinfo=UTC), noon) is None


def test_hours_that_a_clock_change_repeats_are_quiet_from_the_first_to_the_last_of_them(rules):
    # on 25 October 2026 the clock goes from 03:00 CEST back to 02:00 CET, at 01:00 UTC
    end = datetime(2026, 10, 25, 1, 45, tzinfo=UTC)
    assert until(rules, datetime(2026, 10, 25, 0, 14, tzinfo=UTC), SMALL_HOURS) is None
    assert until(rules, datetime(2026, 10, 25, 0, 15, tzinfo=UTC), SMALL_HOURS) == end
    assert until(rules, datetime(2026, 10, 25, 0, 50, tzinfo=UTC), SMALL_HOURS) == end
    assert until(rules, end, SMALL_HOURS) is None


def test_hours_that_a_clock_change_skips_do_no_harm(rules):
    # on 29 March 2026 the clock goes from 02:00 CET to 03:00 CEST, at 01:00 UTC
    end = datetime(2026, 3, 29, 1, 45, tzinfo=UTC)
    assert until(rules, datetime(2026, 3, 29, 1, 0, tzinfo=UTC), SMALL_HOURS) == end
    assert until(rules, end, SMALL_HOURS) is None


def test_the_customers_own_zone_counts_first_as_asked_then_as_known_then_as_configured(rules):
    zones = {"traits": {"zone": {"type": "category", "categories": ["Asia/Tokyo", "America/New_York"]}}}
    tables = zones | {"quiet_hours": [{"start": "21:00", "end": "08:00", "trait": "zone"}]}

    def words(**facts):
        return rules.dropped(tables, "mail.offer", facts={name.replace("_", "."): value for name, value in facts.items()})[1]

    assert words() is None  # noon in UTC
    assert words(trait_zone="Asia/Tokyo") == "no any touchpoint between 21:00 and 08:00: it is 21:00 in Asia/Tokyo"
    assert words(trait_zone="Asia/Tokyo", context_timezone="America/New_York").endswith("it is 07:00 in America/New_York")
    assert words(trait_zone="Asia/Tokyo", context_timezone="Europe/Berlin") is None
    assert words(trait_zone="Asia/Tokyo", context_timezone="../../etc/passwd").endswith("in Asia/Tokyo")
    assert words(context_timezone=5) is None and words(trait_zone="Nowhere") is None


def test_what_is_transactional_goes_out_at_night(rules):
    night = datetime(2026, 11, 21, 23, tzinfo=UTC)
    assert rules.eligible({"quiet_hours": [NIGHT]}, at=night) == ["none", "email.receipt"]
    assert "mail.offer" in rules.eligible({"quiet_hours": [{**NIGHT, "channel": "call"}]}, at=night)
