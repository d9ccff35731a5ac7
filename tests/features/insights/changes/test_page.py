"""The page as a whole, on small lakes."""

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import pytest

from features.insights.changes import changes_page

DAYS = 120
UNTIL = datetime(2026, 5, 1, 8, tzinfo=UTC)  # 120 days after 1 January, and a morning


def history(outage: range = range(0), days: int = DAYS) -> Iterator[tuple[float, str, str, str]]:
    rng = np.random.default_rng(9)
    for day in range(days):
        for touchpoint, mean in (("web.home", 60), ("email.offer", 20)):
            views = 0 if touchpoint == "web.home" and day in outage else rng.poisson(mean * (0.5 if day % 7 > 4 else 1.0))
            for _ in range(views):
                kind = "purchase" if rng.random() < 0.1 else "click"
                yield day + rng.random(), f"c{rng.integers(300)}", touchpoint, kind
    yield from ((days + 0.1, f"c{k}", "web.home", "click") for k in range(3))


def numbers(value: object) -> Iterator[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from numbers(each)
    elif isinstance(value, float):
        yield value


def test_an_outage_is_told_once_and_everything_has_its_table(look_of):
    page = changes_page(look_of(history(range(110, 114)), until=UNTIL))
    told = page.table("anomalies").records
    of_volume = [row for row in told if row["what"] == "volume"]
    assert [(row["start"], row["end"], row["kind"]) for row in of_volume] == [("2026-04-21", "2026-04-24", "drop")]
    assert "channel web (-100%)" in of_volume[0]["also"]
    assert page.cards[0].value >= 1
    for section in page.sections:
        assert {figure.table for figure in section.figures} <= {table.name for table in section.tables}
    assert {"volume_days", "conversion_days", "volume_forecasts", "conversion_forecasts", "accuracy"} <= {
        t.name for t in page.tables
    }


def test_an_outage_up_to_the_last_day_is_still_going_on(look_of):
    page = changes_page(look_of(history(range(111, 120)), until=UNTIL))
    (row,) = [row for row in page.table("anomalies").records if row["kind"] == "drop" and row["what"] == "volume"]
    assert (row["start"], row["end"], row["ongoing"]) == ("2026-04-22", "2026-04-30", True)
    assert page.cards[0].alarm and "still going on" in row["words"]


def test_no_number_is_missing_as_nan_and_the_page_is_json(look_of):
    told = changes_page(look_of(history(range(50, 53)), until=UNTIL)).as_json()
    assert all(math.isfinite(number) for number in numbers(told))
    json.dumps(told, allow_nan=False)


def test_the_forecast_follows_the_last_whole_day(look_of):
    records = changes_page(look_of(history(), until=UNTIL)).table("volume_days").records
    assert max(row["day"] for row in records if row["line"] == "observed") == "2026-04-30"
    ahead = [row for row in records if row["line"] == "forecast"]
    assert (ahead[0]["day"], ahead[-1]["day"], len(ahead)) == ("2026-05-01", "2026-05-28", 28)
    assert all(row["low_95"] <= row["low_80"] <= row["value"] <= row["high_80"] <= row["high_95"] for row in ahead)


def test_where_nothing_departed_the_page_says_so(look_of):
    page = changes_page(look_of(history(), until=UNTIL))
    section = page.sections[0]
    assert page.cards[0].value == len(page.table("anomalies").rows) == 0
    assert "Nothing departed" in section.empty


def test_anomalies_before_the_period_are_not_told(look_of):
    look = look_of(history(range(60, 64)), until=UNTIL)
    assert changes_page(look).table("anomalies").rows
    from dataclasses import replace

    from features.insights.period import Period

    assert not changes_page(replace(look, period=Period.last(28, until=UNTIL))).table("anomalies").rows


@pytest.mark.parametrize("days", [0, 1, 5, 20])
def test_little_history_makes_a_page_that_says_what_is_missing(look_of, days):
    rows = [] if days == 0 else list(history(days=days))
    page = changes_page(look_of(rows, until=datetime(2026, 1, 1 + days, 8, tzinfo=UTC)))
    json.dumps(page.as_json(), allow_nan=False)
    assert page.cards[0].value == 0
    for section in page.sections:
        assert section.empty or any(table.rows for table in section.tables)
    if days == 0:
        assert "touchpoint ingest" in page.sections[0].empty


def test_a_source_that_fell_silent_is_told(look_of):
    page = changes_page(look_of((row for row in history() if row[0] < 116), until=UNTIL))
    assert page.table("quiet_sources").column("source") == ["shop"]
    assert page.cards[-1].alarm and page.cards[-1].note == "shop"
