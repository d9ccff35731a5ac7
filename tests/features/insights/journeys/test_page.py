import csv
import gzip
import json

import pytest

from features.insights.journeys import journeys_page
from features.insights.journeys.paths import typical_paths
from features.insights.journeys.window import JourneyWindow

HOME, PRODUCT, BUY = ("web.home", "view"), ("web.product", "view"), ("store.checkout", "purchase")
SECTIONS = ["map", "ends", "friction", "step_matrix", "paths", "converters", "critical", "changes", "segments"]


@pytest.fixture
def shop(lived):
    for number in range(40):
        lived.by(f"buyer {number}", (5, *HOME), (6, *PRODUCT), (7, *BUY, {"value": 20.0}))
        lived.by(f"guest {number}", (5, *HOME), (9, *HOME))
        lived.by(f"former {number}", (-60, *HOME))
    return lived


def words(page, name):
    return " ".join(next(section.words for section in page.sections if section.name == name))


def test_the_page_answers_every_question(shop):
    page = journeys_page(shop.look())
    assert (page.name, [section.name for section in page.sections]) == ("journeys", SECTIONS)
    assert [card.value for card in page.cards] == [80, 0.5, 1.0, pytest.approx(2.0)]
    json.dumps(page.as_json(), allow_nan=False)
    assert "80 journeys of 80 customers made 80 moves between 3 places." in words(page, "map")
    assert "40 journeys ended without a conversion, most of them after web.home view." in words(page, "ends")
    assert "not distinguishable" not in words(page, "changes")


def test_every_figure_is_drawn_from_a_table_of_its_section(shop):
    for section in journeys_page(shop.look()).sections:
        assert {figure.table for figure in section.figures} <= {table.name for table in section.tables}


def test_the_flow_has_no_cycles_and_loses_nobody(shop):
    shop.by("loop", *((day, *(HOME, PRODUCT)[day % 2]) for day in range(10)))
    flow = journeys_page(shop.look()).table("flow").records
    assert all(int(row["source"][0]) + 1 == int(row["target"][0]) for row in flow)
    assert sum(row["journeys"] for row in flow if row["source"].startswith("1 ")) == 81
    assert {row["target"]: row["journeys"] for row in flow if row["source"] == "1 web.home view"} == {
        "2 web.product view": 41,
        "2 left without conversion": 40,
    }


def test_rare_places_of_a_step_are_put_together(lived):
    for number in range(9):
        lived.by(f"c{number}", (0, f"web.page_{number}", "view"))
    flow = journeys_page(lived.look()).table("flow").records
    assert sum(row["journeys"] for row in flow) == 9
    assert {row["source"]: row["journeys"] for row in flow}["1 other"] == 3


def test_the_shares_of_every_step_of_the_matrix_add_up(shop):
    records = journeys_page(shop.look()).table("step_matrix").records
    for step in range(1, 9):
        assert sum(row["share"] for row in records if row["step"] == step) == pytest.approx(1.0)


def test_segments_are_compared_with_all_others(shop):
    people = "range(40) as numbers(n), (values ('buyer'), ('guest')) as names(who)"
    segments = f"(select who || ' ' || n as customer_id, who || '''s' as segment from {people})"
    page = journeys_page(shop.look(segments=segments))
    assert [(row["segment"], row["journeys"], row["conversion"]) for row in page.table("segments").records] == [
        ("buyer's", 40, 1.0),
        ("guest's", 40, 0.0),
    ]
    assert page.table("segment_moves").records[0]["value"] in (1.0, -1.0)


def test_an_empty_lake_says_what_to_do(lived):
    page = journeys_page(lived.look())
    assert [section.empty for section in page.sections] == [
        "No journey ended in the period: take in interactions with `touchpoint ingest`, or look at another period."
    ]


def test_a_period_that_is_shorter_than_the_gap_says_why_nothing_is_known(shop):
    page = journeys_page(shop.look(days=10, until=10, known=10))
    assert "insights.journey_gap_days" in page.sections[0].empty


def test_a_single_interaction_makes_a_page(lived):
    page = journeys_page(lived.by("ann", (5, *HOME)).look())
    assert page.cards[0].value == 1
    assert page.table("ends").records[0]["drop_off"] == 1.0


def test_no_table_names_a_customer(shop):
    assert "buyer" not in json.dumps(journeys_page(shop.look()).as_json())


def test_the_window_ends_the_gap_before_what_is_known(lived):
    look = lived.look(days=50, until=100, known=100, gap=30)
    window = JourneyWindow.of(look)
    day = 86_400_000_000
    assert (window.until - window.since) / day == pytest.approx(20.0)
    assert (window.since - window.read_since) / day == pytest.approx(50 + 90)


def test_paths_of_the_public_website_journeys_are_counted_as_by_hand(public_data, lived):
    """Page paths of paying users of a website: each session is a customer of its own here, and its repeated pages one step."""
    path = public_data("website_journeys_365/user_journey_raw.csv.gz")
    expected: dict[tuple[str, ...], int] = {}
    with gzip.open(path, "rt") as file:
        for number, row in enumerate(csv.DictReader(file)):
            pages = ["web." + "".join(c if c.isalnum() else "_" for c in page.lower()) for page in row["user_journey"].split("-")]
            lived.by(f"session {number}", *((second / 86_400, page, "view") for second, page in enumerate(pages)))
            steps = tuple(page for page, before in zip(pages, [None, *pages], strict=False) if page != before)
            expected[steps] = expected.get(steps, 0) + 1
    most = sorted(((count, steps) for steps, count in expected.items() if len(steps) <= 6), reverse=True)[:20]
    with lived.journeys() as connection:
        paths = typical_paths(connection)
        name = dict(connection.execute("select place, touchpoint from places").fetchall())
    assert sum(expected.values()) == 9935
    assert [path.journeys for path in paths] == [count for count, _ in most]
    assert tuple(name[place] for place in paths[0].places) == most[0][1]
