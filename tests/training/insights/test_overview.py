from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from features.catalogue import parse_catalogue
from features.insights import Card, Column, Page, Period, Section, Table, Unit
from features.insights.figures import bars
from features.insights.look import Look
from features.lake import Lake
from features.synthetic import synthetic_catalogue
from training.insights.overview import overview_page


@pytest.fixture
def look(tmp_path):
    now = datetime(2026, 11, 22, tzinfo=UTC)
    period = Period.last(30, until=now)
    return Look(
        lake=Lake(tmp_path), catalogue=synthetic_catalogue(), period=period, now=now, known_until=now - timedelta(hours=6)
    )


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
    assert found.table("alarms").records == [{"what": "a", "value": "look here", "page": "findings"}]
    assert found.sections[0].words == ("One thing wants somebody to look.",)
    (figure,) = found.sections[1].figures
    assert found.table(figure.table).rows == (("a", 1),)


def test_without_any_page_all_is_well(look):
    found = overview_page(look, [])
    assert found.sections[0].words == ("Nothing wants somebody to look.",) and not found.cards[0].alarm


def test_history_that_ended_days_ago_is_an_alarm(look):
    old = replace(look, known_until=look.now - timedelta(days=3))
    assert overview_page(old, []).cards[0].alarm


def test_a_catalogue_may_say_how_history_is_read():
    catalogue = parse_catalogue({"touchpoints": [{"name": "web.cart", "stage": "purchase"}], "insights": {"days": 30}})
    assert catalogue.insights.days == 30
