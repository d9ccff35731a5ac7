import pytest

from features.insights.touchpoints.engagement import engagement
from features.insights.touchpoints.measuring import TOUCHPOINT
from features.insights.touchpoints.quality import QualitySource


def ece(brand, *, active, days=30, usual=0.0, small_count=0, later=None, **given):
    found = brand.measured(TOUCHPOINT, **given)
    return engagement(found, active=active, days=days, usual=usual, margin=0.5, small_count=small_count, later=later)


def test_the_worked_example_of_the_documentation(brand):
    # Four customers. Calls: ann and bob, rated 5 and 3, ann buys for 30 within ten days. Page: cyd views twice and dan once,
    # cyd buys for 10; nothing tells of its quality.
    brand.add(
        brand.event("ann", "call.service", "rating", 1, metric="csat", score=5.0),
        brand.event("bob", "call.service", "rating", 1, metric="csat", score=3.0),
        brand.event("ann", "store.checkout", "purchase", 3, value=30.0),
        brand.event("cyd", "web.page", "view", 1),
        brand.event("cyd", "web.page", "view", 2),
        brand.event("dan", "web.page", "view", 1),
        brand.event("cyd", "store.checkout", "purchase", 4, value=10.0),
    )
    found = ece(brand, active=4, days=30)
    told = {each.touchpoint: each for each in found.contributions}
    # Per 1,000 customers and 30 days: 2 calls are 500, 3 views are 750, 2 purchases are 500
    assert {name: each.rate for name, each in told.items()} == {"call.service": 500, "web.page": 750, "store.checkout": 500}
    # Quality of calls: (4 - 1) / 4; no other touchpoint has any, so all take this one
    assert {each.quality.value for each in told.values()} == {0.75}
    assert told["call.service"].quality.source is QualitySource.RATINGS
    assert told["web.page"].quality.source is QualitySource.ALL
    # Conversion: one of two, one of two, none of two
    assert told["call.service"].effective == pytest.approx(500 * 0.75 * 0.5)
    assert found.total == pytest.approx(187.5 + 281.25 + 0)
    assert found.measured == pytest.approx(2 / 7)
    # Value-weighted, margin 0.5: 187.5 * 30 * 0.5 + 281.25 * 10 * 0.5
    assert found.value == pytest.approx(2812.5 + 1406.25)


def test_the_same_behaviour_of_twice_as_many_in_twice_the_time_is_as_effective(brand):
    for copy in ("a", "b"):
        brand.add(
            brand.event(f"{copy}1", "call.service", "rating", 1, metric="csat", score=4.0),
            brand.event(f"{copy}1", "store.checkout", "purchase", 2),
            brand.event(f"{copy}2", "call.service", "rating", 1, metric="csat", score=2.0),
        )
    half = ece(brand, active=2, days=30).total
    assert ece(brand, active=4, days=30).total == pytest.approx(half / 2)
    assert ece(brand, active=2, days=60).total == pytest.approx(half / 2)


def test_ratings_of_all_three_scales_make_one_quality_by_their_numbers(brand):
    brand.add(
        brand.event("ann", "call.service", "rating", 1, metric="csat", score=5.0),  # 1
        brand.event("bob", "call.service", "rating", 1, metric="nps", score=10.0),  # 1
        brand.event("cyd", "call.service", "rating", 1, metric="nps", score=8.0),  # 0.5
        brand.event("dan", "call.service", "rating", 1, metric="ces", score=1.0),  # 0
    )
    (only,) = ece(brand, active=4).contributions
    assert only.quality.value == pytest.approx((1 + 1 + 0.5 + 0) / 4)
    assert only.quality.n == 4


def test_too_few_ratings_give_way_to_sentiment_and_that_to_behaviour(brand):
    brand.add(
        brand.event("ann", "call.service", "rating", 1, metric="csat", score=1.0),
        *(brand.event(f"c{n}", "call.service", "call", 1, sentiment=0.2) for n in range(5)),
        brand.event("ann", "mail.offer", "rating", 1, metric="csat", score=1.0),
        *(brand.event(f"c{n}", "mail.offer", "contact", 1) for n in range(5)),
        brand.event("c0", "mail.offer", "open", 2),
    )
    told = {each.touchpoint: each.quality for each in ece(brand, active=6, usual=0.2, small_count=3).contributions}
    assert (told["call.service"].value, told["call.service"].source) == (pytest.approx(0.6), QualitySource.SENTIMENT)
    assert (told["mail.offer"].value, told["mail.offer"].source) == (pytest.approx(0.5), QualitySource.BEHAVIOUR)


def test_a_channel_lends_its_quality_to_its_touchpoints_and_where_nothing_is_measured_half_is_assumed(brand):
    brand.add(brand.event("ann", "call.sales", "call", 1), brand.event("ann", "web.page", "view", 1))
    assert {each.quality.value for each in ece(brand, active=1).contributions} == {0.5}
    assert {each.quality.source for each in ece(brand, active=1).contributions} == {QualitySource.ASSUMED}
    brand.add(
        brand.event("ann", "call.service", "rating", 1, metric="csat", score=5.0),
        brand.event("ann", "web.cart", "rating", 1, metric="csat", score=1.0),
    )
    told = {each.touchpoint: each.quality for each in ece(brand, active=1).contributions}
    assert (told["call.sales"].value, told["call.sales"].source) == (1.0, QualitySource.CHANNEL)
    assert (told["web.page"].value, told["web.page"].source) == (0.0, QualitySource.CHANNEL)


def test_quality_that_was_not_measured_before_does_not_seem_to_change(brand):
    brand.add(
        brand.event("ann", "call.service", "call", -50),
        brand.event("ann", "call.service", "rating", 1, metric="csat", score=5.0),
    )
    now = ece(brand, active=1)
    (before,) = ece(brand, active=1, since=-60, later=now).contributions
    assert (before.quality.value, before.quality.source) == (1.0, QualitySource.LATER)


def test_where_no_window_is_over_the_conversion_of_all_touchpoints_stands_in(brand):
    brand.add(
        brand.event("ann", "web.page", "view", 0),
        brand.event("ann", "store.checkout", "purchase", 5),
        brand.event("bob", "call.service", "call", 20),
    )
    told = {each.touchpoint: each for each in ece(brand, active=2, known=22).contributions}
    assert (told["call.service"].conversion, told["call.service"].closed) == (0.5, 0)  # of page and checkout, one of two


def test_what_is_not_recorded_is_not_zero(brand):
    # The example of the documentation: five of ten mails are opened; ten see an ad whose clicks nobody records; five come by
    # clicks on search ads that nobody recorded showing
    brand.add(
        *(brand.event(f"c{n}", "mail.offer", "contact", 1) for n in range(10)),
        *(brand.event(f"c{n}", "mail.offer", "open", 2) for n in range(5)),
        *(brand.event(f"c{n}", "ads.banner", "contact", 1) for n in range(10)),
        *(brand.event(f"c{n}", "ads.search", "click", 3) for n in range(5)),
    )
    answered = brand.measured().sums["engagement"]
    assert (answered.x.sum(), answered.n.sum()) == (5, 10)  # of mails alone
    assert brand.estimates("engagement", TOUCHPOINT)["ads.banner",].value is None
    found = ece(brand, active=10, usual=0.5, small_count=5)
    told = {each.touchpoint: each.quality for each in found.contributions}
    assert (told["mail.offer"].value, told["mail.offer"].source) == (pytest.approx(0.5), QualitySource.BEHAVIOUR)
    assert (told["ads.search"].value, told["ads.search"].source) == (pytest.approx(1 / 1.5), QualitySource.ANSWERS)
    # The channel has no measured quality, and clicks without contacts lend none
    assert (told["ads.banner"].value, told["ads.banner"].source) == (pytest.approx(0.5), QualitySource.ALL)
    assert found.measured == pytest.approx(15 / 30)


def test_an_answer_in_the_period_before_shows_that_answers_are_recorded(brand):
    brand.add(
        brand.event("ann", "mail.offer", "contact", -20),
        brand.event("ann", "mail.offer", "open", -19),
        *(brand.event(f"c{n}", "mail.offer", "contact", 1) for n in range(4)),
    )
    (mail,) = ece(brand, active=4, usual=0.2, small_count=3).contributions
    assert (mail.quality.value, mail.quality.source, mail.quality.n) == (0.0, QualitySource.BEHAVIOUR, 4)


def test_clicks_are_judged_by_themselves(brand):
    brand.add(
        brand.event("ann", "mail.offer", "contact", 1),
        brand.event("ann", "mail.offer", "open", 2),
        brand.event("ann", "email.coupon", "contact", 1),
        brand.event("ann", "email.coupon", "click", 2),
    )
    clicked = brand.estimates("click_through", TOUCHPOINT)
    assert (clicked["mail.offer",].value, clicked["email.coupon",].value) == (None, 1.0)
