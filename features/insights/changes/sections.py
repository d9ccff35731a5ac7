"""The sections of the page: words with the numbers in them, a figure, and the tables that it is drawn from."""

from collections.abc import Sequence

from features.insights.changes.anomalies import FALSE_ALARMS, RECENT_DAYS, Judged
from features.insights.changes.events import Event, in_words, recent
from features.insights.changes.forecasts import HORIZON_DAYS, Forecast
from features.insights.changes.measure import MOST_PER_PART, Watched
from features.insights.changes.series import Measure, Series
from features.insights.changes.tables import (
    accuracy_table,
    days_table,
    departures_table,
    events_table,
    forecasts_table,
    quiet_table,
    unjudged_table,
)
from features.insights.figures import lines
from features.insights.page import Section
from features.insights.table import Unit
from features.quality import Alarm

_TOLD = 3

UNITS = {
    Measure.VOLUME: Unit.COUNT,
    Measure.CONTACTS: Unit.COUNT,
    Measure.CONVERSION: Unit.SHARE,
    Measure.VALUE: Unit.MONEY,
}


def changes_section(events: Sequence[Event], judged: Sequence[Judged], watched: Watched) -> Section:
    """What changed."""
    lately = recent(events, watched.until, days=RECENT_DAYS)
    first = f"{_many(len(lately), 'event')} in the last {RECENT_DAYS} days, {len(events)} in the whole period."
    told = tuple(in_words(event.widest) for event in lately[:_TOLD])
    alarms = f"If nothing happened, {len(judged)} series would raise at most {FALSE_ALARMS:g} false alarms in {RECENT_DAYS} days."
    anomalies = [each for event in events for each in (event.widest, *event.others)]
    counts, rates = ([each for each in anomalies if (each.series.exposure is not None) is rate] for rate in (False, True))
    tables = (
        events_table(events),
        departures_table("volume_departures", "Anomalies of volume and contacts", Unit.COUNT, counts),
        departures_table("conversion_departures", "Anomalies of conversion", Unit.SHARE, rates),
    )
    empty = f"Nothing departed from what was expected of {_many(len(judged), 'series')}; there is nothing to do."
    if not judged:
        empty = "Nothing can be judged yet: bring interactions of four weeks or more by touchpoint ingest, then look again."
    words = (first, *told, alarms) if events else ()
    return Section(name="changes", title="What changed?", words=words, tables=tables, empty=empty)


def forecast_section(measure: Measure, forecast: Forecast | None, judged: Judged | None) -> Section:
    """How everything went, and how it will go on."""
    name, unit = measure.value, UNITS[measure]
    title = f"How will {name} go on?"
    if forecast is None:
        empty = f"There is no {name} on most days or weeks yet: bring interactions by touchpoint ingest, and look again."
        return Section(name=name, title=title, empty=empty)
    table = days_table(f"{name}_days", name.capitalize(), unit, judged, forecast)
    figure = lines(
        table, f"{name.capitalize()}, and its forecast", x="day", value="value", low="low_95", high="high_95", split="line"
    )
    return Section(
        name=name, title=title, words=(forecast_in_words(forecast), _how(forecast)), figures=(figure,), tables=(table,)
    )


def forecasts_section(forecasts: Sequence[Forecast], left_out: int) -> Section:
    """The next 28 days of each part."""
    tables = tuple(
        forecasts_table(f"{measure.value}_forecasts", f"{measure.value.capitalize()}, by part", UNITS[measure], of)
        for measure in (Measure.VOLUME, Measure.CONVERSION, Measure.VALUE)
        if (of := [each for each in forecasts if each.series.measure is measure])
    )
    sure = sum(not each.total.low_95 <= each.before <= each.total.high_95 for each in forecasts)
    words = [f"Of {_many(len(forecasts), 'series')}, {sure} will differ from the last {HORIZON_DAYS} days beyond chance."]
    if left_out:
        words.append(f"{_many(left_out, 'series')} with less volume were left out, because each forecast takes time.")
    empty = "Nothing can be forecast yet: a series needs something on most days or weeks."
    return Section(
        name="forecasts", title="What will each part bring?", words=tuple(words) if forecasts else (), tables=tables, empty=empty
    )


def accuracy_section(forecasts: Sequence[Forecast]) -> Section:
    """How good the forecasts were."""
    title, empty = "How good were the forecasts?", "Forecasts are tried where a series has 84 days or 12 weeks; wait for more."
    table = accuracy_table(forecasts)
    tried = [each.accuracy for each in forecasts if each.accuracy is not None]
    if not tried:
        return Section(name="accuracy", title=title, tables=(table,), empty=empty)
    points = sum(each.points for each in tried)
    inside = sum(each.inside_95 * each.points for each in tried) / points
    errors = [(each.mase, each.naive) for each in tried if each.mase is not None and each.naive is not None]
    better = sum(mase < naive for mase, naive in errors)
    words = (
        f"The last {HORIZON_DAYS} days were forecast from those before.",
        f"Of {points:,} points, {inside:.1%} came within their 95 % interval.",
        f"{better} of {len(errors)} forecasts were better than repeating the last week.",
    )
    return Section(name="accuracy", title=title, words=words, tables=(table,), empty=empty)


def quiet_section(alarms: Sequence[Alarm]) -> Section:
    """Sources from which nothing comes."""
    words = tuple(f"{each.source}: {each.message}." for each in alarms[:_TOLD])
    empty = "No source is silent for longer than it usually is."
    return Section(name="quiet", title="Has a source gone quiet?", words=words, tables=(quiet_table(alarms),), empty=empty)


def unjudged_section(series: Sequence[Series], watched: Watched) -> Section:
    """What was not judged."""
    words = [f"{_many(len(series), 'series')} could not be judged."] if series else []
    if watched.left_out:
        words.append(
            f"Of each figure, the {MOST_PER_PART} channels, touchpoints and sources with most were watched; "
            f"{watched.left_out} were not."
        )
    return Section(
        name="unjudged",
        title="What is not watched?",
        words=tuple(words),
        tables=(unjudged_table(series),),
        empty="Everything is watched.",
    )


def forecast_in_words(forecast: Forecast) -> str:
    """The next 28 days, beside the last ones."""
    middle, low, high, before = (
        _text(forecast, value)
        for value in (forecast.total.middle, forecast.total.low_95, forecast.total.high_95, forecast.before)
    )
    changed = "more" if forecast.total.low_95 > forecast.before else "less" if forecast.total.high_95 < forecast.before else None
    verdict = "not distinguishable from it" if changed is None else f"{changed} beyond chance"
    figure = forecast.series.words
    per = " a day" if forecast.series.exposure is not None else ""
    return (
        f"{figure[0].upper()}{figure[1:]} of the next {HORIZON_DAYS} days: {middle}{per} (95 %: {low} to {high}), "
        f"after {before} in the last {HORIZON_DAYS}: {verdict}."
    )


def _how(forecast: Forecast) -> str:
    way = f"the forecast is made by {forecast.method.value} over each {forecast.series.grain.value}"
    return f"Bands are 95 % intervals; {way}, and takes days to be ordinary: spikes and drops are not foreseen."


def _text(forecast: Forecast, value: float) -> str:
    return f"{value:,.0f}" if forecast.series.exposure is None else f"{value:.1%}"


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 or noun.endswith("s") else f"{number} {noun}s"
