import json
from datetime import timedelta

import numpy as np
import pytest

from features.insights.history import open_history
from features.insights.period import PeriodError
from training.lifetime.page import value_page

COLUMNS = [
    "customer_id",
    "segment",
    "journey_segment",
    "alive",
    "expected_conversions",
    "expected_value",
    "recency_days",
    "frequency",
    "spent",
    "first_at",
]


@pytest.fixture(scope="module")
def made(shop):
    return value_page(shop)


def test_the_page_tells_all_of_it_and_is_json(made):
    told = json.loads(json.dumps(made.page.as_json(), allow_nan=False))
    assert told["name"] == "value"
    assert [section["name"] for section in told["sections"]] == [
        "worth",
        "segments",
        "moves",
        "journeys",
        "cohorts",
        "earnings",
        "costs",
        "holdout",
        "model",
    ]
    assert all(table.rows for table in made.page.tables)
    assert not any(section.empty for section in made.page.sections)


def test_every_figure_is_drawn_from_a_table_beside_it(made):
    for section in made.page.sections:
        assert {figure.table for figure in section.figures} <= {table.name for table in section.tables}


def test_everybody_is_in_one_segment_of_each_kind(made, shop):
    people = made.people["segments"]
    assert people.column_names == COLUMNS
    with open_history(shop.lake, shop.catalogue) as connection:
        known = {row[0] for row in connection.execute("select distinct customer_id from history").fetchall()}
    assert sorted(known) == people["customer_id"].to_pylist()
    assert people["segment"].null_count == people["journey_segment"].null_count == 0
    sizes = {row["segment"]: row["customers"] for row in made.page.table("segments").records}
    assert sum(sizes.values()) == len(people)
    assert {name: people["segment"].to_pylist().count(name) for name in sizes} == sizes


def test_the_page_names_no_customer(made):
    text = json.dumps(made.page.as_json())
    assert '"c1"' not in text and "customer_id" not in text


def test_values_of_customers_sum_to_the_total_and_to_those_of_segments(made):
    value = next(card for card in made.page.cards if card.title.startswith("Expected value"))
    people = np.nansum(made.people["segments"]["expected_value"].to_numpy())
    segments = sum(row["expected"] or 0.0 for row in made.page.table("segments").records)
    assert people == pytest.approx(value.value) == pytest.approx(segments)
    assert made.page.table("tenths").records[-1]["worth_share"] == pytest.approx(1.0)


def test_the_holdout_of_a_world_that_is_as_the_model_says_comes_true(made):
    for row in made.page.table("holdout").records:
        half = (row["actual_high"] - row["actual_low"]) / 2
        assert abs(row["predicted"] - row["actual"]) < 3 * half + 0.1


def test_better_segments_did_better_afterwards(made):
    rows = {row["segment"]: row for row in made.page.table("segments").records}
    assert rows["champions"]["arpu"] > rows["promising"]["arpu"] > rows["lost"]["arpu"]
    assert rows["champions"]["churned"] < rows["slipping away"]["churned"]


def test_the_same_look_gives_the_same_page(made, shop):
    again = value_page(shop)
    assert [row["segment"] for row in again.people["segments"].to_pylist()] == made.people["segments"]["segment"].to_pylist()
    first, second = (page.table("segments").column("expected") for page in (made.page, again.page))
    assert first == pytest.approx(second, nan_ok=True)


def test_an_empty_lake_says_what_to_do(look):
    made = value_page(look([]))
    assert made.page.sections[0].empty.startswith("Nobody is known") and not list(made.page.tables)
    assert made.people["segments"].column_names == COLUMNS and len(made.people["segments"]) == 0


def test_one_customer_is_described_and_not_foretold(look):
    made = value_page(look([("anna", 250, "purchase", 20.0)]))
    [anna] = made.people["segments"].to_pylist()
    assert (anna["segment"], anna["journey_segment"], anna["recency_days"], anna["frequency"]) == ("new", "store only", 49, 1)
    assert anna["alive"] is anna["expected_value"] is anna["expected_conversions"] is None
    worth = made.page.sections[0]
    assert "1 customers converted" not in worth.words[0] and "0 customers converted on a second day" in worth.words[0]


def test_customers_who_never_converted_are_prospects(look):
    made = value_page(look([("anna", 250, "view", None), ("berta", 260, "contact", None)]))
    assert made.people["segments"]["segment"].to_pylist() == ["prospects", "prospects"]
    assert made.page.sections[0].empty.startswith("Nobody has converted yet")
    assert made.people["segments"]["spent"].to_pylist() == [None, None]


def buying(n, *, value, every=20):
    rng = np.random.default_rng(1)
    starts = rng.uniform(0, 200, n)
    return [(f"c{c}", t, "purchase", value) for c in range(n) for t in np.arange(starts[c], 300, every + 10 * (c % 5))]


def test_without_values_conversions_are_foretold_and_money_is_not(look):
    made = value_page(look(buying(120, value=None)))
    rows = made.people["segments"].to_pylist()
    assert all(row["expected_conversions"] > 0 and row["expected_value"] is None for row in rows)
    assert "no conversion had a value" in " ".join(made.page.sections[0].words)
    assert {"champions", "loyal", "promising"} & {row["segment"] for row in rows}


def test_values_all_alike_fall_back_to_their_mean(look):
    made = value_page(look(buying(120, value=8.0)))
    row = made.people["segments"].to_pylist()[0]
    assert 0 < row["expected_value"] < 0.5 * 8.0 * row["expected_conversions"]  # margin a half, and a discount
    model = next(section for section in made.page.sections if section.name == "model")
    assert "Everybody is taken to spend the mean of 8.00" in " ".join(model.words)


def test_refunds_beyond_all_purchases_crash_nothing(look):
    told = [*buying(120, value=8.0), *((f"c{c}", 299.5, "refund", 5000.0) for c in range(120))]
    made = value_page(look(told))
    assert all(row["spent"] < 0 and not row["expected_value"] for row in made.people["segments"].to_pylist())


def test_what_happens_after_the_period_or_is_not_known_changes_nothing(look):
    told = buying(120, value=8.0)
    until, known = value_page(look(told, until=250)), value_page(look([], until=300, days=140, known=250))
    assert until.people["segments"].drop_columns("first_at").equals(known.people["segments"].drop_columns("first_at"))
    assert sum(until.people["segments"]["frequency"].to_pylist()) == sum(1 for _, day, _, _ in told if day < 250)


def test_a_period_after_all_that_is_known_is_refused(look):
    with pytest.raises(PeriodError, match="has no time in it"):
        value_page(look(buying(5, value=1.0), days=30, known=100))


def test_merged_identities_are_one_customer(look):
    told = [("anna", 250, "purchase", 20.0), ("cookie:1", 260, "purchase", 10.0)]
    made = value_page(look(told, members="(select 'cookie:1' as identifier, 'anna' as customer_id)"))
    [anna] = made.people["segments"].to_pylist()
    assert (anna["customer_id"], anna["frequency"], anna["spent"]) == ("anna", 2, 30.0)


@pytest.mark.parametrize("name", ["'; drop table everybody; --", 'a"b', "ünï\u202e", "null", "=1+1"])
def test_hostile_names_are_names(look, name):
    assert value_page(look([(name, 250, "purchase", 1.0)])).people["segments"]["customer_id"].to_pylist() == [name]


def test_the_first_conversion_has_its_time(look):
    made = look([("anna", 250.25, "purchase", 20.0), ("anna", 260, "purchase", 20.0)])
    [anna] = value_page(made).people["segments"].to_pylist()
    assert anna["first_at"] == made.period.until - timedelta(days=49.75)
