import numpy as np
import pytest

from features.errors import PolicyError
from training.policy import arbitrate

ALL = np.array([[True, True, True, True]])


def test_the_best_comes_first_and_what_is_not_eligible_last():
    eligible = np.array([[True, False, True, True]])
    assert arbitrate(np.array([[0.0, 9.0, -1.0, 4.0]]), eligible).tolist() == [[3, 0, 2, 1]]


def test_doing_nothing_wins_a_tie_and_other_ties_go_by_catalogue_order():
    assert arbitrate(np.array([[0.0, 0.0, 5.0, 5.0]]), ALL).tolist() == [[2, 3, 0, 1]]
    assert arbitrate(np.array([[0.0, 0.0, 0.0, -1.0]]), ALL).tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize(
    ("net_values", "eligible", "message"),
    [
        (np.zeros((1, 3)), ALL, "must be"),
        (np.zeros(4), ALL[0], "must be"),
        (np.zeros((1, 4)), ALL.astype(float), "bool"),
        (np.array([[0.0, 1.0, 2.0, 3.0], [0.0, np.nan, 2.0, 3.0]]), np.repeat(ALL, 2, axis=0), "row 1: net values"),
        (np.zeros((1, 4)), ~ALL, "row 0: nothing is eligible"),
    ],
)
def test_what_no_choice_can_be_made_from_is_refused(net_values, eligible, message):
    with pytest.raises(PolicyError, match=message):
        arbitrate(net_values, eligible)
