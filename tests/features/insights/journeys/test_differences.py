import numpy as np
import pytest

from features.insights.journeys.comparison import compare
from features.insights.journeys.converters import Seen, contrast, contrasts
from features.insights.journeys.critical import critical_moves, critical_places
from features.insights.journeys.flows import END, START, flows
from features.insights.journeys.friction import Trouble, friction_points
from features.insights.journeys.positions import Passed, Positions, positions
from features.insights.journeys.rates import differences, rates

HOME, PRODUCT, HELP = ("web.home", "view"), ("web.product", "view"), ("web.help", "view")
BUY = ("store.checkout", "purchase")


def many(lived, name, count, *events):
    for number in range(count):
        lived.by(f"{name} {number}", *events)


# Critical moments


def test_a_critical_place_is_compared_with_others_at_the_same_step_only():
    """At the first step 56 of 70 against 48 of 80, Newcombe's own example; at the second everybody is here."""
    of = Positions(journeys=150, at={(1, 1): Passed(70, 56), (1, 2): Passed(80, 48), (2, 1): Passed(50, 50)}, next={})
    first, second = critical_places(of, frozenset())
    assert (first.places, first.journeys, first.others) == ((1,), 70, 80)
    assert (first.with_it, first.without, first.difference) == pytest.approx((0.8, 0.6, 0.2))
    assert (first.low, first.high, first.distinguishable) == (
        pytest.approx(0.0524, abs=1e-4),
        pytest.approx(0.3339, abs=1e-4),
        True,
    )
    assert second.difference == pytest.approx(-0.2)


def test_steps_are_weighed_by_mantel_and_haenszel_so_that_being_far_is_no_merit():
    """Everybody who is at step 2 converts more; the place makes no difference at either step, but is mostly at step 2."""
    at = {(1, 1): Passed(10, 1), (1, 2): Passed(90, 9), (2, 1): Passed(90, 45), (2, 2): Passed(10, 5)}
    one = next(
        moment for moment in critical_places(Positions(journeys=100, at=at, next={}), frozenset()) if moment.places == (1,)
    )
    # Both strata weigh 10 * 90 / 100: (10 % + 50 %) / 2 on both sides; all together it would be 46 % against 14 %
    assert (one.with_it, one.without, one.difference) == pytest.approx((0.3, 0.3, 0.0))
    assert not one.distinguishable


def test_conversions_are_no_critical_moments(lived):
    many(lived, "a", 5, (0, *HOME), (1, *PRODUCT), (2, *BUY))
    many(lived, "b", 5, (0, *HOME), (1, *HELP))
    with lived.journeys() as connection:
        of, places = positions(connection), flows(connection).places
    converting = frozenset(number for number, place in places.items() if place.converts)
    moves = {tuple(places[number].touchpoint for number in moment.places): moment for moment in critical_moves(of, converting)}
    assert set(moves) == {("web.home", "web.product"), ("web.home", "web.help")}
    assert moves["web.home", "web.product"].difference == 1.0
    assert {places[moment.places[0]].touchpoint for moment in critical_places(of, converting)} == {"web.product", "web.help"}


# Converters


def test_what_converters_do_more_often_has_positive_log_odds(lived):
    many(lived, "a", 40, (0, *HOME), (1, *PRODUCT), (2, *BUY))
    many(lived, "b", 40, (0, *HOME), (1, *HELP))
    with lived.journeys() as connection:
        told, places = contrasts(connection, small_count=1), flows(connection).places
    assert [places[one.places[0]].touchpoint for one in told.places] == ["web.product", "web.home", "web.help"]
    product, home, _ = told.places
    assert (product.converters, product.others, product.distinguishable) == (40, 0, True)
    # The prior is worth 3 visits: 0.75 of 160 visits' 40 here. (40.75 / 42.25) against (0.75 / 82.25)
    assert product.log_odds == pytest.approx(np.log(40.75 / 42.25) - np.log(0.75 / 82.25))
    assert (home.log_odds, home.distinguishable) == (pytest.approx(0.0, abs=1e-9), False)
    assert {one.places for one in told.moves} == {(home.places[0], product.places[0]), (home.places[0], told.places[2].places[0])}


def test_visits_of_few_customers_widen_the_interval():
    alone, crowd = (
        contrast([Seen((1,), 30, each), Seen((2,), 10)], [Seen((1,), 10), Seen((2,), 30)], small_count=0) for each in (9.0, 1.0)
    )
    assert alone[0].log_odds == crowd[0].log_odds
    assert alone[0].low < crowd[0].low


def test_without_converters_there_is_no_contrast(lived):
    many(lived, "b", 3, (0, *HOME), (1, *HELP))
    with lived.journeys() as connection:
        assert contrasts(connection).places == ()


# Friction


def test_a_place_is_compared_with_the_others_of_its_stage(lived):
    many(lived, "left", 40, (0, *HELP))
    many(lived, "on", 60, (0, *HELP), (1, *HOME), (2, *BUY))
    many(lived, "fine", 40, (0, *PRODUCT), (1, *BUY))
    many(lived, "mail", 9, (0, "email.news", "contact"))
    with lived.journeys() as connection:
        of = flows(connection)
        first, *rest = friction_points(connection, of)
    assert (of.places[first.place].touchpoint, first.trouble) == ("web.help", Trouble.DROP_OFF)
    assert (first.share.value, first.share.n, first.like, first.score, first.marked) == (0.4, 100, 0.0, 0.4, True)
    assert not any(point.marked for point in rest)
    assert {of.places[point.place].touchpoint for point in rest} == {"web.help", "web.home", "web.product"}  # mail has no like


def test_repetition_and_delay_are_friction_too(lived):
    many(lived, "again", 50, (0, *HELP), (0.5, *HELP), (9, *BUY))
    many(lived, "quick", 50, (0, *PRODUCT), (1, *BUY))
    with lived.journeys() as connection:
        of = flows(connection)
        told = {(of.places[point.place].touchpoint, point.trouble): point for point in friction_points(connection, of)}
    assert told["web.help", Trouble.REPETITION].share.value == told["web.help", Trouble.DELAY].share.value == 1.0
    assert told["web.help", Trouble.REPETITION].marked and told["web.help", Trouble.DELAY].marked
    assert not told["web.help", Trouble.DROP_OFF].distinguishable


def test_leaving_the_session_is_no_drop_off_where_the_customer_comes_back(lived):
    """Of 60 carts 40 are left for a day; a step on the web within half an hour stays, and so does buying in it elsewhere."""
    minute, cart = 1 / 1440, ("web.cart", "cart")
    many(lived, "left", 40, (0, *PRODUCT), (5 * minute, *cart), (1, *BUY))
    many(lived, "bought", 20, (0, *PRODUCT), (5 * minute, *cart), (35 * minute, *BUY))
    many(lived, "help", 10, (0, *HELP), (29 * minute, *PRODUCT), (60 * minute, *BUY))
    many(lived, "mail", 10, (0, *HELP), (minute, "email.news", "open"), (3, *BUY))
    with lived.journeys() as connection:
        of = flows(connection)
        points = friction_points(connection, of)
    told = {of.places[point.place].touchpoint: point for point in points if point.trouble is Trouble.LEAVING}
    assert set(told) == {"web.cart", "web.product", "web.help"}  # mails have no session
    assert (told["web.cart"].share.value, told["web.cart"].share.n) == (pytest.approx(40 / 60), 60)
    assert told["web.product"].share.value == pytest.approx(10 / 70)  # 31 minutes after the product
    assert told["web.help"].share.value == pytest.approx(10 / 20)  # a mail is no step on the web
    assert told["web.cart"].like == pytest.approx(20 / 90) and told["web.cart"].excess == pytest.approx(60 * (40 / 60 - 20 / 90))
    assert told["web.cart"].marked
    assert not any(point.share.value for point in points if point.trouble is Trouble.DROP_OFF)


def test_shops_are_not_slow_against_pages_and_ratings_are_no_friction(lived):
    many(lived, "shop", 50, (0, "store.visit", "visit"), (9, *BUY))
    many(lived, "page", 50, (0, *PRODUCT), (0.01, *BUY))
    many(lived, "rating", 50, (0, *PRODUCT), (0.01, "web.cart", "rating"), (9, *BUY))
    many(lived, "refund", 50, (0, *PRODUCT), (0.01, "web.cart", "refund"))
    with lived.journeys() as connection:
        of = flows(connection)
        points = friction_points(connection, of)
    assert not any(of.places[point.place].kind in ("rating", "refund", "purchase") for point in points)
    assert not any(point.trouble is Trouble.DELAY for point in points)  # nothing is of the same channel and kind


def test_drop_offs_lead_and_among_them_where_most_are_lost(lived):
    many(lived, "few", 20, (0, *HELP))  # 20 of 20
    many(lived, "many", 60, (0, *HOME))  # 60 of 160
    many(lived, "on", 100, (0, *HOME), (9, *BUY))
    many(lived, "quick", 400, (0, *PRODUCT), (0.01, *BUY))
    with lived.journeys() as connection:
        of = flows(connection)
        first = [point for point in friction_points(connection, of) if point.marked]
    assert [(of.places[point.place].touchpoint, point.trouble) for point in first[:2]] == [
        ("web.home", Trouble.DROP_OFF),
        ("web.help", Trouble.DROP_OFF),
    ]


def test_few_visits_are_not_distinguishable(lived):
    many(lived, "left", 2, (0, *HELP))
    many(lived, "fine", 2, (0, *PRODUCT), (1, *BUY))
    with lived.journeys() as connection:
        points = friction_points(connection, flows(connection))
    assert points and not any(point.distinguishable for point in points)


# Comparison


def test_a_change_between_periods_is_found_and_an_equal_share_is_none(lived):
    """From home to the product: before 50 of 100, now 90 of 100. From the product everybody leaves, then and now."""
    many(lived, "before", 50, (-50, *HOME), (-49, *PRODUCT))
    many(lived, "left before", 50, (-50, *HOME))
    many(lived, "now", 90, (10, *HOME), (11, *PRODUCT))
    many(lived, "left now", 10, (10, *HOME))
    with lived.journeys() as connection:
        told = compare(connection, "period = 1", "period = 2")
    assert {(move.source, move.target) for move in told.changes} == {
        ("web.home view", "web.product view"),
        ("web.home view", END),
    }
    change = next(move for move in told.changes if move.target != END)
    assert (change.one, change.other, change.one_count, change.other_count) == (0.9, 0.5, 100, 100)
    # Newcombe: Wilson gives 0.8256 to 0.9448, and 0.4038 to 0.5962
    assert (change.low, change.high) == (
        pytest.approx(0.4 - np.hypot(0.9 - 0.8256, 0.5962 - 0.5), abs=1e-3),
        pytest.approx(0.4 + np.hypot(0.9448 - 0.9, 0.5 - 0.4038), abs=1e-3),
    )
    start = next(move for move in told.moves if move.source == START)
    assert (start.one, start.other, start.distinguishable) == (1.0, 1.0, False)
    assert (told.conversion.value, told.conversion.distinguishable) == (0.0, False)


def test_visits_of_a_single_customer_are_no_change(lived):
    lived.by("ann", *((-90 + 40 * (number % 2) + number / 100, *(HOME, PRODUCT)[number % 2]) for number in range(2)))
    for number in range(40):
        lived.by("ann", (-60 + number / 4, *HOME), (-60 + number / 4 + 0.1, *HELP))
        lived.by("ann", (10 + number / 4, *HOME), (10 + number / 4 + 0.1, *PRODUCT))
    many(lived, "others", 30, (-50, *HOME), (-49, *HELP), (20, *HOME), (21, *HELP))
    with lived.journeys() as connection:
        told = compare(connection, "period = 1", "period = 2")
    move = next(each for each in told.moves if (each.source, each.target) == ("web.home view", "web.product view"))
    assert move.one > 0.5 > move.other and not move.distinguishable


def test_sources_with_few_visits_are_left_out(lived):
    many(lived, "before", 9, (-50, *HOME))
    many(lived, "now", 10, (10, *HOME))
    with lived.journeys() as connection:
        assert {move.source for move in compare(connection, "period = 1", "period = 2", least=10).moves} == set()
        assert {move.source for move in compare(connection, "period = 1", "period = 2", least=9).moves} == {
            "web.home view",
            START,
        }


def test_with_a_period_without_journeys_nothing_is_compared(lived):
    many(lived, "now", 10, (10, *HOME))
    with lived.journeys() as connection:
        assert compare(connection, "period = 1", "period = 2").conversion is None


# Rates


def test_equal_shares_of_everything_and_of_nothing_are_not_distinguishable():
    certain = np.array([0.0, 1.0])
    assert not differences(certain, np.array([50.0, 50.0]), certain, np.array([10.0, 10.0])).distinguishable.any()


def test_of_many_equal_shares_hardly_any_is_called_different():
    rng = np.random.default_rng(5)
    one, other = rng.binomial(200, 0.3, (2, 1000)) / 200
    n = np.full(1000, 200.0)
    assert differences(one, n, other, n).distinguishable.sum() <= 2


def test_a_small_count_of_zero_shrinks_nothing():
    assert [rate.shrunk for rate in rates([1, 20], [2, 40], small_count=0)] == [False, False]
    assert [rate.shrunk for rate in rates([1, 20], [2, 40], small_count=3)] == [True, False]
