import numpy as np
import pytest

from training.effects import Effects, Term, raw_effects
from training.linear import Columns, Linear

ARMS = ("none", "mail.offer", "call.adviser")
ROWS = np.array([[1.0, 10.0], [2.0, 20.0], [np.nan, 30.0]])


def line(*weights, base=0.0):
    """The plain sum of columns by weights."""
    nothing, one = np.zeros(len(weights)), np.ones(len(weights))
    columns = Columns(-1e9 * one, 1e9 * one, nothing, nothing, one, nothing)
    return Linear(columns, np.array(weights, dtype=float), nothing, base)


def test_a_model_of_features_alone_counts_for_every_arm_as_its_weights_say():
    term = Term(line(1.0, 0.5), (0.0, 1.0, -2.0))
    assert term.raw(ROWS, ARMS).tolist() == [[0, 6, -12], [0, 12, -24], [0, 15, -30]]


def test_a_model_of_features_and_arms_is_asked_about_every_arm():
    term = Term(line(1.0, 0.0, 100.0, 200.0, base=7.0), (0.0, 1.0, 1.0))
    assert term.raw(ROWS, ARMS).tolist() == [[0, 108, 208], [0, 109, 209], [0, 107, 207]]


def test_against_none_only_what_the_arm_adds_is_left():
    term = Term(line(1.0, 0.0, 100.0, 200.0, base=7.0), (0.0, 1.0, 1.0), against_none=True)
    assert term.raw(ROWS, ARMS).tolist() == [[0, 100, 200]] * 3
    assert term.contributions(ROWS, 2, ARMS).tolist() == [[0, 0, 200]] * 3


def test_uplift_is_the_arms_mean_and_what_raw_effects_beyond_their_centre_are_worth():
    effects = Effects(ARMS, (Term(line(1.0, 0.0), (0.0, 1.0, 0.0)),), offsets=(0.0, 0.1, 0.3), centres=(0.0, 1.5, 0.0), slope=0.2)
    np.testing.assert_allclose(effects.uplift(ROWS), [[0, 0.0, 0.3], [0, 0.2, 0.3], [0, -0.2, 0.3]], atol=1e-12)
    np.testing.assert_allclose(effects.contributions(ROWS, 1), [[0.2, 0, -0.2], [0.4, 0, -0.2], [0, 0, -0.2]], atol=1e-12)
    np.testing.assert_allclose(effects.contributions(ROWS, 2), [[0, 0, 0.3]] * 3, atol=1e-12)


def test_terms_add_up_and_no_terms_mean_that_all_are_alike():
    two = (Term(line(1.0, 0.0), (0.0, 1.0, 0.0)), Term(line(0.0, 1.0), (0.0, -1.0, 1.0)))
    assert raw_effects(two, ROWS[:1], ARMS).tolist() == [[0, -9, 10]]
    assert Effects.alike(ARMS, (0.0, 0.1, 0.2)).uplift(ROWS) == pytest.approx(np.tile([0.0, 0.1, 0.2], (3, 1)))
