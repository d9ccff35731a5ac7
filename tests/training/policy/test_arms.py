import numpy as np

from features.catalogue import Exploration, parse_catalogue
from training.policy import Policy, Scores, variant

CATALOGUE = parse_catalogue(
    {
        "objective": {"margin": 0.5},
        "exploration": {"sharpness": 10.0, "floor": 0.02},
        "touchpoints": [
            {"name": "mail.offer", "stage": "purchase", "recommendable": True, "cost": 1.0, "prior_uplift": 0.2},
            {"name": "call.adviser", "stage": "purchase", "recommendable": True, "cost": 1.0, "prior_uplift": 0.0},
        ],
    }
)


class Known:
    """The customer buys anyway, most surely after a mail; a call changes most."""

    def score(self, features):
        return Scores.of(np.tile([[0.30, 0.90, 0.80]], (len(features), 1)) * [[1.0, 0.3, 1.0]], np.full(len(features), 40.0))


POLICY = Policy.of(CATALOGUE, Known(), name="p", version="1")


def decided(arm, eligible=(True, True, True)):
    return variant(POLICY, arm, CATALOGUE).decide(np.zeros((1, 1)), np.array([eligible]))


def test_customers_of_the_treatment_the_holdout_and_the_challenger_meet_the_policy_itself():
    assert all(variant(POLICY, arm, CATALOGUE) is POLICY for arm in ("treatment", "holdout", "challenger"))


def test_the_random_arm_chooses_uniformly_among_what_is_eligible():
    np.testing.assert_allclose(decided("random").probabilities, [[1 / 3, 1 / 3, 1 / 3]])
    np.testing.assert_allclose(decided("random", (True, False, True)).probabilities, [[0.5, 0.0, 0.5]])


def test_the_propensity_arm_contacts_who_buys_anyway():
    sure = Policy.of(CATALOGUE, Sure(), name="p", version="1")
    assert sure.decide(np.zeros((1, 1)), np.ones((1, 3), dtype=bool)).best.tolist() == [0]
    arm = variant(sure, "propensity", CATALOGUE)
    assert arm.decide(np.zeros((1, 1)), np.ones((1, 3), dtype=bool)).best.tolist() == [2]


class Sure:
    """The customer buys whatever is done."""

    def score(self, features):
        return Scores.of(np.tile([[0.90, 0.90, 0.91]], (len(features), 1)), np.full(len(features), 40.0))


def test_the_rules_arm_goes_by_the_catalogues_priors_and_not_by_what_was_learnt():
    assert decided("treatment").best.tolist() == [2]
    found = decided("rules")
    # the mail's prior of 0.2 x 40 x 0.5 - 1 = 3; the call has none, and costs 1
    np.testing.assert_allclose(found.parts.net, [[0.0, 3.0, -1.0]])
    np.testing.assert_allclose(found.scores.propensity, [[0.3, 0.5, 0.3]])


def test_every_arm_keeps_floor_and_ceilings():
    ramped = CATALOGUE.model_copy(update={"exploration": Exploration(floor=0.05, ramp_decisions=100, ramp_share=0.1)})
    policy = Policy.of(ramped, Known(), name="p", version="1")
    for arm in ("treatment", "random", "propensity", "rules"):
        found = variant(policy, arm, ramped).as_probabilities(np.zeros((1, 1)), np.ones((1, 3), dtype=bool))
        assert (found[0, 1:] <= 0.1 + 1e-12).all() and found.min() >= 0.05
