"""The decision logic, in plain numpy: eligible → score → arbitrate → explore.

1. eligible: which touchpoints may be chosen at all; `none` always may.
2. score: the propensity of every arm, and from it the net value in money.
3. arbitrate: the order among the eligible arms, best net value first.
4. explore: exact probabilities, from which the choice is drawn and by which the log is later read.

Off-policy evaluation, simulation and a request all run this one code.
"""

from training.policy.arbitrate import arbitrate
from training.policy.constant import ConstantPolicy, constant_policies
from training.policy.eligible import Candidate, EligibilityStage, eligibility
from training.policy.explore import draw, inverse_gap_probabilities, rng_for
from training.policy.policy import Decided, Policy, TargetPolicy
from training.policy.score import PriorScorer, Scorer, Scores, net_value

__all__ = [
    "Candidate",
    "ConstantPolicy",
    "Decided",
    "EligibilityStage",
    "Policy",
    "PriorScorer",
    "Scorer",
    "Scores",
    "TargetPolicy",
    "arbitrate",
    "constant_policies",
    "draw",
    "eligibility",
    "inverse_gap_probabilities",
    "net_value",
    "rng_for",
]
