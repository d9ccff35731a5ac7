"""The page: what changed, how things will go on, and how far that can be trusted."""

from collections.abc import Mapping, Sequence

import numpy as np

from features.insights.changes.anomalies import FALSE_ALARMS, RECENT_DAYS, judge
from features.insights.changes.events import Event, gather, recent
from features.insights.changes.forecasts import HORIZON_DAYS, Forecast, forecast
from features.insights.changes.measure import Watched, measure_series
from features.insights.changes.sections import (
    UNITS,
    accuracy_section,
    changes_section,
    forecast_section,
    forecasts_section,
    quiet_section,
    unjudged_section,
)
from features.insights.changes.series import Measure, Part, Series, in_its_grain
from features.insights.look import Look
from features.insights.page import Card, Page
from features.insights.table import Unit
from features.quality import Alarm, AlarmKind, quality_report

MOST_FORECASTS = 30

_Key = tuple[Measure, Part, str]
_ALL = (Part.ALL, "all")
_FORECAST_FIRST = (Part.ALL, Part.CHANNEL, Part.TOUCHPOINT)


def changes_page(look: Look) -> Page:
    """What is changing: anomalies of the period, forecasts of the next 28 days, quiet sources.

    Everything is told as of the end of the period, or of what is known; only quiet sources are told as of now.
    """
    watched = measure_series(look)
    grained = [(series, in_its_grain(series)) for series in watched.series]
    said = [series for _, series in grained if series is not None]
    judged = {each.series.key: each for each in judge([each for each in said if each.measure is not Measure.VALUE])}
    # Money is told of by its forecast alone: one large order is no event
    usual = {
        each.series.key: each.usual for each in (*judged.values(), *judge([each for each in said if each.key not in judged]))
    }
    events = [
        event
        for event in gather((anomaly for each in judged.values() for anomaly in each.anomalies), watched.bonds)
        if event.widest.end >= look.period.since.date()
    ]
    forecasts, left_out = _forecasts(said, usual, np.random.default_rng(look.seed))
    report = quality_report(look.lake, catalogue=look.catalogue, now=look.now)
    quiet = [alarm for alarm in report.alarms if alarm.kind is AlarmKind.QUIET]
    everything = {each.series.measure: each for each in forecasts if each.series.part is Part.ALL}
    sections = (
        changes_section(events, list(judged.values()), watched),
        *(
            forecast_section(measure, everything.get(measure), judged.get((measure, *_ALL)))
            for measure in (Measure.VOLUME, Measure.CONVERSION)
        ),
        forecasts_section(forecasts, left_out),
        quiet_section(quiet),
        accuracy_section(forecasts),
        unjudged_section([series for series, said in grained if said is None], watched),
    )
    return Page(
        name="changes",
        title="What is changing",
        lead="What departed from what was to be expected, and how volume and conversion will go on.",
        cards=_cards(watched, events, everything, quiet),
        sections=sections,
    )


def _forecasts(series: Sequence[Series], usual: Mapping[_Key, Series], rng: np.random.Generator) -> tuple[list[Forecast], int]:
    """Of everything, then of channels, then of touchpoints, those with most first; and how many were left out."""
    wanted = [each for part in _FORECAST_FIRST for each in series if each.part is part and each.measure is not Measure.CONTACTS]
    made = [forecast(each, usual[each.key], rng=rng) for each in wanted[:MOST_FORECASTS]]
    return [each for each in made if each is not None], len(wanted[MOST_FORECASTS:])


def _cards(
    watched: Watched, events: Sequence[Event], everything: Mapping[Measure, Forecast], quiet: Sequence[Alarm]
) -> tuple[Card, ...]:
    lately = recent(events, watched.until, days=RECENT_DAYS)
    ongoing = sum(event.widest.ongoing for event in lately)
    note = f"{ongoing} still going on; at most {FALSE_ALARMS:g} false alarms are expected"
    cards = [Card(title=f"Anomalies, last {RECENT_DAYS} days", value=len(lately), unit=Unit.COUNT, note=note, alarm=ongoing > 0)]
    cards += [_card(everything[measure]) for measure in (Measure.VOLUME, Measure.CONVERSION) if measure in everything]
    names = ", ".join(alarm.source for alarm in quiet)
    return (*cards, Card(title="Quiet sources", value=len(quiet), unit=Unit.COUNT, note=names, alarm=bool(quiet)))


def _card(forecast: Forecast) -> Card:
    rate = forecast.series.exposure is not None
    low, high, before = (
        f"{value:.1%}" if rate else f"{value:,.0f}" for value in (forecast.total.low_95, forecast.total.high_95, forecast.before)
    )
    return Card(
        title=f"{forecast.series.words.capitalize()}{' per day' if rate else ''}, next {HORIZON_DAYS} days",
        value=forecast.total.middle,
        unit=UNITS[forecast.series.measure],
        note=f"95 %: {low} to {high}; last {HORIZON_DAYS} days: {before}",
    )
