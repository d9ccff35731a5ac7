import numpy as np
import pytest

from features.errors import TrainingError
from training.ope import Log

GOOD = {"rewards": np.array([1.0, 2.0, 0.0]), "actions": np.array([0, 1, 1]), "probabilities": np.array([0.5, 1.0, 0.25])}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rewards": np.array([1.0, np.nan, 0.0])}, "row 1: reward nan must be finite"),
        ({"probabilities": np.array([0.5, 1.0, 0.0])}, r"row 2: logged probability 0.0 must be in \(0, 1\]"),
        ({"probabilities": np.array([1.01, 1.0, 0.0])}, r"row 0: logged probability 1.01 .* \(and 1 rows more\)"),
        ({"probabilities": np.array([0.5, np.nan, 0.5])}, "row 1: logged probability nan"),
        ({"probabilities": np.array([0.5, 1.0])}, r"probabilities of shape \(2,\) must be \(3,\)"),
        ({"actions": np.array([0, -1, 1])}, "row 1: action -1"),
        ({"actions": np.array([0.0, 1.0, 1.0])}, "must be integers"),
        ({"actions": np.array([[0, 1, 1]])}, "actions of shape"),
        ({"clusters": np.array([0, 1])}, "clusters of shape"),
        ({"all_probabilities": np.array([[0.5, 0.5], [0.0, 1.0]])}, "one row per decision"),
        ({"all_probabilities": np.array([[0.5, 0.5], [0.0, 0.9], [0.75, 0.25]])}, "row 1: logged probabilities"),
        (
            {"all_probabilities": np.array([[0.5, 0.5], [0.0, 1.0], [0.25, 0.75]])},
            "row 2: logged probability 0.25 must be that of",
        ),
    ],
)
def test_a_log_that_is_none_is_refused_by_its_row(wrong, message):
    with pytest.raises(TrainingError, match=message):
        Log(**{**GOOD, **wrong})


def test_a_log_of_one_decision_is_refused():
    with pytest.raises(TrainingError, match="at least 2"):
        Log(rewards=np.ones(1), actions=np.zeros(1, dtype=int), probabilities=np.ones(1))
