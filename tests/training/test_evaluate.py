from dataclasses import dataclass

import numpy as np
import pytest

from features.errors import TrainingError
from training.evaluate import chosen, evaluate, reward_model
from training.policy import ConstantPolicy


@dataclass(frozen=True)
class BySign:
    """Contacts exactly those whom it helps."""

    name: str = "by sign"
    arms: tuple[str, ...] = ("none", "mail.offer")

    def as_probabilities(self, features, eligible):
        contact = (features[:, 3] > 0) & eligible[:, 1]
        return np.column_stack([~contact, contact]).astype(float)


@pytest.fixture(scope="module")
def evaluation(log):
    everyone = np.ones(len(log), dtype=bool)
    return evaluate(log, everyone, challenger=BySign(), champion=ConstantPolicy("none", log.arms), seed=1)


def test_values_hold_the_truth_of_a_confounded_log(log, evaluation):
    # P(convert) is 0.3 on average; helped are one half, by 0.15; a conversion earns 20, a contact costs 1
    truth = {
        "challenger": 20 * (0.3 + 0.5 * 0.15) - 0.5,
        "champion": 20 * 0.3,
        "always none": 20 * 0.3,
        "always mail.offer": 20 * 0.3 - 1.0,
    }
    assert {value.name for value in evaluation.values} == set(truth)
    for value in evaluation.values:
        assert value.dr.low - 0.3 < truth[value.name] < value.dr.high + 0.3


def test_a_policy_that_is_better_beyond_doubt_passes_the_gate(evaluation):
    assert evaluation.verdict.promote
    assert "better than champion" in " ".join(evaluation.verdict.reasons)


def test_trimmed_rows_do_not_judge_and_are_counted(log):
    kept = np.arange(len(log)) % 2 == 0
    evaluation = evaluate(log, kept, challenger=BySign(), champion=None, seed=1)
    assert (evaluation.decisions, evaluation.trimmed) == (len(log) // 2, len(log) // 2)
    assert evaluation.values[0].dr.n == len(log) // 2


def test_too_little_overlap_is_refused(log):
    with pytest.raises(TrainingError, match="hardly overlap"):
        evaluate(log, np.zeros(len(log), dtype=bool), challenger=BySign(), champion=None, seed=1)


def test_a_policy_over_other_arms_never_chooses_what_the_log_does_not_know(log):
    other = ConstantPolicy("call.adviser", ("none", "call.adviser", "mail.offer"))
    assert (chosen(other, log) == [1.0, 0.0]).all()
    swapped = ConstantPolicy("mail.offer", ("none", "call.adviser", "mail.offer"))
    assert (chosen(swapped, log) == [0.0, 1.0]).all()


def test_the_reward_model_sees_what_a_contact_changes(log):
    rewards = reward_model(log, seed=1)
    gain = rewards[:, 1] - rewards[:, 0]
    assert gain[log.features[:, 3] > 0].mean() > gain[log.features[:, 3] < 0].mean() + 2
