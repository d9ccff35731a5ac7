import json

import pytest

from features.insights.table import Unit
from features.insights.touchpoints import touchpoints_page

HOSTILE = "web.'; drop table seen; --<script>alert(1)</script>"


def busy(brand):
    """Thirty customers who do a bit of everything."""
    rows = []
    for n in range(30):
        name = f"secret-{n}"
        rows += [
            brand.event(name, "mail.offer", "contact", n % 20),
            brand.event(name, "store.checkout", "purchase", -20 + n % 3, value=10.0),
            brand.event(name, "call.service", "call", 2, properties='{"seconds": "60"}', sentiment=0.1),
            brand.event(name, "call.service", "rating", 3, metric="csat", score=float(1 + n % 5)),
            brand.event(name, "survey.nps", "rating", 4, metric="nps", score=float(n % 11)),
            brand.event(name, "survey.ces", "rating", 4, metric="ces", score=float(1 + n % 7)),
            brand.event(name, HOSTILE, "view", 5),
        ]
        rows += [brand.event(name, "mail.offer", "open", n % 20 + 1)] if n % 2 else []
        rows += [brand.event(name, "store.checkout", "purchase", 25, value=20.0)] if n % 3 else []
    brand.add(*rows)


@pytest.fixture(scope="module")
def page(kept_brand):
    busy(kept_brand)
    segments = "(select 'secret-' || range as customer_id, 'loyal' as segment from range(20))"
    return touchpoints_page(kept_brand.look(segments=segments))


def test_an_empty_lake_gives_a_page_that_says_what_to_do(brand):
    page = touchpoints_page(brand.look())
    (section,) = page.sections
    assert "touchpoint ingest" in section.empty and page.name == "touchpoints"


def test_the_answer_comes_first_and_every_section_has_rows_or_says_what_to_do(page):
    names = [section.name for section in page.sections]
    assert names == [
        "effective_customer_engagement",
        "touchpoints",
        "stages",
        "channels",
        "segments",
        "weeks",
        "satisfaction",
        "effort",
        "churn",
        "money",
    ]
    for section in page.sections:
        assert any(table.rows for table in section.tables) or section.empty, section.name


def test_a_lake_without_ratings_calls_or_segments_says_what_to_ingest(brand):
    brand.add(brand.event("ann", "web.page", "view", 1))
    sections = {section.name: section for section in touchpoints_page(brand.look()).sections}
    for name in ("segments", "satisfaction", "effort", "churn", "money"):
        assert sections[name].empty and not sections[name].tables, name
    assert "`metric`" in sections["satisfaction"].empty


def test_every_table_has_a_name_of_its_own_and_every_figure_its_table_beside_it(page):
    names = [table.name for table in page.tables]
    assert len(names) == len(set(names))
    for section in page.sections:
        assert {figure.table for figure in section.figures} <= {table.name for table in section.tables}


def test_cards_tell_engagement_ratings_reach_and_churn(page):
    cards = {card.title: card for card in page.cards}
    assert set(cards) == {"Effective customer engagement (ECE)", "CSAT", "NPS", "CES, mean", "Customers reached", "Churn"}
    assert cards["CSAT"].value == pytest.approx(0.4)  # 4 and 5 of 1 to 5, alike often
    assert cards["Customers reached"].value == 30
    assert cards["Churn"].unit is Unit.SHARE


def test_hostile_names_are_names(page):
    assert HOSTILE in page.table("by_touchpoint").column("touchpoint")


def test_the_page_is_json_without_a_customers_name(page):
    text = json.dumps(page.as_json(), allow_nan=False)
    assert "secret-" not in text
    assert type(page).from_json(json.loads(text)).as_json() == page.as_json()


def test_every_share_and_mean_has_its_interval_count_and_plain_value(page):
    for table in page.tables:
        names = [column.name for column in table.columns]
        if "value" in names and "measure" in names:
            assert {"n", "value_low", "value_high", "value_raw", "value_shrunk"} <= set(names)
            for record in table.records:
                assert record["value_low"] is None or record["value_low"] <= record["value"] <= record["value_high"]


def test_every_number_is_explained(page):
    for table in page.tables:
        for column in table.columns:
            if column.unit in (Unit.SHARE, Unit.SCORE, Unit.MONEY):
                generic = column.name in ("value", "value_raw")
                assert column.explains or generic, (table.name, column.name)


def test_the_change_against_the_period_before_adds_up(brand):
    busy(brand)
    brand.add(*(brand.event(f"secret-{n}", "call.service", "call", -30 + n) for n in range(10)))
    page = touchpoints_page(brand.look())
    for record in page.table("effective_customer_engagement_change").records:
        parts = record["by_volume"] + record["by_quality"] + record["by_conversion"]
        assert parts == pytest.approx(record["change"], abs=1e-9)


def test_a_fall_beyond_the_intervals_is_an_alarm_that_says_from_where_to_where(brand):
    """Sixty customers who all bought within ten days after a call, and then nearly none."""
    for day, buyers in ((-50, 55), (10, 5)):
        brand.add(*(brand.event(f"c{n}", "call.service", "call", day) for n in range(60)))
        brand.add(*(brand.event(f"c{n}", "store.checkout", "purchase", day + 1, value=1.0) for n in range(buyers)))
    card = touchpoints_page(brand.look()).cards[0]
    assert card.alarm and card.note.startswith("fell from ")
    level = touchpoints_page(brand.look(since=-60)).cards[0]
    assert not level.alarm and "fell" not in level.note
