import pytest

from features.insights.journeys.flows import flows
from features.insights.journeys.journey_map import Loop, journey_map

HOME, PRODUCT, BUY = ("web.home", "view"), ("web.product", "view"), ("store.checkout", "purchase")


@pytest.fixture
def shop(lived):
    """Five journeys: two with a conversion, of which one turns back once; Ann made two of them."""
    lived.by("ann", (0, *HOME), (1, *PRODUCT), (3, *HOME), (4, *PRODUCT), (5, *BUY, {"value": 10.0}))
    lived.by("ann", (10, *HOME), (10.5, *HOME), (13.5, *PRODUCT))
    lived.by("bob", (0, *HOME), (5, *PRODUCT), (6, *BUY, {"value": 30.0}))
    lived.by("cem", (0, *PRODUCT))
    lived.by("dan", (0, *HOME))
    return lived


def names(of):
    return {place.name: number for number, place in of.places.items()}


def test_places_tell_their_visits_and_what_became_of_them(shop):
    with shop.journeys() as connection:
        of = flows(connection)
    home, product, bought = (
        of.places[names(of)[name]] for name in ("web.home view", "web.product view", "store.checkout purchase")
    )
    assert (home.visits, home.interactions, home.starts, home.dropped, home.converted, home.repeated) == (5, 6, 4, 1, 0, 1)
    assert (product.visits, product.starts, product.dropped, product.stage) == (5, 1, 2, "consideration")
    assert (bought.visits, bought.converted, bought.dropped, bought.converts) == (2, 2, 0, True)
    # Home was visited three times by Ann, once by Bob and once by Dan: (9 + 1 + 1) / 5
    assert home.visits_per_customer == pytest.approx(11 / 5)
    assert home.witnesses == pytest.approx(25 / 11)


def test_moves_are_counted_with_those_whose_journey_converts(shop):
    with shop.journeys() as connection:
        of = flows(connection)
    name = {number: name for name, number in names(of).items()}
    told = {(name[move.source], name[move.target]): (move.count, move.converted) for move in of.moves}
    assert told == {
        ("web.home view", "web.product view"): (4, 3),
        ("web.product view", "web.home view"): (1, 1),
        ("web.product view", "store.checkout purchase"): (2, 2),
    }
    assert {name[start.target]: (start.count, start.converted) for start in of.starts} == {
        "web.home view": (4, 2),
        "web.product view": (1, 0),
    }


def test_passages_tell_who_made_them_and_how_long_they_took(shop):
    with shop.journeys() as connection:
        told = journey_map(connection)
    number = names(told.flows)
    passage = told.passages[number["web.home view"], number["web.product view"]]
    assert passage.customers == 2
    # From home to product it took 1, 1, 3 and 5 days: two of four took no longer than 1, and 3.6 of four no longer than 5
    assert passage.median_days == pytest.approx(1.0)
    assert passage.slow_days == pytest.approx(5.0)


def test_a_loop_goes_to_another_place_and_straight_back(shop):
    with shop.journeys() as connection:
        told = journey_map(connection)
    number = names(told.flows)
    home, product = number["web.home view"], number["web.product view"]
    assert told.loops == (Loop(home, product, 1, 1, 1), Loop(product, home, 1, 1, 1))


def test_moves_of_the_same_moment_take_no_time(lived):
    lived.by("ann", (0, "email.offer", "contact"), (0, "email.offer", "open"))
    with lived.journeys() as connection:
        told = journey_map(connection)
    assert [(each.median_days, each.slow_days) for each in told.passages.values()] == [(0.0, 0.0)]


def test_times_are_exact_to_the_width_of_their_bin(lived):
    for number in range(1, 1001):
        lived.by(f"c{number}", (0, *HOME), (number / 50, *PRODUCT))
    with lived.journeys() as connection:
        (passage,) = journey_map(connection).passages.values()
    assert passage.median_days == pytest.approx(10.0, rel=0.011)
    assert passage.slow_days == pytest.approx(18.0, rel=0.011)


def test_visits_per_customer_of_a_sample_are_nearly_those_of_all(lived, monkeypatch):
    """Half of 600 customers come once, half three times: sum of squares over sum is (300 + 300 * 9) / (300 + 300 * 3) = 2.5."""
    for number in range(300):
        lived.by(f"once {number}", (0, *HOME)).by(f"thrice {number}", (0, *HOME), (40, *HOME), (80, *HOME))
    monkeypatch.setattr("features.insights.journeys.flows._SAMPLED_STEPS", 600)
    with lived.journeys() as connection:
        (home,) = flows(connection).places.values()
    assert home.visits == 1200
    assert home.visits_per_customer == pytest.approx(2.5, abs=0.15)


def test_a_filter_draws_the_map_of_some_journeys(shop):
    with shop.journeys() as connection:
        of = flows(connection, "period = 1 and not converted")
    assert {place.name: place.visits for place in of.places.values()} == {"web.home view": 2, "web.product view": 2}


def test_a_map_of_nothing_is_empty(lived):
    with lived.journeys() as connection:
        told = journey_map(connection)
    assert (told.flows.places, told.flows.moves, told.passages, told.loops) == ({}, (), {}, ())
