import pytest

from features.experiment import Arm, arm_of
from training.experiment.measures import Measure
from training.experiment.persons import first_decision, persons

COOKIE = "cookie:" + 32 * "0"
MEMBERS = f"(select * from (values ('ann', 'ann'), ('{COOKIE}', 'ann')) as members(identifier, customer_id))"


def measured(shop, catalogue, *, since=0, until=20, **given):
    found = persons(shop.lake, catalogue, since=shop.day(since), until=shop.day(until), **given)
    return {name: row for row, name in enumerate(found.customer_id)}, found


def of(rows, found, customer, measure=Measure.VALUE):
    during, before = found.of(measure)
    return during[rows[customer]], before[rows[customer]]


def test_profit_counts_from_the_first_decision_on_and_before_it_for_as_many_days(shop):
    shop.add("decisions", shop.decision("d1", "a", 4), shop.decision("d2", "a", 9))
    shop.add(
        "interactions",
        shop.event("a", 4, value=1.0),  # in the very moment of the decision: before
        shop.event("a", 5, value=2.0),
        shop.event("a", 20, value=4.0),
        shop.event("a", 21, value=8.0),  # after the period
        shop.event("a", -11, value=16.0),
        shop.event("a", -12, value=32.0),  # 16 days before the decision end here
    )
    rows, found = measured(shop, shop.catalogue())
    assert of(rows, found, "a") == (0.5 * 6, 0.5 * 17)
    assert (found.decisions[0], found.days[0]) == (2, 16.0)


def test_the_time_before_ends_with_the_first_decision_ever_so_that_nothing_could_have_changed_it(shop):
    shop.add("decisions", shop.decision("old", "a", -30), shop.decision("new", "a", 10))
    shop.add("interactions", shop.event("a", 5, value=100.0), shop.event("a", -31, value=8.0), shop.event("a", 11, value=2.0))
    rows, found = measured(shop, shop.catalogue())
    assert of(rows, found, "a") == (1.0, 4.0)


def test_only_customers_with_a_recorded_decision_in_the_period_count(shop):
    shop.add("decisions", shop.decision("d1", "early", -1), shop.decision("d2", "late", 20), shop.decision("d3", "in", 0))
    shop.add("decisions", shop.decision("d4", "imported", 3) | {"record": None})
    shop.add("interactions", shop.event("silent", 3, value=9.0))
    assert list(measured(shop, shop.catalogue())[0]) == ["in"]
    assert first_decision(shop.lake) == shop.day(-1)


def test_contacts_that_were_carried_out_cost_and_purchases_after_a_coupon_are_given_it(shop):
    shop.add(
        "decisions",
        shop.decision("m", "a", 1, "mail.offer"),
        shop.decision("c", "a", 2, "email.coupon"),
        shop.decision("waits", "a", 3, "mail.offer", deferred=True),
        shop.decision("sent", "a", 4, "mail.offer", deferred=True),
        shop.decision("c2", "b", 1, "email.coupon"),
    )
    shop.add("outcomes", shop.outcome("sent", 4.5, "contact"))
    shop.add("interactions", shop.event("a", 3.5, value=40.0), shop.event("a", 6, value=10.0), shop.event("b", 12, value=10.0))
    rows, found = measured(shop, shop.catalogue())
    # 25 profit; two mails; the first purchase follows the coupon (2 + 10 % of 40), the second a mail; b's comes after 10 days
    assert of(rows, found, "a")[0] == pytest.approx(25 - 2 - (2 + 4))
    assert of(rows, found, "b")[0] == 5.0


def test_the_rows_of_one_checkout_are_given_one_coupon_and_the_discount_of_all(shop):
    shop.add("decisions", shop.decision("c", "a", 1, "email.coupon"))
    shop.add("interactions", *(shop.event("a", 2, value=v, message_id=f"m{n}") for n, v in enumerate((10.0, 10.0, 20.0))))
    rows, found = measured(shop, shop.catalogue())
    assert of(rows, found, "a")[0] == pytest.approx(20 - 2 - 4)  # half of 40, the coupon of 2, a tenth of 40


def test_a_purchase_told_both_ways_counts_once(shop):
    shop.add("decisions", shop.decision("d", "a", 0), shop.decision("e", "b", 0))
    shop.add("interactions", shop.event("a", 1, value=10.0))
    shop.add("outcomes", shop.outcome("d", 1, value=10.0), shop.outcome("e", 1, value=6.0))
    rows, found = measured(shop, shop.catalogue())
    assert (of(rows, found, "a")[0], of(rows, found, "b")[0]) == (5.0, 3.0)


def test_unsubscribing_costs_and_is_counted_however_it_was_said(shop):
    shop.add("decisions", *(shop.decision(f"d{name}", name, 0) for name in "abcd"))
    shop.add("interactions", shop.event("a", 1, "unsubscribe"), shop.event("d", 2, "complaint"))
    at = shop.day(2)
    shop.add("consents", {"message_id": "x", "customer_id": "b", "status": "withdrawn", "at": at, "received_at": at})
    rows, found = measured(shop, shop.catalogue(objective={"unsubscribe_cost": 7.0}))
    assert [of(rows, found, name, Measure.UNSUBSCRIBE)[0] for name in "abcd"] == [1, 1, 0, 0]
    assert [of(rows, found, name, Measure.COMPLAINT)[0] for name in "abcd"] == [0, 0, 0, 1]
    assert of(rows, found, "a")[0] == -7.0


def test_a_customers_value_is_clipped_per_window(shop):
    shop.add("decisions", shop.decision("d", "a", 0))
    shop.add("interactions", shop.event("a", 1, value=500.0))
    rows, found = measured(shop, shop.catalogue(objective={"value_cap": 100}))
    assert of(rows, found, "a")[0] == 0.5 * 200  # 20 days are two windows


def test_customers_are_in_the_arm_of_their_customer_id_whatever_they_got_under_other_names(shop):
    catalogue = shop.catalogue(random=0.2)
    arm = arm_of(["ann"], catalogue)
    shop.add("decisions", shop.decision("d", COOKIE, 0, arm="none such"), shop.decision("e", "ann", 1, arm=arm))
    shop.add("interactions", shop.event(COOKIE, 2, value=8.0))
    rows, found = measured(shop, catalogue, members=MEMBERS)
    assert list(rows) == ["ann"] and found.arm[0] == arm
    assert (found.names[0], found.decisions[0], found.crossed[0], of(rows, found, "ann")[0]) == (1, 2, True, 4.0)


def test_who_has_two_customer_ids_weighs_less_in_the_holdout(shop):
    catalogue = shop.catalogue(holdout=0.5)
    inside = next(f"c{n}" for n in range(99) if arm_of([f"c{n}"], catalogue) is Arm.HOLDOUT)
    shop.add("decisions", shop.decision("d", inside, 0), shop.decision("e", inside + "x", 0))
    members = f"(select * from (values ('{inside}', '{inside}'), ('{inside}x', '{inside}')) as m(identifier, customer_id))"
    found = measured(shop, catalogue, members=members)[1]
    assert found.weight[0] == pytest.approx(1 / 0.75)  # by hand: 1 - 0.5²


def test_an_empty_lake_has_nobody(shop):
    assert len(measured(shop, shop.catalogue())[1]) == 0
    assert first_decision(shop.lake) is None
