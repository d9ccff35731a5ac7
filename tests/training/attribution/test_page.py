import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from features.errors import TrainingError
from features.experiment import in_holdout
from features.insights.look import Look
from features.insights.period import Period
from features.lake import SCHEMAS, Lake
from features.synthetic import make_world
from features.synthetic_records import records
from training.attribution.holdout import against_holdout
from training.attribution.page import attribution_page

WAVES, START = 4, datetime(2024, 1, 1, tzinfo=UTC)
LOGGING = np.array([0.4, 0.15, 0.15, 0.15, 0.15])


def rows_of(items, table):
    names = SCHEMAS[table].names
    rows = [{name: getattr(item, name, None) for name in names} | {"received_at": item.at} for item in items]
    for row in rows:
        row |= {name: None for name in ("traits", "properties") if name in row}
        row |= {name: list(row[name]) for name in ("candidates", "identifiers") if name in row}
    return pa.Table.from_pylist(rows, schema=SCHEMAS[table])


@pytest.fixture(scope="module")
def world_page(tmp_path_factory):
    """The page of a synthetic world in which every decision was drawn by chance."""
    rng = np.random.default_rng(7)
    world = make_world(500, rng=rng)
    history = records(world, start=START, waves=WAVES, logging_probabilities=LOGGING, rng=rng)
    lake = Lake(tmp_path_factory.mktemp("home") / "lake")
    for table in ("interactions", "decisions", "outcomes"):
        lake.append(table, rows_of(getattr(history, table), table))
    until = START + timedelta(days=35 * WAVES + 1)
    return attribution_page(Look(lake=lake, catalogue=world.catalogue, period=Period(START, until), now=until, known_until=until))


def test_the_page_says_which_model_misleads(world_page):
    section = next(section for section in world_page.sections if section.name == "against_lift")
    assert "Closest to what they changed is 'data-driven'" in section.words[0]
    assert "misleads most" in section.words[1]
    errors = world_page.table("model_errors").records
    assert errors[0]["model"] == "data-driven"
    assert min(each["factor"] for each in errors if each["model"] in ("first touch", "last touch", "linear")) > 2.0
    verdicts = {each["verdict"] for each in world_page.table("against_lift").records if each["model"] == "last touch"}
    assert verdicts == {"too much"}


def test_the_cards_tell_what_touches_got_and_what_they_brought(world_page):
    cards = {card.title: card for card in world_page.cards}
    assert cards["Closest to the lift"].value == "data-driven"
    assert cards["Misleads most"].value != "data-driven"
    assert not any(card.alarm for card in cards.values())  # a model that misleads is nothing that went wrong
    assert 0.5 < cards["Conversions after a touch"].value < 1.0
    lifts = world_page.table("lifts").records
    assert cards["Conversions brought by contacts"].value == pytest.approx(sum(each["incremental"] for each in lifts))


def test_every_model_but_the_data_driven_one_divides_the_same_conversions(world_page):
    rows = world_page.table("credit_all").records
    coverage = {each["what"]: each["count"] for each in world_page.table("coverage").records}
    totals = {name: sum(each[name] for each in rows) for name in rows[0] if name != "touchpoint"}
    assert totals.pop("data_driven") < 0.6 * coverage["conversions after a touch"]
    assert list(totals.values()) == pytest.approx([coverage["conversions after a touch"]] * len(totals))


def test_the_page_can_be_kept_and_every_figure_has_its_table_beside_it(world_page):
    json.dumps(world_page.as_json(), allow_nan=False)
    for section in world_page.sections:
        assert {figure.table for figure in section.figures} <= {table.name for table in section.tables}
    names = [table.name for table in world_page.tables]
    assert len(names) == len(set(names))
    assert "customer-0" not in json.dumps(world_page.as_json())


def test_probabilities_of_a_row_of_the_transition_matrix_add_up(world_page):
    rows = world_page.table("transitions").records
    sums = {}
    for row in rows:
        sums[row["from"]] = sums.get(row["from"], 0.0) + row["probability"]
        assert row["low"] <= row["probability"] <= row["high"] + 1e-9
    assert list(sums.values()) == pytest.approx([1.0] * len(sums))


def test_without_decisions_drawn_by_chance_it_says_what_to_do(story):
    story.add(
        "interactions", story.event("a", 1, "mail.offer", "contact"), story.event("a", 1.5, "web.page"), story.purchase("a", 2)
    )
    page = attribution_page(story.look())
    section = next(section for section in page.sections if section.name == "against_lift")
    assert not section.tables
    assert "import decisions with their probability" in section.empty
    assert next(card for card in page.cards if card.title == "Conversions brought by contacts").value is None
    json.dumps(page.as_json(), allow_nan=False)


def test_too_few_decisions_are_told(story):
    chances = {"none": 0.5, "mail.offer": 0.5}
    story.add("decisions", story.decision("d", "a", 1, "mail.offer", chances=chances))
    story.add("interactions", story.purchase("a", 2))
    section = next(section for section in attribution_page(story.look()).sections if section.name == "against_lift")
    assert "Of 1 decisions drawn by chance, no touchpoint has 30" in section.empty


def test_where_nothing_is_to_credit_it_says_what_to_do(story):
    with pytest.raises(TrainingError, match="nobody converted in the period"):
        attribution_page(story.look())
    story.add("interactions", story.purchase("a", 2))
    with pytest.raises(TrainingError, match="none of 1 conversions came within 10 days after a touch"):
        attribution_page(story.look())


def test_the_holdout_tells_what_all_touchpoints_bring_together(story):
    catalogue = story.catalogue(holdout={"share": 0.5})
    events, decisions = [], []
    for number in range(500):
        held = in_holdout([f"c{number}"], catalogue.holdout)
        touchpoint = "none" if held else "mail.offer"
        decisions.append(story.decision(f"d{number}", f"c{number}", 1, touchpoint, chances={touchpoint: 1.0}, arm="x"))
        if number % (4 if held else 2) == 0:
            events.append(story.purchase(f"c{number}", 3))
    story.add("decisions", *decisions)
    story.add("interactions", *events)
    assert against_holdout(story.look()) is None
    effect = against_holdout(story.look(catalogue=catalogue))
    assert effect.low < 0.25 < effect.high
    (row,) = attribution_page(story.look(catalogue=catalogue)).table("holdout").records
    assert row["incremental"] == pytest.approx(effect.difference * effect.persons)
