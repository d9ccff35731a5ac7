"""What is counted on which day, worked by hand."""

from datetime import UTC, date, datetime

from features.insights.changes import Measure, Part
from features.insights.changes.measure import measure_series

NOON_OF_THE_5TH = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_days_without_anything_are_zeros_and_the_day_that_is_not_over_is_left_out(look_of):
    rows = [
        (0.5, "a", "web.home", "view"),
        (0.6, "b", "web.home", "view"),
        (3.2, "a", "web.home", "view"),
        (4.1, "a", "web.home", "view"),
    ]
    watched = measure_series(look_of(rows, until=NOON_OF_THE_5TH))
    volume = watched.get(Measure.VOLUME)
    assert (volume.first, volume.counts.tolist()) == (date(2026, 1, 1), [2, 0, 0, 1])
    assert watched.until == date(2026, 1, 5)


def test_what_was_known_later_than_the_end_of_the_period_is_not_seen(look_of):
    rows = [(0.5, "a", "web.home", "view"), (3.2, "a", "web.home", "view")]
    look = look_of(rows, until=NOON_OF_THE_5TH, period_until=datetime(2026, 1, 3, tzinfo=UTC))
    assert measure_series(look).get(Measure.VOLUME).counts.tolist() == [1, 0]


def test_contacts_are_no_volume_but_of_their_source(look_of):
    rows = [
        (0.1, "a", "email.offer", "contact"),
        (0.2, "a", "email.offer", "open"),
        (1.3, "b", "email.offer", "contact"),
        (1.4, "a", "web.home", "view"),
    ]
    watched = measure_series(look_of(rows, until=datetime(2026, 1, 3, tzinfo=UTC)))
    assert watched.get(Measure.VOLUME).counts.tolist() == [1, 1]
    assert watched.get(Measure.CONTACTS, Part.CHANNEL, "email").counts.tolist() == [1, 1]
    assert watched.get(Measure.VOLUME, Part.CHANNEL, "email").counts.tolist() == [1, 0]
    assert watched.get(Measure.VOLUME, Part.SOURCE, "shop").counts.tolist() == [2, 2]


def test_a_channel_with_one_touchpoint_is_watched_once(look_of):
    rows = [(day + 0.5, "a", touchpoint, "view") for day in range(3) for touchpoint in ("web.home", "email.offer")]
    watched = measure_series(look_of([*rows, (1.2, "b", "web.home", "view")], until=datetime(2026, 1, 4, tzinfo=UTC)))
    parts = [(each.part, each.name) for each in watched.series if each.measure is Measure.VOLUME]
    assert parts == [(Part.ALL, "all"), (Part.CHANNEL, "web"), (Part.CHANNEL, "email")]


def test_conversion_is_of_those_met_within_a_week(look_of):
    # The first week of each part is left out, in which it has met only those who came since: days count from 8 January, 0-based 7
    rows = [(0.5, "a", "web.home", "purchase"), (0.5, "b", "web.home", "view"), (0.5, "c", "email.offer", "contact")]
    rows += [
        (5.5, "b", "web.home", "view"),
        (8.5, "b", "web.home", "purchase"),
        (9.2, "c", "web.home", "purchase"),
        (9.3, "c", "web.home", "purchase"),
    ]
    watched = measure_series(look_of(rows, until=datetime(2026, 1, 13, tzinfo=UTC)))
    conversion = watched.get(Measure.CONVERSION)
    # b was met on day 5 and counts up to day 11, renewed on day 8; c, whom only a mail met before, counts from day 9 on
    assert conversion.first == date(2026, 1, 8)
    assert conversion.exposure.tolist() == [1, 1, 2, 2, 2]
    assert conversion.counts.tolist() == [0, 1, 1, 0, 0]


def test_of_a_channel_those_count_as_met_whom_a_contact_met(look_of):
    rows = [(0.5, "a", "web.home", "purchase"), (0.5, "c", "email.offer", "contact"), (0.5, "d", "email.offer", "contact")]
    rows += [(5.5, "c", "email.offer", "contact"), (8.5, "c", "web.home", "purchase"), (13.5, "c", "web.home", "purchase")]
    watched = measure_series(look_of(rows, until=datetime(2026, 1, 15, tzinfo=UTC)))
    email = watched.get(Measure.CONVERSION, Part.CHANNEL, "email")
    # c was mailed on day 5, which counts up to day 11; the purchase on day 13 comes too late to be one of somebody met there
    assert (email.first, email.exposure.tolist()) == (date(2026, 1, 8), [1, 1, 1, 1, 1, 0, 0])
    assert email.counts.tolist() == [0, 1, 0, 0, 0, 0, 0]


def test_value_is_money_of_conversions_from_the_first_one_on(look_of):
    rows = [
        (0.5, "a", "web.home", "view"),
        (1.5, "a", "web.home", "purchase"),
        (1.6, "b", "web.home", "purchase"),
        (2.5, "a", "web.home", "view"),
    ]
    value = measure_series(look_of(rows, until=datetime(2026, 1, 4, tzinfo=UTC))).get(Measure.VALUE)
    assert (value.first, value.counts.tolist()) == (date(2026, 1, 2), [20, 0])


def test_a_lake_without_anything_has_no_series(look_of):
    assert measure_series(look_of([], until=NOON_OF_THE_5TH)).series == ()
