import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.catalogue import Exploration
from features.errors import PolicyError
from training.policy import draw, explore, rng_for

METHODS = ("squarecb", "softmax", "epsilon_greedy")


def probabilities(values, eligible=None, *, ceilings=None, sharpness=1.0, floor=0.0, **given):
    values = np.array(values, dtype=float)
    eligible = np.ones(values.shape, dtype=bool) if eligible is None else np.array(eligible)
    exploration = Exploration.model_construct(**(Exploration().model_dump() | {"sharpness": sharpness, "floor": floor} | given))
    return explore(values, eligible, exploration, ceilings=None if ceilings is None else np.array(ceilings))


class Fixed(np.random.Generator):
    """A generator whose next uniform number is known."""

    def __init__(self, level):
        super().__init__(np.random.PCG64(0))
        self.level = level

    def random(self):
        return self.level


MONEY = st.floats(-1e6, 1e6, allow_nan=False)


@st.composite
def choices(draw):
    n, k = draw(st.integers(1, 4)), draw(st.integers(1, 12))
    net_values = np.array([[0.0, *draw(st.lists(MONEY, min_size=k - 1, max_size=k - 1))] for _ in range(n)])
    eligible = np.array([[True, *draw(st.lists(st.booleans(), min_size=k - 1, max_size=k - 1))] for _ in range(n)])
    return net_values, eligible


def test_a_worse_arm_gets_one_over_the_number_of_arms_plus_its_gap_and_the_best_gets_the_rest():
    # gaps 3, 1, 0: 1/(3 + 2 x 3) = 1/9, 1/(3 + 2 x 1) = 1/5, the rest 31/45
    np.testing.assert_allclose(probabilities([[0.0, 2.0, 3.0]], sharpness=2.0), [[1 / 9, 1 / 5, 31 / 45]])


def test_the_floor_is_mixed_in():
    # two arms, gap 2: 1/4 and 3/4; floor 0.1 leaves 0.8 to share: 0.1 + 0.8/4 = 0.3
    np.testing.assert_allclose(probabilities([[0.0, 2.0]], floor=0.1), [[0.3, 0.7]])


def test_ineligible_arms_get_exactly_zero_and_do_not_count():
    found = probabilities([[0.0, 9.0, 2.0]], [[True, False, True]], floor=0.1)
    assert found[0, 1] == 0.0
    np.testing.assert_allclose(found, [[0.3, 0.0, 0.7]])


@pytest.mark.parametrize(("sharpness", "floor"), [(0.0, 0.0), (5.0, 0.5), (5.0, 0.4)])
def test_no_sharpness_or_a_floor_too_high_for_so_many_arms_is_uniform(sharpness, floor):
    found = probabilities([[0.0, 1.0, 7.0]], sharpness=sharpness, floor=floor)
    np.testing.assert_allclose(found, [[1 / 3, 1 / 3, 1 / 3]])


def test_the_only_eligible_arm_is_certain():
    assert probabilities([[0.0, 9.0]], [[True, False]], floor=0.02).tolist() == [[1.0, 0.0]]


def test_softmax_goes_by_the_exponential_of_the_gap():
    # gaps ln 4 and 0: weights 1/4 and 1
    np.testing.assert_allclose(probabilities([[0.0, np.log(4.0)]], method="softmax"), [[0.2, 0.8]])
    np.testing.assert_allclose(probabilities([[0.0, 1e9]], method="softmax"), [[0.0, 1.0]])


def test_epsilon_greedy_takes_the_best_but_for_a_share_that_is_uniform():
    found = probabilities([[0.0, 3.0, 2.0, 9.0]], [[True, True, True, False]], method="epsilon_greedy", epsilon=0.3)
    np.testing.assert_allclose(found, [[0.1, 0.8, 0.1, 0.0]])


def test_an_arm_that_is_held_back_gets_its_ceiling_and_the_others_share_the_rest_in_proportion():
    plain = probabilities([[0.0, 2.0, 3.0]], sharpness=2.0)  # 1/9, 1/5, 31/45
    held = probabilities([[0.0, 2.0, 3.0]], sharpness=2.0, ceilings=[1.0, 1.0, 0.1])
    np.testing.assert_allclose(held[0, 2], 0.1)
    np.testing.assert_allclose(held[0, :2], plain[0, :2] * 0.9 / (1 / 9 + 1 / 5))


def test_where_all_who_could_take_the_rest_have_nothing_they_take_it_alike():
    held = probabilities([[0.0, 0.0, 1e6]], method="softmax", ceilings=[1.0, 1.0, 0.5])
    assert held.tolist() == [[0.25, 0.25, 0.5]]


def test_a_ceiling_is_never_below_the_floor_and_holds_nothing_back_where_nobody_can_take_the_rest():
    np.testing.assert_allclose(probabilities([[0.0, 9.0]], sharpness=100.0, floor=0.2, ceilings=[1.0, 0.01])[0, 1], 0.2)
    assert probabilities([[0.0, 9.0]], [[False, True]], ceilings=[1.0, 0.1]).tolist() == [[0.0, 1.0]]


@settings(max_examples=60, deadline=None)
@given(choices(), st.floats(0, 0.2), st.data(), st.sampled_from(METHODS))
def test_with_ceilings_probabilities_are_still_a_distribution_with_a_floor(choice, floor, data, method):
    values, eligible = choice
    ceilings = [1.0, *data.draw(st.lists(st.floats(0.01, 1.0), min_size=values.shape[1] - 1, max_size=values.shape[1] - 1))]
    found = probabilities(values, eligible, floor=floor, method=method, ceilings=ceilings)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-12)
    assert (found[~eligible] == 0.0).all() and (found >= 0.0).all()
    least = np.minimum(floor, 1 / eligible.sum(axis=1, keepdims=True))
    assert (found >= np.where(eligible, least, 0.0) - 1e-12).all()
    assert (found <= np.maximum(ceilings, least) + 1e-12).all()


@pytest.mark.parametrize(("sharpness", "floor"), [(-1.0, 0.0), (1.0, -0.1), (np.nan, 0.0)])
def test_negative_parameters_are_refused(sharpness, floor):
    with pytest.raises(PolicyError, match="must be 0 or more"):
        probabilities([[0.0, 1.0]], sharpness=sharpness, floor=floor)


@settings(max_examples=60, deadline=None)
@given(choices(), st.floats(0, 100), st.floats(0, 0.5), st.sampled_from(METHODS))
def test_probabilities_are_a_distribution_over_the_eligible_with_a_floor_and_better_is_never_rarer(
    choice, sharpness, floor, method
):
    net_values, eligible = choice
    found = probabilities(net_values, eligible, sharpness=sharpness, floor=floor, method=method)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-12)
    assert (found[~eligible] == 0.0).all()
    assert (found >= 0.0).all()
    for row, values, allowed in zip(found, net_values, eligible, strict=True):
        assert (row[allowed] >= min(floor, 1 / allowed.sum()) - 1e-15).all()
        ranked = row[allowed][np.argsort(values[allowed], kind="stable")]
        groups = np.sort(values[allowed])
        for i in range(len(ranked) - 1):
            if groups[i + 1] > groups[i]:
                assert ranked[i + 1] >= ranked[i] - 1e-12


@pytest.mark.parametrize("level", [0.0, 1.0 - 2**-53, 1.0])
def test_an_arm_of_probability_zero_is_never_drawn(level):
    assert draw(np.array([0.0, 0.3, 0.0, 0.7, 0.0]), Fixed(level)) in {1, 3}


@pytest.mark.parametrize(("level", "arm"), [(0.0, 0), (0.29, 0), (0.31, 2), (0.99, 2)])
def test_the_draw_inverts_the_cumulative_distribution(level, arm):
    assert draw(np.array([0.3, 0.0, 0.7]), Fixed(level)) == arm


@pytest.mark.parametrize("row", [[0.5, 0.4], [1.5, -0.5], [np.nan, 1.0], [0.0, 0.0], [[1.0]]])
def test_what_is_not_one_distribution_cannot_be_drawn_from(row):
    with pytest.raises(PolicyError, match="sum to 1"):
        draw(np.array(row), np.random.default_rng(0))


def test_the_same_decision_draws_the_same_and_another_decision_or_seed_another():
    assert rng_for("d-1", 1).random() == rng_for("d-1", 1).random()
    assert len({rng_for("d-1", 1).random(), rng_for("d-2", 1).random(), rng_for("d-1", 2).random()}) == 3
