import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import TrainingError
from training.attribution.bootstrap import first_order_effects, steps_of_groups
from training.attribution.markov import chain_of, markov, removal_effects
from training.attribution.paths import paths_of


def test_a_chain_of_order_1_by_hand():
    # Two of four begin at a. a: on to b 1/2, none 1/2. b: conversion 2/3, none 1/3.
    paths = paths_of(["a > b", "a", "b"], conversions=np.array([1.0, 0.0, 1.0]), nulls=np.array([0.0, 1.0, 1.0]))
    chain = chain_of(paths)
    assert chain.labels() == ("a", "b")
    assert chain.start.tolist() == [0.5, 0.5]
    assert chain.moves.toarray() == pytest.approx(np.array([[0.0, 0.5], [0.0, 0.0]]))
    assert chain.converts == pytest.approx([0.0, 2 / 3])
    effects = removal_effects(chain)
    # With both 1/2 x 1/2 x 2/3 + 1/2 x 2/3 = 1/2 convert, without a 1/2 x 2/3 = 1/3, without b nobody
    assert effects.rate == pytest.approx(1 / 2)
    assert effects.conversions == pytest.approx([1 / 3, 1.0])
    assert markov(paths).conversions == pytest.approx([2 * (1 / 3) / (4 / 3), 2 * 1 / (4 / 3)])


def test_a_chain_of_order_2_by_hand():
    # ab begins half of the paths and goes on to bc with 1/2, which always converts; c alone converts with 1/2
    paths = paths_of(
        ["a > b > c", "a > b", "c"],
        conversions=np.array([1.0, 0.0, 1.0]),
        values=np.array([30.0, 0.0, 10.0]),
        nulls=np.array([0.0, 1.0, 1.0]),
    )
    chain = chain_of(paths, order=2)
    assert set(chain.labels()) == {"a > b", "b > c", "c"}
    effects = removal_effects(chain)
    assert effects.rate == pytest.approx(1 / 2)
    assert effects.conversions == pytest.approx([1 / 2, 1 / 2, 1.0])
    # Of 30 x 1/4 + 10 x 1/4 = 10 per path, 2.5 come without a or b
    assert effects.values == pytest.approx([3 / 4, 3 / 4, 1.0])
    credit = markov(paths, order=2)
    assert credit.conversions == pytest.approx([0.5, 0.5, 1.0])
    assert credit.values == pytest.approx([40 * 0.3, 40 * 0.3, 40 * 0.4])


def test_repeated_touches_change_nothing_at_order_1():
    once = paths_of(["a > b", "b"], conversions=np.array([2.0, 1.0]), nulls=np.array([1.0, 3.0]))
    often = paths_of(["a > a > a > b", "b > b"], conversions=np.array([2.0, 1.0]), nulls=np.array([1.0, 3.0]))
    assert removal_effects(chain_of(often)).conversions == pytest.approx(removal_effects(chain_of(once)).conversions)


words = st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=6).map(" > ".join), min_size=1, max_size=12, unique=True)


@settings(max_examples=40, deadline=None)
@given(words, st.integers(1, 4), st.randoms(use_true_random=False))
def test_the_chain_converts_as_often_as_the_paths_and_the_most_that_can_be_lost_is_all(written, order, random):
    conversions = np.array([float(random.randint(0, 3)) for _ in written])
    conversions[0] += 1.0
    nulls = np.array([float(random.randint(0, 3)) for _ in written])
    paths = paths_of(written, conversions=conversions, values=2.0 * conversions, nulls=nulls)
    effects = removal_effects(chain_of(paths, order=order))
    assert effects.rate == pytest.approx(conversions.sum() / (conversions + nulls).sum())
    assert np.all((effects.conversions > -1e-12) & (effects.conversions <= 1.0 + 1e-12))
    assert effects.values == pytest.approx(effects.conversions)  # every conversion is worth the same
    assert markov(paths, order=order).conversions.sum() == pytest.approx(conversions.sum())


@settings(max_examples=30, deadline=None)
@given(words, st.randoms(use_true_random=False))
def test_the_closed_form_of_order_1_is_what_following_the_chain_gives(written, random):
    conversions = np.array([1.0 + random.randint(0, 3) for _ in written])
    values = np.array([float(random.randint(1, 9)) for _ in written])
    paths = paths_of(written, conversions=conversions, values=values, nulls=np.array([1.0] * len(written)))
    effects, steps, n = removal_effects(chain_of(paths)), steps_of_groups(paths).sum(axis=0)[None], len(paths.names)
    assert first_order_effects(steps, column=n)[0] == pytest.approx(effects.conversions)
    assert first_order_effects(steps, column=n + 2)[0] == pytest.approx(effects.values)


def test_nothing_can_be_lost_where_nothing_converts():
    paths = paths_of(["a > b"], conversions=np.zeros(1), nulls=np.ones(1))
    with pytest.raises(TrainingError, match="no path ends in a conversion"):
        markov(paths)


@pytest.mark.parametrize("order", [0, 40])
def test_an_order_that_cannot_be_is_refused(order):
    with pytest.raises(TrainingError, match=f"order {order} with 3 touchpoints"):
        chain_of(paths_of(["a > b > c"], conversions=np.ones(1)), order=order)
