from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from features.catalogue import parse_catalogue
from features.insights import Card, Column, Page, Period, Section, Table, Unit
from features.insights.figures import bars
from features.insights.look import Look
from features.lake import SCHEMAS, Lake
from features.synthetic import synthetic_catalogue
from training.insights.overview import overview_page


@pytest.fixture
def look(tmp_path):
    now = datetime(2026, 11, 22, tzinfo=UTC)
    period = Period.last(30, until=now)
    lake = Lake(tmp_path)
    row = {"message_id": "m1", "customer_id": "ann", "touchpoint": "web.page", "kind": "view", "at": now, "received_at": now}
    schema = SCHEMAS["interactions"]
    lake.append("interactions", pa.Table.from_pylist([dict.fromkeys(schema.names) | row | {"source": "test"}], schema=schema))
    return Look(lake=lake, catalogue=synthetic_catalogue(), period=period, now=now, known_until=now - timedelta(hours=6))


def page(name, *cards, table="ranking"):
    found = Table.of(table, "Found", [Column("what", "What"), Column("size", "Size", Unit.COUNT)], [{"what": "a", "size": 1}])
    figure = bars(found, "Found", label="what", value="size")
    sections = (
        Section(name="first", title="First", words=("One.",), tables=(found,), figures=(figure,)),
        Section(name="b", title="B"),
    )
    return Page(name=name, title=name.title(), lead="", cards=cards, sections=sections)


def card(title, **given):
    return Card(title=title, value=1, unit=Unit.COUNT, **given)


def test_it_shows_the_first_card_of_every_page_and_all_alarms_which_come_first(look):
    found = overview_page(look, [page("findings", card("a"), card("b")), page("quality", card("c"), card("d", alarm=True))])
    assert [(each.title, each.link) for each in found.cards] == [
        ("Age of what is known", None),
        ("d", "quality"),
        ("a", "findings"),
        ("c", "quality"),
    ]


def test_it_begins_with_the_alarms_and_goes_on_with_the_first_findings(look):
    found = overview_page(look, [page("findings", card("a", alarm=True, note="look here"))])
    assert [section.name for section in found.sections] == ["alarms", "findings_first"]
    assert found.table("alarms").records == [{"what": "a", "value": "1", "note": "look here", "page": "findings"}]
    assert found.sections[0].words == ("One thing wants somebody to look.",)
    (figure,) = found.sections[1].figures
    assert found.table(figure.table).rows == (("a", 1),)


def test_without_any_page_all_is_well(look):
    found = overview_page(look, [])
    assert found.sections[0].words == ("Nothing wants somebody to look.",) and not found.cards[0].alarm


def test_findings_and_sources_are_the_first_alarms(look):
    quality = page("quality", card("Refused", alarm=True), card("Alarms of sources", alarm=True))
    changes = page("changes", card("Anomalies", alarm=True), card("Quiet sources", alarm=True))
    found = overview_page(
        look, [quality, changes, page("findings", card("Customers leave", alarm=True)), page("value", card("v"))]
    )
    told = ["Customers leave", "Quiet sources", "Alarms of sources", "Refused", "Anomalies"]
    assert found.table("alarms").column("what") == told
    assert [each.title for each in found.cards] == ["Age of what is known", *told, "v"]


def test_values_of_alarms_have_their_units(look):
    values = [(0.1234, Unit.SHARE), (10507.47, Unit.MONEY), (2.5, Unit.MONEY), (3.04, Unit.DAYS), (2805.1, Unit.NUMBER)]
    values += [(12, Unit.COUNT), ("none", Unit.TEXT), (None, Unit.MONEY)]
    cards = [Card(title="a", value=value, unit=unit, alarm=True) for value, unit in values]
    told = overview_page(look, [page("policy", *cards)]).table("alarms").column("value")
    assert told == ["12.3%", "10,507 USD", "2.5 USD", "3.0 days", "2,805", "12", "none", ""]


def test_an_empty_home_is_told_what_to_do_and_not_that_all_is_well(look, tmp_path):
    found = overview_page(replace(look, lake=Lake(tmp_path / "new")), [page("policy", card("Champion", alarm=True))])
    (section,), (age,) = found.sections, found.cards
    assert section.words == ("There is no history yet: run `touchpoint ingest`.",) and not section.tables
    assert (age.value, age.alarm) == (None, False)


def test_history_that_ended_days_ago_is_an_alarm(look):
    old = replace(look, known_until=look.now - timedelta(days=3))
    assert overview_page(old, []).cards[0].alarm


def test_a_catalogue_may_say_how_history_is_read():
    catalogue = parse_catalogue({"touchpoints": [{"name": "web.cart", "stage": "purchase"}], "insights": {"days": 30}})
    assert catalogue.insights.days == 30
