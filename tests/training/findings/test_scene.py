"""Steps and means, by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from training.findings.effort import effort
from training.findings.friction import _DROP_OFF, _REPETITION
from training.findings.gaps import gaps
from training.findings.scene import open_scene

WHO = np.arange(40)


@pytest.fixture
def scene_of(calm_town, tmp_path):
    def opened(*rows):
        return open_scene(replace(calm_town, rows=pd.concat(rows, ignore_index=True)).look(tmp_path))

    return opened


def test_a_step_ends_a_journey_when_nothing_follows_for_long_and_nothing_was_bought(scene_of, make_frame):
    """Searched 100 days ago and never came back: left. To the cart 150 days ago, bought the day after: did not leave, and what
    they looked at within a month after that is no step. 10 days ago: nobody knows yet.
    """
    buyers, seekers = WHO[:30], WHO
    rows = (
        make_frame(buyers, 150.0, "web.cart", "view"),
        make_frame(buyers, 149.0, "app.basket", "purchase", value=20.0),
        make_frame(buyers, 140.0, "web.home", "view"),
        make_frame(seekers, 100.0, "web.search", "view"),
        make_frame(seekers, 10.0, "web.search", "view"),
    )
    with scene_of(*rows) as scene:
        measured = {each.subject: (each.customers, each.observations, each.mean) for each in scene.measured(_DROP_OFF)}
        assert scene.worth == pytest.approx(30 * 20.0 * 0.5 / 40)
    assert measured == {"web.cart": (30, 30.0, 0.0), "web.search": (40, 40.0, 1.0)}


def test_contacts_and_ratings_are_no_steps_of_the_customer(scene_of, make_frame):
    contact = make_frame(WHO, 100.0, "email.news", "contact")
    rating = make_frame(WHO, 100.0, "web.home", "rating", metric="csat").assign(score=5.0)
    with scene_of(contact, rating) as scene:
        assert scene.rows("from steps") == []


def test_repetition_is_what_goes_beyond_any_order_of_the_same_steps(scene_of, make_frame):
    """Home, home, search, search within hours: of the two steps at home one is followed by another one there; any order of these
    four would have it in 1 of 3. So 1 - 2/3 of 2 steps. Of search, the second step is the last: 1 - 1/3 of 1 step.
    """
    walk = zip(("web.home", "web.home", "web.search", "web.search"), (100.3, 100.2, 100.1, 100.0), strict=True)
    with scene_of(*(make_frame(WHO, ago, name, "view") for name, ago in walk)) as scene:
        measured = {each.subject: each.mean for each in scene.measured(_REPETITION)}
    assert measured == pytest.approx({"web.home": (1 - 2 / 3) / 2, "web.search": 1 - 1 / 3})


def test_customers_observations_hang_together(scene_of, make_frame):
    """Of 40 customers 20 leave after each of 10 steps and 20 after none: as sure as 40 observations, not as 400."""
    steps = [make_frame(WHO[:20], ago, "web.home", "view") for ago in (180 - 0.001, 140.0, 100.0, 60.0)]
    others = [make_frame(WHO[20:], 100.0 - number / 10, "web.home", "view") for number in range(4)]
    ends = make_frame(WHO[20:], 99.5, "app.basket", "purchase", value=1.0)
    with scene_of(*steps, *others, ends) as scene:
        (home,) = scene.measured(_DROP_OFF)
    assert (home.observations, home.mean) == (160.0, 0.5)
    assert home.error == pytest.approx((40 * 2.0**2 * 40 / 39) ** 0.5 / 160)


def test_who_needs_many_steps_to_get_on_is_found(scene_of, make_frame):
    """From press on it takes 6 steps to the cart, from home and blog 1; steps repeated on the spot count once."""
    places = ["web.press", "web.blog", "web.home", "web.blog", "web.home", "web.blog", "web.cart"]
    long = [make_frame(WHO, 100.0 - number / 10, name, "view") for number, name in enumerate(places)]
    short = [
        make_frame(who, ago, name, "view")
        for who, start in ((np.arange(40, 80), "web.home"), (np.arange(80, 120), "web.blog"), (np.arange(120, 160), "web.home"))
        for name, ago in ((start, 50.0), (start, 49.9), (start, 49.8), ("web.cart", 49.7))
    ]
    more = [make_frame(np.arange(200, 400), ago, name, "view") for name, ago in (("web.blog", 50.0), ("web.cart", 49.7))]
    with scene_of(*long, *short, *more) as scene:
        (finding,) = effort(scene).findings
    assert finding.id == "effort:web.press steps" and finding.evidence.rows[0][3] == 6.0


def test_a_stage_without_a_touchpoint_is_a_gap_that_nobody_can_count(calm_town, make_frame, tmp_path):
    look = replace(calm_town, rows=make_frame(WHO, 100.0, "web.home", "view")).look(tmp_path)
    kept = tuple(each for each in look.catalogue.touchpoints if each.stage != "advocacy")
    with open_scene(replace(look, catalogue=look.catalogue.model_copy(update={"touchpoints": kept}))) as scene:
        (finding,) = gaps(scene).findings
    assert finding.id == "gap:advocacy missing" and finding.score == (0.0, 0.0)
