"""The tables of the page: what each column is, and how results become rows."""

from collections.abc import Iterable, Sequence

import numpy as np

from features.insights.changes.anomalies import Anomaly, Judged
from features.insights.changes.events import Event, in_words
from features.insights.changes.forecasts import Forecast, Interval
from features.insights.changes.series import Series
from features.insights.table import Column, Table, Unit, Value
from features.quality import Alarm

SHOWN_DAYS = 90

_WHAT = Column("what", "What", explains="the figure, and of which part it is")
_START = Column("start", "From", explains="first day, UTC")
_END = Column("end", "To", explains="last day, UTC; of a level shift, when it was taken to be the new level")
_KIND = Column("kind", "Kind", explains="spike and drop came back or are still going on; a level shift stayed")
_CHANGE = Column("change", "Change", Unit.SHARE, "observed over expected, less one; nothing where nothing was expected")
_ONGOING = Column("ongoing", "Still going on", Unit.YES_NO, "whether it lasts up to the last day that is over")
_PART = Column("part", "Part", explains="all, channel, touchpoint or source")
_NAME = Column("name", "Name", explains="of the part")


def events_table(events: Sequence[Event]) -> Table:
    """What changed, one row per event."""
    columns = (
        _WHAT,
        _KIND,
        _START,
        _END,
        _CHANGE,
        Column(
            "deviations",
            "Deviations",
            Unit.NUMBER,
            "how rare it is, as standard deviations of a normal distribution; below 0 is too little",
        ),
        _ONGOING,
        Column("words", "In words", explains="observed, expected and its 95 % interval"),
        Column(
            "also", "Also in", explains="narrower parts of the same thing that departed at the same time, those off by most first"
        ),
    )
    records = [
        {**_of(event.widest), "deviations": event.widest.deviations, "words": in_words(event.widest), "also": event.also}
        for event in events
    ]
    return Table.of("anomalies", "What changed", columns, records, note="Newest first, and of one day the largest first.")


def departures_table(name: str, title: str, unit: Unit, anomalies: Sequence[Anomaly]) -> Table:
    """Every anomaly of every series, with its numbers."""
    columns = (
        _WHAT,
        _PART,
        _NAME,
        _KIND,
        _START,
        _END,
        Column("observed", "Observed", unit, "over these days"),
        Column("expected", "Expected", unit, "over these days, by the days before: level times weekly pattern"),
        Column("low_95", "Expected at least", unit, "lower end of the 95 % interval of what was expected"),
        Column("high_95", "Expected at most", unit, "upper end of the 95 % interval of what was expected"),
        _CHANGE,
        _ONGOING,
    )
    records = [
        {
            **_of(each),
            "observed": each.observed,
            "expected": each.expected,
            "low_95": each.low,
            "high_95": each.high,
        }
        for each in anomalies
    ]
    return Table.of(name, title, columns, records, note="The same event is here once for each part in which it shows.")


def days_table(name: str, title: str, unit: Unit, judged: Judged | None, forecast: Forecast) -> Table:
    """What was observed, what was expected, and what is forecast, point by point."""
    columns = (
        Column("day", "Day", explains="UTC; of weeks, the first day"),
        Column("line", "Line", explains="observed; expected from the days before; forecast"),
        Column("value", title, unit),
        Column("low_95", "At least", unit, "lower end of the 95 % interval"),
        Column("high_95", "At most", unit, "upper end of the 95 % interval"),
        Column("low_80", "At least, 80 %", unit, "lower end of the 80 % interval, of forecasts"),
        Column("high_80", "At most, 80 %", unit, "upper end of the 80 % interval, of forecasts"),
    )
    series = forecast.series
    shown = range(max(0, len(series.counts) - SHOWN_DAYS // series.grain.days), len(series.counts))
    records = [_line(series, point, "observed", float(series.values[point])) for point in shown]
    if judged is not None:
        records += [record for point in shown if (record := _expected(judged, point)) is not None]
    for ahead, interval in enumerate(forecast.points):
        point = len(series.counts) + ahead
        records.append(_line(series, point, "forecast", interval.middle) | _ends(interval))
    return Table.of(name, title, columns, records)


def forecasts_table(name: str, title: str, unit: Unit, forecasts: Sequence[Forecast]) -> Table:
    """The next 28 days of each series beside the last ones, and how good such forecasts were."""
    rate = unit is Unit.SHARE
    over = "mean rate of the days" if rate else "sum of the days"
    columns = (
        _WHAT,
        _PART,
        _NAME,
        Column("before", "Last 28 days", unit, "what was observed"),
        Column("next", "Next 28 days", unit, f"median of what may come, {over}"),
        Column("low_95", "At least", unit, "lower end of the 95 % interval"),
        Column("high_95", "At most", unit, "upper end of the 95 % interval"),
        Column("low_80", "At least, 80 %", unit, "lower end of the 80 % interval"),
        Column("high_80", "At most, 80 %", unit, "upper end of the 80 % interval"),
        Column("change", "Change", Unit.SHARE, "the next over the last 28 days, less one"),
        Column("sure", "Differs", Unit.YES_NO, "whether the last 28 days lie outside the 95 % interval of the next"),
        Column("method", "Method", explains="smoothing with a weekly pattern; means where days are too few or counts too small"),
    )
    records = [
        {
            **_part(each.series),
            "before": each.before,
            "next": each.total.middle,
            **_ends(each.total),
            "change": each.total.middle / each.before - 1 if each.before > 0 else None,
            "sure": not each.total.low_95 <= each.before <= each.total.high_95,
            "method": each.method.value,
        }
        for each in forecasts
    ]
    return Table.of(name, title, columns, records)


def accuracy_table(forecasts: Iterable[Forecast]) -> Table:
    """How good the forecasts were on the last 28 days, of which they had seen nothing."""
    error = "mean absolute error, over that of repeating the week before in the time before; below 1 is better"
    columns = (
        _WHAT,
        Column("method", "Method"),
        Column("points", "Points", Unit.COUNT, "days, or weeks, that were held back"),
        Column("mase", "Error (MASE)", Unit.NUMBER, error),
        Column("naive", "Error of repeating the last week", Unit.NUMBER, "the same of the seasonal naive forecast"),
        Column("inside_95", "Inside 95 %", Unit.SHARE, "points within their 95 % interval"),
        Column("inside_80", "Inside 80 %", Unit.SHARE, "points within their 80 % interval"),
    )
    records: list[dict[str, Value]] = [
        {
            "what": each.series.words,
            "method": each.method.value,
            "points": each.accuracy.points,
            "mase": each.accuracy.mase,
            "naive": each.accuracy.naive,
            "inside_95": each.accuracy.inside_95,
            "inside_80": each.accuracy.inside_80,
        }
        for each in forecasts
        if each.accuracy is not None
    ]
    note = "Of 28 points one or two are outside of a 95 % interval by chance."
    return Table.of("accuracy", "How good the forecasts were", columns, records, note=note)


def quiet_table(alarms: Iterable[Alarm]) -> Table:
    """Sources from which nothing came for longer than it should."""
    columns = (
        Column("source", "Source"),
        Column("excess", "Times its limit", Unit.NUMBER, "how long it has been silent, over how long it may be"),
        Column("message", "What is wrong"),
    )
    records: list[dict[str, Value]] = [{"source": each.source, "excess": each.excess, "message": each.message} for each in alarms]
    return Table.of("quiet_sources", "Quiet sources", columns, records)


def unjudged_table(series: Iterable[Series]) -> Table:
    """What has too little, or comes too irregularly, to expect anything of it."""
    columns = (_WHAT, _PART, _NAME, Column("total", "Total", Unit.COUNT), Column("first", "First day"))
    records = [{**_part(each), "total": float(each.counts.sum()), "first": each.first.isoformat()} for each in series]
    note = "A series is judged where something happens on most days, or in most weeks, and at least twice on average."
    return Table.of("unjudged", "Too rare or too irregular to be judged", columns, records, note=note)


def _part(series: Series) -> dict[str, Value]:
    return {"what": series.words, "part": series.part.value, "name": series.name}


def _of(anomaly: Anomaly) -> dict[str, Value]:
    return {
        **_part(anomaly.series),
        "kind": anomaly.kind.value,
        "start": anomaly.start.isoformat(),
        "end": anomaly.end.isoformat(),
        "change": anomaly.change,
        "ongoing": anomaly.ongoing,
    }


def _ends(interval: Interval) -> dict[str, Value]:
    names = ("low_95", "high_95", "low_80", "high_80")
    return {name: getattr(interval, name) for name in names}


def _line(series: Series, point: int, line: str, value: float) -> dict[str, Value]:
    nothing: dict[str, Value] = dict.fromkeys(("low_95", "high_95", "low_80", "high_80"))
    return nothing | {"day": series.day(point).isoformat(), "line": line, "value": value}


def _expected(judged: Judged, point: int) -> dict[str, Value] | None:
    mean, deviation = float(judged.mean[point]), float(judged.deviation[point])
    if np.isnan(mean):
        return None
    exposure = judged.series.exposure
    out_of = 1.0 if exposure is None else max(float(exposure[point]), 1.0)
    ends = {"low_95": max(mean - 1.96 * deviation, 0.0) / out_of, "high_95": (mean + 1.96 * deviation) / out_of}
    return _line(judged.series, point, "expected", mean / out_of) | ends
