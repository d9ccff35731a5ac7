import pytest

from features.insights.history import open_history
from features.insights.touchpoints.events import create_events
from features.insights.touchpoints.measuring import CHANNEL, TOUCHPOINT, WEEKLY
from features.insights.touchpoints.money import money


def money_by(brand, grouping, **given):
    look = brand.look(**given)
    with open_history(look.lake, look.catalogue) as connection:
        create_events(connection, look)
        return {each.key: each for each in money(connection, grouping, look.catalogue, look.period)}


def test_a_conversion_is_credited_once_to_the_last_contact_of_the_touchpoint_before_it(brand):
    brand.add(
        brand.event("ann", "mail.offer", "contact", 0),
        brand.event("ann", "store.checkout", "purchase", 2, value=20.0),
        brand.event("ann", "mail.offer", "contact", 5),
        brand.event("ann", "store.checkout", "purchase", 8, value=30.0),  # within ten days of both contacts
        brand.event("ann", "store.checkout", "purchase", 15.1, value=40.0),  # too late
        brand.event("bob", "mail.offer", "contact", 0),
    )
    found = money_by(brand, TOUCHPOINT)["mail.offer"]
    assert (found.contacts, found.cost, found.given, found.revenue) == (3, 3.0, 0.0, 50.0)
    assert found.per_contact.value == pytest.approx(50 / 3)
    assert found.returned.value == pytest.approx((50 * 0.5 - 3) / 3)


def test_incentives_and_discounts_are_cost(brand):
    brand.add(
        brand.event("ann", "email.coupon", "contact", 0),
        brand.event("ann", "store.checkout", "purchase", 1, value=100.0),
        brand.event("bob", "email.coupon", "contact", 0),
    )
    found = money_by(brand, TOUCHPOINT)["email.coupon"]
    # two mails of 0.5, one incentive of 2 and a tenth of 100
    assert (found.cost, found.given) == (1.0, 12.0)
    assert found.returned.value == pytest.approx((100 * 0.5 - 13) / 13)


def test_two_touchpoints_are_both_credited_but_their_channel_once(brand):
    brand.add(
        brand.event("ann", "mail.offer", "contact", 0),
        brand.event("ann", "mail.letter", "contact", 1),
        brand.event("ann", "store.checkout", "purchase", 2, value=10.0),
    )
    assert [each.revenue for each in money_by(brand, TOUCHPOINT).values()] == [10.0, 10.0]
    assert money_by(brand, CHANNEL)["mail"].revenue == 10.0


def test_contacts_whose_window_is_not_over_are_left_out(brand):
    brand.add(brand.event("ann", "mail.offer", "contact", 0), brand.event("bob", "mail.offer", "contact", 8))
    assert money_by(brand, TOUCHPOINT, known=15)["mail.offer"].contacts == 1
    assert money_by(brand, TOUCHPOINT, known=5) == {}


def test_what_costs_nothing_has_no_return(brand):
    brand.add(brand.event("ann", "call.service", "contact", 0), brand.event("bob", "call.service", "contact", 0))
    found = money_by(brand, WEEKLY)["2026-03-02"]
    assert found.returned.value is None and found.per_contact.value == 0.0
