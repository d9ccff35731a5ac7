import numpy as np
import pytest

from features.catalogue import Exploration
from features.errors import PolicyError
from features.synthetic import synthetic_catalogue
from training.policy import Policy, PriorScorer, Scores, Terms

ARMS = ("none", "mail.offer", "call.adviser")


class Known:
    """Returns the scores it was given."""

    def __init__(self, propensity, value):
        self.scores = Scores.of(np.array(propensity), np.array(value))

    def score(self, features):
        return self.scores


def policy(scorer, *, costs=(0.0, 1.0, 2.0), levers=(1.0, 1.0, 1.0), arms=ARMS, ceilings=(1.0, 1.0, 1.0)):
    nothing = np.zeros(len(costs))
    terms = Terms(costs=np.array(costs), incentives=nothing, discounts=nothing, levers=np.array(levers), margin=0.5)
    return Policy(
        name="test",
        version="1",
        arms=arms,
        terms=terms,
        exploration=Exploration(sharpness=1.0, floor=0.0),
        ceilings=np.array(ceilings),
        scorer=scorer,
    )


def test_a_decision_carries_every_number_that_led_to_it():
    decided = policy(Known([[0.1, 0.2, 0.3]], [40.0])).decide(np.zeros((1, 2)), np.ones((1, 3), dtype=bool))
    # net values 0.1 x 40 x 0.5 - 1 = 1 and 0.2 x 20 - 2 = 2; gaps 2, 1, 0: 1/5, 1/4 and the rest 11/20
    np.testing.assert_allclose(decided.scores.propensity, [[0.1, 0.2, 0.3]])
    np.testing.assert_allclose(decided.scores.uplift, [[0.0, 0.1, 0.2]])
    np.testing.assert_allclose(decided.parts.gain, [[0.0, 2.0, 4.0]])
    np.testing.assert_allclose(decided.net_values, [[0.0, 1.0, 2.0]])
    np.testing.assert_allclose(decided.probabilities, [[0.2, 0.25, 0.55]])
    assert decided.order.tolist() == [[2, 1, 0]]
    assert decided.best.tolist() == [2]


def test_the_best_arm_is_the_best_eligible_one():
    eligible = np.array([[True, True, False]])
    decided = policy(Known([[0.1, 0.2, 0.3]], [40.0])).decide(np.zeros((1, 2)), eligible)
    assert decided.best.tolist() == [1]
    np.testing.assert_allclose(decided.probabilities, [[1 / 3, 2 / 3, 0.0]])  # gap 1, two arms: 1/(2 + 1)


def test_a_policy_takes_arms_costs_margin_and_exploration_from_the_catalogue():
    catalogue = synthetic_catalogue()
    made = Policy.of(catalogue, PriorScorer.of(catalogue, base_rate=0.2, value=60.0), name="prior", version="0")
    assert made.arms == catalogue.arms
    assert made.terms.costs.tolist() == [0.0, 0.05, 0.3, 8.0, 1.0]
    assert (made.terms.margin, made.exploration) == (0.5, catalogue.exploration)
    assert made.ceilings.tolist() == [1.0] * 5


def test_a_lever_changes_the_order_and_not_the_value():
    levered = policy(Known([[0.1, 0.2, 0.3]], [40.0]), levers=(1.0, 3.0, 1.0)).decide(
        np.zeros((1, 1)), np.ones((1, 3), dtype=bool)
    )
    np.testing.assert_allclose(levered.net_values, [[0.0, 1.0, 2.0]])
    np.testing.assert_allclose(levered.priorities, [[0.0, 3.0, 2.0]])
    assert levered.best.tolist() == [1]


def test_what_is_mandatory_is_chosen_from_alone_and_doing_nothing_is_no_choice_then():
    eligible = np.array([[False, True, False]])
    decided = policy(Known([[0.1, 0.1, 0.3]], [40.0])).decide(np.zeros((1, 2)), eligible)
    assert decided.probabilities.tolist() == [[0.0, 1.0, 0.0]]


def test_a_policy_grows_sharper_with_what_it_has_learnt_from_and_new_touchpoints_ramp_up():
    catalogue = synthetic_catalogue()
    explored = catalogue.exploration.model_copy(
        update={"growth": 0.5, "sharpness": 2.0, "ramp_decisions": 1000, "ramp_share": 0.1}
    )
    catalogue = catalogue.model_copy(update={"exploration": explored})
    chosen = dict.fromkeys(catalogue.arms, 1000) | {catalogue.arms[-1]: 0}
    made = Policy.of(catalogue, PriorScorer.of(catalogue, base_rate=0.2, value=60.0), name="p", version="0", chosen=chosen)
    assert made.exploration.sharpness == 4.0  # four thousand decisions: 2 x the square root of 4
    assert made.ceilings.tolist() == [1.0, 1.0, 1.0, 1.0, 0.1]
    young = Policy.of(catalogue, made.scorer, name="p", version="0", chosen={"none": 10})
    assert young.exploration.sharpness == 2.0  # fewer than a thousand never make it blunter


@pytest.mark.parametrize(
    "wrong",
    [
        {"arms": ("mail.offer", "none", "call.adviser")},
        {"arms": ()},
        {"costs": (0.0, 1.0), "levers": (1.0, 1.0)},
        {"costs": (1.0, 1.0, 1.0)},
        {"costs": (0.0, np.nan, 1.0)},
        {"ceilings": (1.0, 1.0)},
    ],
)
def test_a_policy_whose_arms_and_terms_do_not_fit_is_refused(wrong):
    with pytest.raises(PolicyError, match=r"none|doing nothing"):
        policy(Known([[0.1, 0.2, 0.3]], [1.0]), **wrong)


def test_a_scorer_that_answers_for_other_rows_is_refused():
    with pytest.raises(PolicyError):
        policy(Known([[0.1, 0.2, 0.3]], [1.0])).decide(np.zeros((2, 1)), np.ones((2, 3), dtype=bool))


def test_without_exploration_the_best_is_certain_and_nothing_is_held_back():
    ramping = policy(Known([[0.1, 0.2, 0.3]], [40.0]), ceilings=(1.0, 1.0, 0.1))
    features, eligible = np.zeros((1, 2)), np.ones((1, 3), dtype=bool)
    assert ramping.decide(features, eligible).probabilities[0, 2] == pytest.approx(0.1)
    assert ramping.exploiting.decide(features, eligible).probabilities.tolist() == [[0.0, 0.0, 1.0]]
