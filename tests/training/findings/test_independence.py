"""Things that have nothing to do with each other have the odds worked out for them, and a lift of 1."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest

from training.findings.alike import least_association, views_of
from training.findings.independence import odds_by_purchases, odds_by_things, thing_weights
from training.findings.openings import _BOUGHT, _THINGS, openings
from training.findings.scene import open_scene

FEW = ("tent", "boots", "food", "map")


def test_the_odds_by_purchases_are_those_of_all_ways_to_buy():
    """Three purchases of four things with these shares: all 64 ways, and who has the first and the second in them."""
    shares, cells = (0.4, 0.3, 0.2, 0.1), np.zeros((2, 2))
    for way in product(range(4), repeat=3):
        cells[int(0 in way), int(1 in way)] += np.prod([shares[thing] for thing in way])
    expected = cells[1, 1] * cells[0, 0] / (cells[1, 0] * cells[0, 1])
    assert odds_by_purchases(0.4, 0.3, 3)[3] == pytest.approx(expected)


def test_the_odds_by_things_are_those_of_all_sets():
    """Sets of two of four things that weigh 1 to 4: 2 have both, 3 + 4 the first alone, 6 + 8 the second alone, 12 neither."""
    assert odds_by_things(np.array([1.0, 2.0, 3.0, 4.0]), 0, 1)[2] == pytest.approx(2 * 12 / (7 * 14))


def test_the_weights_are_those_by_which_the_things_were_drawn():
    """Of all 300 sets of two in proportion to their weights, each thing is in as many as it is."""
    weights = np.array([1.0, 2.0, 3.0, 4.0])
    pairs = np.outer(weights, weights) - np.diag(weights**2)
    having, customers = 300 * pairs.sum(axis=1) / (pairs.sum() / 2), np.array([0.0, 0.0, 300.0, 0.0, 0.0])
    assert thing_weights(having, customers) == pytest.approx(weights / 24**0.25, rel=1e-4)


def purchases(frame, counts, things, rng):
    """As many purchases of each customer, one a day, of things drawn by `things(rng, customers)`."""
    who = np.repeat(np.arange(len(counts)), counts)
    ago = np.concatenate([1.0 + np.arange(count) for count in counts])
    told = [f'{{"category":"{thing}"}}' for thing in things(rng, who)]
    return frame(who, ago, "app.basket", "purchase", value=20.0, properties=told)


def lifts(scene):
    scene.prepare("bought", _BOUGHT.format(key="category", most=50))
    things = scene.rows(_THINGS)
    views = views_of(scene, [each["times"] for each in things])
    pairs = [(one, other) for one in range(len(things)) for other in range(one)]
    return [least_association(views, one, other, 0.0).lift for one, other in pairs], views


@pytest.mark.parametrize("shares", [(0.25, 0.25, 0.25, 0.25), (0.55, 0.25, 0.15, 0.05)])
def test_few_things_drawn_independently_are_no_opening_however_differently_customers_buy(calm_town, make_frame, tmp_path, shares):
    """From 1 to more than 30 purchases, each of any thing: by the number of other things alone the lift were about 3."""
    rng = np.random.default_rng(2)
    counts = 1 + rng.poisson(rng.gamma(1.0, 8.0, 3000))
    rows = purchases(make_frame, counts, lambda rng, who: rng.choice(FEW, len(who), p=shares), rng)
    with open_scene(replace(calm_town, rows=rows).look(tmp_path)) as scene:
        found, views = lifts(scene)
        by_purchases = [views[0].associated(one, other).lift for one in range(4) for other in range(one)]
        told = openings(scene)
    assert told.findings == () and told.compared == 6
    assert max(found) < 1.3 and np.mean(by_purchases) == pytest.approx(1.0, abs=0.1)


def test_customers_who_keep_to_one_thing_beside_others_who_try_all_are_no_opening(calm_town, make_frame, tmp_path):
    rng = np.random.default_rng(3)
    counts, usual, loyal = 1 + rng.poisson(rng.gamma(1.0, 8.0, 2000)), rng.choice(FEW, 2000), rng.random(2000) < 0.5

    def things(rng, who):
        return np.where(loyal[who], usual[who], rng.choice(FEW, len(who)))

    with open_scene(replace(calm_town, rows=purchases(make_frame, counts, things, rng)).look(tmp_path)) as scene:
        found, _ = lifts(scene)
        assert openings(scene).findings == () and np.mean(found) == pytest.approx(1.0, abs=0.2)


def test_of_few_things_a_bond_of_two_is_found_and_not_one_of_the_others(calm_town, make_frame, tmp_path):
    rng = np.random.default_rng(4)
    rows = purchases(make_frame, rng.poisson(rng.gamma(1.0, 6.0, 3000)), lambda rng, who: rng.choice(FEW, len(who)), rng)
    tents = rows[rows.properties == '{"category":"tent"}'].drop_duplicates("customer_id").sample(frac=0.6, random_state=1)
    boots = tents.assign(properties='{"category":"boots"}', ago=tents.ago + 0.5)
    with open_scene(replace(calm_town, rows=pd.concat([rows, boots])).look(tmp_path)) as scene:
        assert {frozenset(each.subject.split(" > ")) for each in openings(scene).findings} == {frozenset(("tent", "boots"))}


def test_of_three_things_nothing_can_be_told_and_it_is_said(calm_town, make_frame, tmp_path):
    rng = np.random.default_rng(5)
    rows = purchases(make_frame, np.full(200, 3), lambda rng, who: rng.choice(FEW[:3], len(who)), rng)
    with open_scene(replace(calm_town, rows=rows).look(tmp_path)) as scene:
        told = openings(scene)
    assert told.findings == () and told.compared == 0
    assert told.notes == ("3 different 'category' have enough customers; it takes 4 to tell a bond of two from chance",)
