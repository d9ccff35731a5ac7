from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from features.insights import Card, Column, Page, Period, Section, Table, Unit
from features.insights.figures import bars
from features.insights.period import PeriodError
from features.insights.snapshot import current_snapshot, keep_snapshot

NOW = datetime(2026, 11, 22, tzinfo=UTC)
PERIOD = Period.last(30, until=NOW)


def page(name="touchpoints", reach=7):
    columns = [Column("touchpoint", "Touchpoint"), Column("reach", "Reach", Unit.COUNT)]
    table = Table.of("reached", "Reached", columns, [{"touchpoint": "web.cart", "reach": reach}])
    figure = bars(table, "Reach", label="touchpoint", value="reach")
    section = Section(name="reach", title="Who is reached", words=("Seven.",), figures=(figure,), tables=(table,), empty="ingest")
    cards = (Card(title="Reach", value=reach, unit=Unit.COUNT, note="of 9", link="journeys", alarm=True),)
    return Page(name=name, title="Touchpoints", lead="What happens.", cards=cards, sections=(section,))


def keep(folder, *pages, at=NOW, people=None):
    return keep_snapshot(folder, pages, people or {}, at=at, period=PERIOD, currency="EUR")


def test_a_kept_page_is_read_back_as_it_was(tmp_path):
    keep(tmp_path, page(), page("journeys"))
    found = current_snapshot(tmp_path)
    assert found.page("touchpoints") == page()
    assert (found.at, found.period, found.names, found.currency) == (NOW, PERIOD, ("touchpoints", "journeys"), "EUR")
    assert found.page("nothing") is None


def test_before_the_first_look_there_is_none(tmp_path):
    assert current_snapshot(tmp_path / "insights") is None


def test_a_later_look_takes_over_and_only_the_one_before_it_stays(tmp_path):
    for number in range(4):
        keep(tmp_path, page(reach=number), at=NOW + timedelta(days=number))
    assert current_snapshot(tmp_path).page("touchpoints").cards[0].value == 3
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 2


def test_a_look_that_was_interrupted_does_not_count(tmp_path):
    keep(tmp_path, page())
    with pytest.raises(ValueError, match="not JSON compliant"):
        keep(tmp_path, page(reach=float("nan")), at=NOW + timedelta(days=1))
    assert current_snapshot(tmp_path).page("touchpoints") == page()


def test_what_is_known_of_one_customer_is_found_and_of_others_not_told(tmp_path):
    rows = pa.table({"customer_id": ["ann", "bob'); --"], "segment": ["loyal", "new"]})
    kept = keep(tmp_path, page(), people={"segments": rows})
    assert kept.of_customer("segments", "bob'); --") == [{"customer_id": "bob'); --", "segment": "new"}]
    assert kept.of_customer("segments", "eve") == kept.of_customer("cases", "ann") == []


def test_a_period_has_time_in_it_and_says_its_zone():
    with pytest.raises(PeriodError, match="no time in it"):
        Period(NOW, NOW)
    with pytest.raises(PeriodError, match="zones"):
        Period(NOW.replace(tzinfo=None), NOW)


def test_a_look_counts_and_stays_also_when_others_have_later_times(tmp_path):
    for number in range(1, 4):
        keep(tmp_path, page(reach=number), at=NOW + timedelta(days=number))
    keep(tmp_path, page(reach=9), at=NOW)  # it began first and took longest, or the clock was set back
    assert current_snapshot(tmp_path).page("touchpoints").cards[0].value == 9
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 2


def test_looks_may_end_at_the_same_time(tmp_path):
    def look(number):
        keep(tmp_path, page(reach=number), at=NOW + timedelta(seconds=number))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(look, range(40))) == [None] * 40
    assert current_snapshot(tmp_path).page("touchpoints") is not None
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 2
