"""The page of touchpoints says who leaves after what; it is a finding when it is surely many more than of customers alike."""

import pytest

from features.insights import Page
from features.insights.touchpoints.matching import Matched, Rate
from features.insights.touchpoints.page import touchpoints_page
from features.insights.touchpoints.retention import Panel
from features.insights.touchpoints.section_retention import retention_section
from training.findings.leaving import leaving
from training.findings.page import find_all
from training.findings.scene import open_scene


def compared(after, alike, *, half, customers):
    """A comparison with an interval of so much to both sides."""
    difference = after - alike
    ends = (difference - half, difference + half, customers)
    return Matched(
        customers=customers,
        matched=1.0,
        after=Rate(after, after, after, customers),
        baseline=Rate(alike, alike, alike, customers),
        difference=Rate(difference, *ends),
        raw=difference,
        variance=half**2,
    )


def pages(found):
    section = retention_section({"touchpoint": found}, {}, Panel(landmarks=10, share=1.0), churn_days=45.0)
    return (Page(name="touchpoints", title="Touchpoints", lead="", sections=(section,)),)


@pytest.fixture
def told(calm_town, tmp_path):
    def leaves(**found):
        before = pages({name.replace("_", "."): each for name, each in found.items()})
        with open_scene(calm_town.look(tmp_path), before) as scene:
            return scene, leaving(scene)

    return leaves


def test_customers_who_leave_after_a_call_are_found(told):
    """77 % of 50 leave, 16 % of customers alike: 61 points more, so 30.5 customers who would have stayed."""
    scene, found = told(
        call_hotline=compared(0.77, 0.16, half=0.14, customers=50), chat_help=compared(0.2, 0.2, half=0.1, customers=90)
    )
    (finding,) = found.findings
    assert finding.id == "losing_customers:call.hotline" and finding.page == "touchpoints"
    assert finding.customers == pytest.approx(30.5) and finding.money == pytest.approx(30.5 * scene.worth)
    assert "77%" in finding.sentence and "16%" in finding.sentence and "matched, not randomized" in finding.confidence
    assert [row[0] for row in finding.evidence.rows] == ["call.hotline", "chat.help"] and found.compared == 2


def test_few_customers_small_differences_and_wide_intervals_are_no_finding(told):
    _, found = told(
        call_hotline=compared(0.9, 0.1, half=0.05, customers=29),
        chat_help=compared(0.15, 0.11, half=0.001, customers=5000),
        ticket_form=compared(0.5, 0.3, half=0.18, customers=80),
        web_home=compared(0.1, 0.4, half=0.05, customers=500),
        web_cart=compared(float("nan"), float("nan"), half=0.1, customers=50),
    )
    assert found.findings == () and found.compared == 3
    assert found.notes == ("2 touchpoints left out: fewer than 30 customers, or nobody alike",)


def test_without_the_page_of_touchpoints_it_is_said_that_nothing_was_compared(calm_town, tmp_path):
    for before in ((), (Page(name="touchpoints", title="", lead=""),), pages({})):
        with open_scene(calm_town.look(tmp_path), before) as scene:
            found = leaving(scene)
        assert found.findings == () and found.compared == 0 and "does not say who leaves" in found.notes[0]


def test_where_nothing_is_wrong_the_true_page_of_touchpoints_gives_no_finding(calm_town, tmp_path):
    look = calm_town.look(tmp_path)
    before = (touchpoints_page(look),)
    assert before[0].table("churn_by_touchpoint").rows
    assert [found.findings for found in find_all(look, before) if found.findings] == []
