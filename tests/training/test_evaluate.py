from dataclasses import dataclass, replace

import numpy as np
import pytest

from features.errors import TrainingError
from training.evaluate import chosen, evaluate, reward_model
from training.ope import IntervalKind
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


def test_every_estimator_is_told_and_agrees_where_probabilities_are_right(evaluation):
    first = evaluation.values[0]
    for estimate in (first.snips, first.ips, first.switch_dr):
        assert estimate.value == pytest.approx(first.dr.value, abs=0.2)
    assert first.dm.value == pytest.approx(first.dr.value, abs=1.0)  # boosting with few trees lags behind what it learns
    assert first.agreement.snips.low < 0.0 < first.agreement.snips.high
    assert "SWITCH-DR" in evaluation.in_words()


def test_a_large_log_has_normal_intervals_and_a_small_one_cautious_ones(log, evaluation):
    assert evaluation.values[0].dr.interval is IntervalKind.NORMAL
    few = np.arange(len(log)) < 400
    small = evaluate(log, few, challenger=BySign(), champion=None, seed=1)
    assert small.values[0].support.effective_sample_size < 400
    assert small.values[0].dr.interval is IntervalKind.CAUTIOUS
    assert small.verdict.comparisons[0].difference.interval is IntervalKind.CAUTIOUS
    assert "the wider of normal and bootstrap" in small.verdict.reasons[0]


def test_decisions_without_a_choice_do_not_judge(log):
    only = np.arange(len(log)) % 4 == 0
    eligible = log.eligible.copy()
    eligible[only] = np.eye(2, dtype=bool)[log.arm[only]]
    forced = replace(log, eligible=eligible)
    evaluation = evaluate(forced, np.ones(len(log), dtype=bool), challenger=BySign(), champion=None, seed=1)
    assert (evaluation.decisions, evaluation.trimmed) == (len(log) * 3 // 4, len(log) // 4)


THREE = ("none", "mail.offer", "call.adviser")


def mandatory(log):
    """The log with a second contact; in every fifth decision something was mandatory, and doing nothing was not eligible."""
    rows = np.arange(len(log))
    arm = np.where((log.arm == 1) & (rows % 2 == 0), 2, log.arm)
    forced = rows % 5 == 0
    arm[forced] = 1 + rows[forced] // 5 % 2
    eligible = np.ones((len(log), 3), dtype=bool)
    eligible[forced, 0] = False
    contact = log.probabilities[:, 1] / 2
    probabilities = np.where(forced[:, None], [0.0, 0.5, 0.5], np.column_stack([1 - 2 * contact, contact, contact]))
    table = {"eligible": eligible, "probabilities": probabilities, "probability": probabilities[rows, arm]}
    return replace(log, arms=THREE, arm=arm, **table)


@dataclass(frozen=True)
class Calls:
    """Calls whomever it may."""

    name: str = "calls"
    arms: tuple[str, ...] = THREE

    def as_probabilities(self, features, eligible):
        return np.where(eligible[:, [2]], np.eye(3)[2], eligible / eligible.sum(axis=1, keepdims=True))


def test_decisions_in_which_doing_nothing_was_not_eligible_judge_as_well(log):
    everyone = np.ones(len(log), dtype=bool)
    evaluation = evaluate(mandatory(log), everyone, challenger=Calls(), champion=None, seed=1)
    assert evaluation.decisions == len(log)
    never = next(value for value in evaluation.values if value.name == "always none")
    assert never.support.overlap == 1.0  # where something is mandatory, it does that


def test_a_policy_that_knows_nothing_of_what_was_mandatory_finds_no_overlap_there(log):
    old = ConstantPolicy("none", ("none", "web.banner"))
    target = chosen(old, mandatory(log))
    assert (target == [1.0, 0.0, 0.0]).all()
    evaluation = evaluate(mandatory(log), np.ones(len(log), dtype=bool), challenger=Calls(), champion=old, seed=1)
    assert evaluation.values[1].support.overlap == pytest.approx(0.8)
    assert not evaluation.verdict.promote


def test_constant_policies_are_compared_with_what_a_policy_would_do_without_exploring(log):
    everyone = np.ones(len(log), dtype=bool)
    always = ConstantPolicy("mail.offer", log.arms)

    class Trying(ConstantPolicy):
        def as_probabilities(self, features, eligible):
            return 0.5 * super().as_probabilities(features, eligible) + 0.5 * eligible / eligible.sum(axis=1, keepdims=True)

    trying = Trying("mail.offer", log.arms)
    evaluation = evaluate(log, everyone, challenger=trying, exploiting=always, champion=None, seed=1)
    assert "takes the same decisions as always mail.offer" in " ".join(evaluation.verdict.reasons)
    by_name = {value.name: value.dr.value for value in evaluation.values}
    price = by_name["challenger without exploration"] - by_name["challenger"]
    assert f"without exploration, which costs it {price:.4g} per decision" in evaluation.in_words()
