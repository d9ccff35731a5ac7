"""What shows in many series is told once."""

from dataclasses import replace
from datetime import date

import numpy as np

from features.insights.changes.anomalies import Anomaly, Kind
from features.insights.changes.events import gather, in_words, recent
from features.insights.changes.series import Bonds, Part

MAY_3 = date(2026, 5, 3)
BONDS = Bonds(frozenset({("web", "web.home", "shop"), ("survey", "survey.nps", "panel")}))


def anomaly(series, *, start=MAY_3, end=MAY_3, observed=20.0, expected=100.0, deviations=-8.0) -> Anomaly:
    return Anomaly(
        series=series,
        kind=Kind.DROP,
        start=start,
        end=end,
        observed=observed,
        expected=expected,
        low=80.0,
        high=120.0,
        deviations=deviations,
        ongoing=False,
    )


def test_the_widest_part_stands_for_an_event_and_names_the_others(series_of):
    touchpoint = series_of(np.ones(3))
    channel, everything = (replace(touchpoint, part=part, name=name) for part, name in ((Part.CHANNEL, "web"), (Part.ALL, "all")))
    (event,) = gather([anomaly(touchpoint, observed=30), anomaly(everything), anomaly(channel, observed=25)], BONDS)
    assert event.widest.series is everything
    assert event.also == "channel web (-75%), touchpoint web.home (-70%)"


def test_what_departs_at_the_same_time_and_is_no_part_of_it_is_another_event(series_of):
    touchpoint = series_of(np.ones(3))
    parts = ((Part.CHANNEL, "web"), (Part.CHANNEL, "survey"), (Part.SOURCE, "shop"), (Part.SOURCE, "panel"))
    web, survey, shop, panel = (replace(touchpoint, part=part, name=name) for part, name in parts)
    events = gather([anomaly(each) for each in (web, survey, shop, panel, touchpoint)], BONDS)
    assert {event.widest.series.name: event.also for event in events} == {
        "web": "touchpoint web.home (-80%), source shop (-80%)",
        "survey": "source panel (-80%)",
    }


def test_other_days_and_other_directions_are_other_events_the_newest_first(series_of):
    series = series_of(np.ones(3))
    later = anomaly(series, start=date(2026, 5, 9), end=date(2026, 5, 9))
    up = anomaly(series, observed=300, deviations=9.0)
    events = gather([anomaly(series), up, later], BONDS)
    assert [event.widest for event in events] == [later, up, anomaly(series)]
    assert recent(events, date(2026, 5, 12), days=5) == events[:1]


def test_an_anomaly_in_words_says_where_when_and_how_much(series_of):
    assert in_words(anomaly(series_of(np.ones(3)))) == (
        "Volume of touchpoint web.home, on 2026-05-03: drop to 20, where 100 (80 to 120) was expected (-80%)."
    )
