import numpy as np
import pytest

from training.attribution.decisions import load_drawn
from training.attribution.happened import happened

EVEN = {"none": 0.5, "mail.offer": 0.3, "email.news": 0.2}


def drawn(look, **given):
    with happened(look) as past:
        return load_drawn(past, look.catalogue, **given)


def test_a_record_tells_every_probability_and_what_followed_in_the_window(story):
    story.add("decisions", story.decision("d", "anna", 5, "mail.offer", chances=EVEN))
    story.add(
        "interactions",
        story.purchase("anna", 4, 99.0),
        story.purchase("anna", 6, 10.0),
        story.purchase("anna", 12, 20.0),  # seven days after: the last moment of the window
        story.purchase("anna", 12.1, 40.0),
    )
    found = drawn(story.look())
    assert found.arms == ("none", "mail.offer", "email.news")
    assert (found.arm.tolist(), found.probability.tolist()) == ([1], [0.3])
    assert found.table.tolist() == [[0.5, 0.3, 0.2]]
    assert (found.conversions.tolist(), found.values.tolist()) == ([2.0], [30.0])
    assert found.features[0] == pytest.approx([np.log(2), np.log(100), 0.0])
    assert found.complete


def test_only_decisions_of_the_period_with_a_probability_and_a_closed_window_count(story):
    story.add(
        "decisions",
        story.decision("kept", "a", 5, "none", chances=EVEN),
        story.decision("before", "b", -1, "none", chances=EVEN),
        story.decision("after", "c", 30, "none", chances=EVEN),
        story.decision("by nobody knows what chance", "d", 5, "mail.offer"),
        story.decision("gone", "e", 5, "mail.gone", probability=0.5),
    )
    assert len(drawn(story.look())) == 1
    assert len(drawn(story.look(known_until=story.day(11)))) == 0


def test_deferred_decisions_count_once_they_are_carried_out(story):
    story.add(
        "decisions",
        story.decision("never", "a", 5, "mail.offer", chances=EVEN, deferred=True),
        story.decision("soon", "b", 5, "mail.offer", chances=EVEN, deferred=True),
        story.decision("nothing", "c", 5, "none", chances=EVEN, deferred=True),
    )
    story.add("outcomes", story.outcome("soon", 6, "contact"))
    assert sorted(drawn(story.look()).arm.tolist()) == [0, 1]


def test_an_imported_probability_is_completed_only_where_there_were_two_candidates(story):
    two, three = ["mail.offer", "none"], ["mail.offer", "email.news", "none"]
    story.add(
        "decisions",
        story.decision("two", "a", 5, "mail.offer", probability=0.7, candidates=two),
        story.decision("three", "b", 5, "email.news", probability=0.7, candidates=three),
    )
    found = drawn(story.look())
    two, three = (found.where(found.arm == arm) for arm in (1, 2))
    assert two.table[0] == pytest.approx([0.3, 0.7, 0.0])
    assert two.possible.tolist() == [[True, True, False]]
    assert np.isnan(three.table).all()
    assert three.possible.tolist() == [[True, True, True]]
    assert found.probability.tolist() == [0.7, 0.7]
    assert (two.complete, three.complete, found.complete) == (True, False, False)


def test_of_many_decisions_a_sample_of_customers_is_read(story):
    story.add("decisions", *(story.decision(f"d{number}", f"c{number}", 5, "none", chances=EVEN) for number in range(400)))
    assert 120 < len(drawn(story.look(), most=200)) < 280


def test_who_is_not_in_the_sample_of_customers_is_not_taken_for_one_who_did_nothing(story):
    events = [story.purchase(f"c{number}", 6) for number in range(400)]
    story.add("decisions", *(story.decision(f"d{number}", f"c{number}", 5, "none", chances=EVEN) for number in range(400)))
    story.add("interactions", *events)
    with happened(story.look(), most_rows=200) as past:
        found = load_drawn(past, story.catalogue())
    assert 120 < len(found) < 280
    assert set(found.conversions.tolist()) == {1.0}
