from itertools import permutations

import numpy as np
import pytest

from features.errors import TrainingError
from training.attribution.paths import paths_of
from training.attribution.shapley import ordered_shapley, shapley, shapley_of_rates, shapley_values


def test_each_path_divides_its_conversions_equally_among_its_set():
    # a > b > a: 6 to the set {a, b}; b: 5 to {b}; a > b > c: 3 to {a, b, c}
    paths = paths_of(["a > b > a", "b", "a > b > c"], conversions=np.array([6.0, 5.0, 3.0]), values=np.array([60.0, 5.0, 9.0]))
    credit = shapley(paths)
    assert credit.conversions == pytest.approx([3.0 + 1.0, 3.0 + 5.0 + 1.0, 1.0])
    assert credit.values == pytest.approx([30.0 + 3.0, 30.0 + 5.0 + 3.0, 3.0])


def test_the_closed_form_is_the_value_of_the_game():
    paths = paths_of(["a > b > a", "b > c", "a > b > c", "c"], conversions=np.array([6.0, 5.0, 3.0, 2.0]))
    sets = {frozenset("ab"): 6.0, frozenset("bc"): 5.0, frozenset("abc"): 3.0, frozenset("c"): 2.0}
    expected = dict.fromkeys("abc", 0.0)
    for order in permutations("abc"):
        for place, player in enumerate(order):
            before, after = frozenset(order[:place]), frozenset(order[: place + 1])
            expected[player] += sum(worth for members, worth in sets.items() if members <= after and not members <= before) / 6
    assert dict(zip(paths.names, shapley(paths).conversions, strict=True)) == pytest.approx(expected)


def test_the_game_of_rates_by_hand():
    # a: 1 of 4, b: 1 of 2, both: 3 of 4; so v(a) = 1/4, v(b) = 1/2, v(ab) = 5/10.
    # a adds 1/4 or 0, b adds 1/2 or 1/4: 1/8 and 3/8, which share 5 conversions.
    paths = paths_of(["a", "b", "b > a"], conversions=np.array([1.0, 1.0, 3.0]), nulls=np.array([3.0, 1.0, 1.0]))
    assert shapley_of_rates(paths).conversions == pytest.approx([1.25, 3.75])


def test_in_the_game_of_rates_a_touchpoint_can_do_harm():
    paths = paths_of(["a", "a > b"], conversions=np.array([8.0, 1.0]), nulls=np.array([2.0, 9.0]))
    harmful = shapley_of_rates(paths).conversions[1]
    assert harmful < 0.0


def test_a_dummy_gets_nothing_and_twins_get_the_same():
    worth = np.array([float(bool(coalition & 1 and coalition & 2)) for coalition in range(8)])
    assert shapley_values(worth).tolist() == [0.5, 0.5, 0.0]


def test_the_ordered_value_adds_up_to_the_value():
    paths = paths_of(["a > b > a", "b > c > c > c > a"], conversions=np.array([6.0, 5.0]))
    ordered = ordered_shapley(paths, places=3)
    assert ordered.sum(axis=1) == pytest.approx(shapley(paths).conversions)
    assert ordered[paths.names.index("c")] == pytest.approx([0.0, 5 / 9, 10 / 9])  # a third of 5, over three touches


def test_too_many_players_are_refused():
    paths = paths_of([" > ".join(f"t{number}" for number in range(17))], conversions=np.ones(1))
    with pytest.raises(TrainingError, match="17 touchpoints make"):
        shapley_of_rates(paths)
