from dataclasses import replace

import numpy as np
import pytest

from training.learners.calibration import Proof
from training.ope import Log, difference, dr
from training.select import Entry, Selection, _winner, greedy

REWARDS = np.random.default_rng(0).normal(1.0, 1.0, 400)
LOG = Log(rewards=REWARDS, actions=np.arange(400) % 2, probabilities=np.full(400, 0.5))
MODEL = np.zeros((400, 2))
FIRST, SECOND = np.tile([1.0, 0.0], (400, 1)), np.tile([0.0, 1.0], (400, 1))


def entry(name, *, value=1.0, low, gap=0.0, ahead=None, error=0.1, proof=None, misfit=1.0):
    measured = replace(dr(LOG, FIRST, MODEL), value=value)
    apart = replace(difference(LOG, FIRST, SECOND, MODEL), value=gap, low=low, high=gap + 1.0, standard_error=error)
    fair = replace(apart, value=gap if ahead is None else ahead)
    return Entry(name, measured, apart, fair, proof, misfit)


PROVEN, UNPROVEN = Proof(1.0, 0.4), Proof(1.0, -0.1)


def selection(*entries, chosen):
    return Selection(chosen=chosen, constant="always mail.offer", personalized=entries, constants=())


def test_of_those_that_earn_more_the_one_that_earns_most_is_taken():
    entries = [entry("s", value=3.0, low=0.1), entry("t", value=2.0, low=0.2), entry("x", value=9.0, low=-0.1, proof=PROVEN)]
    assert _winner(entries).name == "s"


def test_where_money_cannot_tell_the_one_that_tells_customers_apart_best_is_taken():
    entries = [
        entry("s", value=3.0, low=-0.1, proof=PROVEN, misfit=2.0),
        entry("x", value=2.0, low=-0.1, proof=PROVEN, misfit=1.0),
        entry("t", value=9.0, low=-0.1, proof=UNPROVEN, misfit=0.1),
    ]
    assert _winner(entries).name == "x"


def test_the_mean_of_those_that_tell_customers_apart_goes_before_the_one_that_seems_to_fit_best():
    apart = [entry("x", low=-0.1, proof=PROVEN, misfit=1.0), entry("mean", low=-0.1, proof=PROVEN, misfit=1.1)]
    assert _winner(apart).name == "mean"
    assert _winner([apart[0], entry("mean", low=-0.1, proof=UNPROVEN, misfit=0.1)]).name == "x"


def test_luck_that_only_the_best_constant_policy_had_does_not_count_against_those_who_tell_customers_apart():
    assert _winner([entry("x", low=-1.0, gap=-0.4, ahead=0.1, proof=PROVEN)]).name == "x"


@pytest.mark.parametrize(
    "other",
    [
        entry("unproven", low=-0.1, gap=0.5, proof=UNPROVEN),
        entry("seems to earn less", low=-1.0, gap=-0.2, error=0.1, proof=PROVEN),
        entry("decides alike", low=0.0, gap=0.0, error=0.0, proof=PROVEN),
    ],
    ids=lambda each: each.name,
)
def test_else_all_are_treated_alike(other):
    assert _winner([other]) is None


def test_the_report_says_what_was_chosen_and_why():
    more, apart, nothing = (
        entry("x linear", low=0.25, gap=0.5),
        entry("x linear", low=-0.5, gap=0.5, proof=PROVEN),
        entry("x linear", low=-0.5, gap=0.5, proof=UNPROVEN),
    )
    assert selection(more, chosen="x linear").reason == (
        "personalized by x linear: better than always mail.offer by +0.5 (95% interval +0.25 to +1.5) per decision"
    )
    assert "customers differ beyond doubt" in selection(apart, chosen="x linear").reason
    words = selection(nothing, chosen="always mail.offer").reason
    assert words.startswith(
        "personalization cannot be distinguished from always mail.offer, which is chosen because it is simpler"
    )
    assert words.endswith("the best learner, x linear, differs by +0.5 (95% interval -0.5 to +1.5) per decision")
    assert "slope 1.00, at least 0.40  (chosen)" in selection(apart, chosen="x linear").in_words()


def test_the_greedy_policy_takes_what_is_worth_most_of_what_is_eligible():
    values = np.array([[0.0, 2.0, 3.0], [0.0, -1.0, -2.0]])
    assert greedy(values, np.array([[True, True, False], [True, True, True]])).tolist() == [[0, 1, 0], [1, 0, 0]]
