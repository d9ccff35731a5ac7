import pytest

from features.insights.journeys.paths import typical_paths
from features.insights.journeys.positions import Passed, positions
from features.insights.journeys.summary import summary

HOME, CART, BUY = ("web.home", "view"), ("web.cart", "cart"), ("store.checkout", "purchase")


@pytest.fixture
def shop(lived):
    """Home, cart, purchase three times (10, 20, 60 after 2, 4 and 4 days), home and cart once, home twice."""
    for number, (value, days) in enumerate([(10.0, 2), (20.0, 4), (60.0, 4)]):
        lived.by(f"buyer {number}", (0, *HOME), (1, *CART), (days, *BUY, {"value": value}))
    lived.by("looker", (0, *HOME), (1, *CART), (50, *HOME))
    lived.by("guest", (0, *HOME))
    return lived


def in_words(connection):
    return dict(connection.execute("select place, touchpoint from places").fetchall())


def test_paths_come_with_share_conversion_duration_and_value(shop):
    with shop.journeys() as connection:
        paths, name = typical_paths(connection), in_words(connection)
    assert [tuple(name[place] for place in path.places) for path in paths] == [
        ("web.home", "web.cart", "store.checkout"),
        ("web.home",),
        ("web.home", "web.cart"),
    ]
    bought, left, _ = paths
    assert (bought.journeys, bought.customers, bought.share) == (3, 3, 0.5)
    assert (bought.median_days, left.median_days) == (pytest.approx(4.0), 0.0)
    assert (bought.mean_value, left.mean_value) == (30.0, None)
    # 10, 20 and 60: their mean spreads by sqrt(700 / 3) = 15.28, times Student's 4.303 of two degrees of freedom
    assert bought.value_low == pytest.approx(30 - 4.303 * 15.275, abs=0.01)
    # Wilson's interval of 3 of 3: from 3 / (3 + 1.96 squared) to 1
    assert (bought.conversion.value, bought.conversion.high) == (1.0, pytest.approx(1.0))
    assert bought.conversion.low == pytest.approx(3 / (3 + 1.959964**2), abs=1e-6)


def test_paths_of_more_than_six_steps_are_not_told_but_count_as_journeys(lived):
    lived.by("long", *((day, *(HOME, CART)[day % 2]) for day in range(7))).by("short", (0, *HOME))
    with lived.journeys() as connection:
        assert [(len(path.places), path.share) for path in typical_paths(connection)] == [(1, 0.5)]


def test_the_rate_of_a_rare_path_is_drawn_to_that_of_all(shop):
    with shop.journeys() as connection:
        shrunk = typical_paths(connection, small_count=3)
    assert [path.conversion.shrunk for path in shrunk] == [False, True, True]
    assert 0.0 < shrunk[1].conversion.value < 0.5


def test_positions_count_journeys_by_step(shop):
    with shop.journeys() as connection:
        of, name = positions(connection), in_words(connection)
    assert {(step, name[place]): passed for (step, place), passed in of.at.items()} == {
        (1, "web.home"): Passed(6, 3),
        (2, "web.cart"): Passed(4, 3),
        (3, "store.checkout"): Passed(3, 3),
    }
    assert {(step, name[here], name[there]): passed for (step, here, there), passed in of.next.items()} == {
        (1, "web.home", "web.cart"): Passed(4, 3),
        (2, "web.cart", "store.checkout"): Passed(3, 3),
    }
    assert (of.journeys, of.reached(2), of.reached(4)) == (6, 4, 0)


def test_a_summary_tells_how_many_convert_and_how_long_journeys_are(shop):
    with shop.journeys() as connection:
        told = summary(connection)
    assert (told.journeys, told.customers, told.converted, told.conversion.value) == (6, 5, 3, 0.5)
    # Steps 1, 1, 2, 3, 3, 3; days of those with two interactions or more: 1, 2, 4, 4
    assert (told.median_steps, told.median_days) == (2.0, pytest.approx(2.0))


def test_journeys_of_one_customer_that_all_end_alike_tell_as_much_as_one(lived):
    lived.by("often", *((day, *BUY) for day in range(10))).by("never", *((40 * number, *HOME) for number in range(2)))
    with lived.journeys() as connection:
        told = summary(connection)
    # 10 of 12 convert. Residuals by customer are 10 - 10 * 10/12 and 0 - 2 * 10/12, whose squares sum up to 50/9; twice that over
    # 144 is the variance: (10/12 * 2/12) / (100/9 / 144) = 1.8 journeys
    assert told.journeys / told.alike == pytest.approx(1.8)


def test_of_no_journeys_there_is_nothing_to_tell(lived):
    with lived.journeys() as connection:
        assert summary(connection).conversion is None
        assert typical_paths(connection) == ()
        assert positions(connection).journeys == 0
