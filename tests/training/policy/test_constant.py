import numpy as np
import pytest

from features.errors import PolicyError
from training.policy import ConstantPolicy, constant_policies

ARMS = ("none", "mail.offer", "call.adviser")


def test_a_constant_policy_chooses_its_arm_where_eligible_and_none_elsewhere():
    eligible = np.array([[True, True, True], [True, False, True]])
    found = ConstantPolicy("mail.offer", ARMS).as_probabilities(np.zeros((2, 0)), eligible)
    assert found.tolist() == [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]


def test_there_is_one_constant_policy_per_arm_and_it_says_its_name():
    assert [policy.name for policy in constant_policies(ARMS)] == ["always none", "always mail.offer", "always call.adviser"]


def test_an_arm_that_is_none_of_the_arms_is_refused():
    with pytest.raises(PolicyError, match=r"web\.cart"):
        ConstantPolicy("web.cart", ARMS)
