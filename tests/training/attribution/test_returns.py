import numpy as np
import pytest

from training.attribution.bootstrap import Interval
from training.attribution.credit import Credit
from training.attribution.happened import happened
from training.attribution.models import Attributed
from training.attribution.returns import contacts_of, returns

CREDIT = Credit(model="linear", conversions=np.array([4.0, 1.0]), values=np.array([100.0, 30.0]))
ENDS = Interval(
    low=np.array([3.0, 0.0]), high=np.array([5.0, 2.0]), value_low=np.array([80.0, 0.0]), value_high=np.array([120.0, 60.0])
)


def test_the_return_is_the_profit_beyond_the_cost_over_the_cost(story):
    attributed = [Attributed(credit=CREDIT, interval=ENDS)]
    names = ("mail.offer", "web.page")
    (mail,) = returns(attributed, names, (), {"mail.offer": 10.0}, story.catalogue())
    # 100 x 0.5 - 20 over 20; and with 80 and 120 of money
    assert (mail.cost, mail.rate) == (20.0, 1.5)
    assert (mail.of(mail.value_low), mail.of(mail.value_high)) == (1.0, 2.0)


def test_what_cost_nothing_has_no_return(story):
    attributed = [Attributed(credit=CREDIT)]
    (page,) = returns(attributed, ("mail.offer", "web.page"), (), {"web.page": 5.0}, story.catalogue())
    assert (page.rate, page.value_low, page.of(None)) == (None, None, None)


def test_models_that_no_figure_shows_are_left_out(story):
    position = Attributed(credit=Credit(model="position", conversions=CREDIT.conversions, values=CREDIT.values))
    assert returns([position], ("mail.offer", "web.page"), (), {"mail.offer": 1.0}, story.catalogue()) == ()


def test_contacts_of_the_period_are_counted_by_touchpoint(story):
    story.add(
        "interactions",
        story.event("a", -1, "mail.offer", "contact"),
        story.event("a", 1, "mail.offer", "contact"),
        story.event("a", 2, "mail.offer", "open"),
        story.event("b", 3, "email.news", "contact"),
        story.event("b", 30, "email.news", "contact"),
    )
    with happened(story.look()) as past:
        assert contacts_of(past) == pytest.approx({"email.news": 1.0, "mail.offer": 1.0})
