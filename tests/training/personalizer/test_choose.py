"""The choice: probabilities, order and draw."""

import numpy as np
import pytest
from scipy.stats import chisquare

from features.errors import PolicyError
from training.personalizer import Action, Choice, RankModel, RankQuestion, choose
from training.personalizer.hashing import BITS, columns_of
from training.policy import rng_for

ACTIONS = tuple(Action(name, [{"kind": name}]) for name in "abcd")


def model_of(rewards: dict[str, float], *, events: int) -> RankModel:
    """A model that expects these rewards of actions, whatever the context."""
    weights = np.zeros(1 << BITS)
    for action in ACTIONS:
        (row,) = columns_of([], [action])
        weights[row.index[0]] = rewards.get(action.id, 0.0)
    return RankModel(weights, 0.0, events, "f" * 64)


def test_before_anything_is_learnt_all_that_is_not_excluded_is_alike() -> None:
    choice = choose(RankQuestion([], ACTIONS, frozenset("b")), None, rng_for("e", 7))
    assert choice.probabilities.tolist() == pytest.approx([1 / 3, 0, 1 / 3, 1 / 3])
    assert choice.policy == "untaught"


def test_the_same_event_id_draws_the_same_action() -> None:
    question = RankQuestion([], ACTIONS)
    assert {choose(question, None, rng_for("e", 7)).index for _ in range(20)} == {choose(question, None, rng_for("e", 7)).index}
    assert len({choose(question, None, rng_for(f"e{index}", 7)).index for index in range(50)}) == 4


def test_a_worse_action_is_rarer_by_its_gap_and_never_impossible() -> None:
    choice = choose(RankQuestion([], ACTIONS), model_of({"c": 0.5}, events=100), rng_for("e", 7))
    # sharpness 10 x sqrt(100) = 100, gap 0.5: 1 / (4 + 50); then 5 % of events are shared by the four
    worse = 0.05 / 4 + 0.95 / 54
    assert choice.probabilities.tolist() == pytest.approx([worse, worse, 1 - 3 * worse, worse])
    assert choice.policy == "f" * 12


def test_what_is_excluded_keeps_its_place_and_the_chosen_one_goes_first_among_the_others() -> None:
    probabilities = np.array([0.0, 0.2, 0.5, 0.0, 0.3])
    assert Choice(4, probabilities, "1").order == [0, 4, 2, 3, 1]
    assert Choice(2, probabilities, "1").order == [0, 2, 4, 3, 1]
    assert Choice(0, np.full(3, 1 / 3), "1").order == [0, 1, 2]


def test_drawn_frequencies_agree_with_the_probabilities() -> None:
    question, model = RankQuestion([], ACTIONS, frozenset("d")), model_of({"a": 0.02, "b": 0.05}, events=25)
    choices = [choose(question, model, rng_for(f"event {index}", 7)) for index in range(4_000)]
    counts = np.bincount([choice.index for choice in choices], minlength=4)
    assert counts[3] == 0
    assert chisquare(counts[:3], 4_000 * choices[0].probabilities[:3]).pvalue > 0.001


def test_when_all_is_excluded_there_is_no_choice() -> None:
    with pytest.raises(PolicyError, match="nothing is eligible"):
        choose(RankQuestion([], ACTIONS, frozenset("abcd")), None, rng_for("e", 7))
