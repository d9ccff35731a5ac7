from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from features.insights.history import open_history
from features.insights.touchpoints.events import create_events
from features.insights.touchpoints.retention import churned_in, compared, create_panel
from features.lake import SCHEMAS

EXPOSURE = ("call.service", "call")


def compare(brand, column="touchpoint", *, most_customers=10**9, **given):
    look = brand.look(**given)
    with open_history(look.lake, look.catalogue, members=look.members) as connection:
        create_events(connection, look)
        panel = create_panel(connection, look, most_customers=most_customers)
        return panel, compared(connection, column, look), churned_in(connection).get("")


def fill(brand, *, customers, effect, rng, weeks=1, selects=0.5):
    """Customers who buy once or eight times before one of the weeks, in which some call; who buys often leaves less, calls more.

    The weeks are 91 days apart, so that nobody of one is there any more in the next.
    """
    rows = []
    for customer in range(customers):
        week = int(rng.integers(weeks)) * 91
        often = bool(rng.random() < 0.5)
        called = rng.random() < (selects if often else 0.2)
        left = rng.random() < (0.2 if often else 0.5) + (effect if called else 0.0)
        bought = [week - rng.uniform(0.1, 6.9) for _ in range(8 if often else 1)]
        bought += [] if left else [week + 7 + rng.uniform(0.1, 27.9)]
        rows += [(f"c{week}-{customer}", "store.checkout", "purchase", day) for day in bought]
        rows += [(f"c{week}-{customer}", *EXPOSURE, week + rng.uniform(0, 6.9))] if called else []
    append(brand, rows)


def append(brand, rows):
    names = SCHEMAS["interactions"].names
    columns = {name: [None] * len(rows) for name in names}
    columns |= {name: [row[place] for row in rows] for place, name in enumerate(("customer_id", "touchpoint", "kind"))}
    columns["channel"] = [row[1].partition(".")[0] for row in rows]
    columns["at"] = columns["received_at"] = [brand.day(0) + timedelta(days=float(row[3])) for row in rows]
    columns["message_id"] = [f"{brand.count}/{number}" for number in range(len(rows))]
    columns["source"] = ["test"] * len(rows)
    brand.count += 1
    brand.lake.append("interactions", pa.table(columns, schema=SCHEMAS["interactions"]))


def test_a_touchpoint_that_raises_churn_by_ten_points_is_found_to_do_so_within_its_interval(brand):
    fill(brand, customers=6000, effect=0.10, rng=np.random.default_rng(3))
    _, found, _ = compare(brand, days=7)
    effect = found["call.service"].difference
    assert effect.low < 0.10 < effect.high and effect.low > 0.05
    assert found["call.service"].differs


def test_customers_who_call_more_because_they_buy_more_are_compared_with_their_like(brand):
    fill(brand, customers=6000, effect=0.0, rng=np.random.default_rng(4), selects=0.8)
    _, found, everybody = compare(brand, days=7)
    call = found["call.service"]
    # Of callers 4 in 5 buy often: 0.8 * 0.2 + 0.2 * 0.5 leave, against 0.35 of all; that is no effect of calling
    assert call.after.value == pytest.approx(0.26, abs=0.02) and everybody.value == pytest.approx(0.35, abs=0.02)
    assert abs(call.difference.value) < 3 * call.variance**0.5 and call.baseline.value == pytest.approx(0.26, abs=0.05)
    assert call.matched == 1.0


def test_weeks_far_apart_tell_the_same_together(brand):
    fill(brand, customers=6000, effect=0.10, rng=np.random.default_rng(7), weeks=3)
    panel, found, _ = compare(brand, days=200, known=300)
    effect = found["call.service"].difference
    assert panel.landmarks == 28 and effect.low < 0.10 < effect.high and effect.low > 0.05


def test_a_week_counts_only_when_what_followed_it_is_known(brand):
    append(brand, [("ann", "store.checkout", "purchase", -1), ("ann", *EXPOSURE, 1)])
    assert compare(brand, days=14, known=34.9)[0].landmarks == 0
    assert compare(brand, days=14, known=35)[0].landmarks == 1
    assert compare(brand, days=14, known=200)[0].landmarks == 2
    _, found, everybody = compare(brand, days=14, known=34.9)
    assert (found, everybody) == ({}, None)


def test_who_left_by_hand(brand):
    append(
        brand,
        [
            *((name, "store.checkout", "purchase", -3) for name in ("ann", "bob", "cyd", "dan")),
            ("ann", *EXPOSURE, 2),
            ("ann", "store.checkout", "purchase", 6),  # before the landmark: no answer to it
            ("bob", *EXPOSURE, 3),
            ("bob", "store.checkout", "purchase", 34),  # 27 days after the landmark
            ("cyd", "store.checkout", "purchase", 36),  # too late
            ("dan", *EXPOSURE, -8),  # within ten days before the week: neither exposed nor unexposed
            ("eve", *EXPOSURE, 3),  # never bought, so cannot leave
        ],
    )
    _, found, everybody = compare(brand, days=7)
    call = found["call.service"]
    assert (call.customers, call.after.n, call.after.value, call.baseline.value) == (2, 2, 0.5, 1.0)
    assert (everybody.n, everybody.value) == (4, 0.75)


def test_what_everybody_has_cannot_be_compared(brand):
    append(brand, [row for n in range(9) for row in ((f"c{n}", "store.checkout", "purchase", -1), (f"c{n}", *EXPOSURE, 2))])
    call = compare(brand, days=7)[1]["call.service"]
    assert call.matched == 0.0 and np.isnan(call.difference.value) and not call.differs


def test_where_all_stay_the_interval_is_not_zero_wide(brand):
    rows = []
    for number in range(400):
        rows += [(f"c{number}", "store.checkout", "purchase", day) for day in (-2, *([20] if number < 40 or number % 2 else []))]
        rows += [(f"c{number}", *EXPOSURE, 3)] if number < 40 else []
    append(brand, rows)
    call = compare(brand, days=7)[1]["call.service"]
    assert call.after.value == 0.0 and 0.05 < call.after.high < 0.12  # Wilson's of none of 40 is 0.088
    assert call.difference.high - call.difference.low > 0.1


def test_a_sample_of_customers_tells_about_the_same(brand):
    fill(brand, customers=6000, effect=0.10, rng=np.random.default_rng(3))
    panel, found, _ = compare(brand, days=7, most_customers=2000)
    assert panel.share == pytest.approx(1 / 3, abs=0.01)
    everybody = compare(brand, days=7)[1]["call.service"].customers
    assert found["call.service"].customers == pytest.approx(everybody / 3, rel=0.1)
    assert found["call.service"].difference.low < 0.10 < found["call.service"].difference.high


def test_channels_and_stages_are_compared_likewise(brand):
    fill(brand, customers=500, effect=0.1, rng=np.random.default_rng(5))
    assert set(compare(brand, "channel", days=7)[1]) == {"call"}
    assert set(compare(brand, "stage", days=7)[1]) == {"retention"}


def test_purchases_after_what_is_known_change_nothing(brand):
    fill(brand, customers=300, effect=0.1, rng=np.random.default_rng(6))
    before = compare(brand, days=7, known=40)[1]["call.service"]
    append(brand, [(f"c0-{n}", "store.checkout", "purchase", 41) for n in range(300)])
    assert compare(brand, days=7, known=40)[1]["call.service"] == before


def test_weeks_begin_on_monday_whenever_the_period_does(brand):
    """Days 2 to 16 are a Wednesday to a Wednesday: the Mondays in it are days 7 and 14, with the weeks before them."""
    append(
        brand,
        [
            ("ann", "store.checkout", "purchase", -3),
            ("ann", *EXPOSURE, 1),  # Tuesday before the period, in its first week
            ("bob", "store.checkout", "purchase", -3),
            ("bob", "store.checkout", "purchase", 6.9),  # Sunday: in the week that ends on day 7, no answer to it
            ("cyd", "store.checkout", "purchase", -3),
            ("cyd", "store.checkout", "purchase", 7.1),  # Monday: an answer to the first week, and within the second
        ],
    )
    look = brand.look(since=2, days=14)
    with open_history(look.lake, look.catalogue, members=look.members) as connection:
        create_events(connection, look)
        panel = create_panel(connection, look)
        weeks = churned_in(connection, "week")
        call = compared(connection, "touchpoint", look)["call.service"]
    assert panel.landmarks == 2
    # All three had bought before either week; after day 7 only cyd buys within 28 days, after day 14 nobody
    assert {week: (rate.n, rate.value) for week, rate in weeks.items()} == {
        "2026-03-02": (3, pytest.approx(2 / 3)),
        "2026-03-09": (3, 1.0),
    }
    # Ann called in the first week and left; bob and cyd are alike, one of the two left. In the second, her call is too near
    assert (call.after.n, call.after.value, call.baseline.value) == (1, 1.0, 0.5)
